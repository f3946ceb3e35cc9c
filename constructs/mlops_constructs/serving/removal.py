"""A new endpoint that does not come to serve is removed: it has no former config to go back to, and it blocks its name.

    Abandon -> LookBeforeRemoval -> StillOurs -> RemoveEndpoint -> RemoveConfig -> HasFailed

Only an endpoint this execution made is removed, and only while nobody else changes it.
"""

from __future__ import annotations

from mlops_constructs.orchestration.outcomes import failure
from mlops_constructs.orchestration.states import State, choice, pass_
from mlops_constructs.serving.calls import sagemaker
from mlops_constructs.serving.context import DeployContext

# The first failure stays what is told; how the removal went is added to its cause.
_LEFT = (
    "{% $merge([$failure, {'cause': $failure.cause & '; the new endpoint could not be removed: '"
    " & $states.errorOutput.Error}]) %}"
)
_CONFIG_LEFT = (
    "{% $merge([$failure, {'cause': $failure.cause & ' (but its config could not be: '"
    " & $states.errorOutput.Error & ')'}]) %}"
)
_REMOVED = "{% $merge([$failure, {'cause': $failure.cause & '; the new endpoint was removed'}]) %}"
_TAKEN = (
    "{% $merge([$failure, {'cause': $failure.cause & '; the new endpoint stays, somebody else changes it: it is '"
    " & $status & ' with ' & $live_config}]) %}"
)
_OURS = "$status = 'Failed' or ($status in ['Creating', 'InService'] and $live_config = $name)"


def removing(context: DeployContext) -> dict[str, State]:
    """From `EndpointBroken` or `Abandon`, with `$failure` set, to `HasFailed`."""
    return {
        "EndpointBroken": failure("'Endpoint' & $status", "$reason", next="Abandon"),
        "Abandon": choice([("{% $created %}", "LookBeforeRemoval")], default="HasFailed"),
        "LookBeforeRemoval": sagemaker(
            "describeEndpoint",
            {"EndpointName": context.endpoint_name},
            next="StillOurs",
            assign={
                "status": "{% $states.result.EndpointStatus %}",
                "live_config": "{% $states.result.EndpointConfigName %}",
            },
            catch_assign={"failure": _LEFT},
        ),
        "StillOurs": choice([(f"{{% {_OURS} %}}", "RemoveEndpoint")], default="EndpointTaken"),
        "EndpointTaken": pass_(next="HasFailed", assign={"failure": _TAKEN}),
        "RemoveEndpoint": sagemaker(
            "deleteEndpoint",
            {"EndpointName": context.endpoint_name},
            next="RemoveConfig",
            assign={"failure": _REMOVED},
            catch_assign={"failure": _LEFT},
        ),
        "RemoveConfig": sagemaker(
            "deleteEndpointConfig",
            {"EndpointConfigName": "{% $name %}"},
            next="HasFailed",
            catch_assign={"failure": _CONFIG_LEFT},
        ),
    }
