"""A new endpoint that does not come to serve is removed: it has no former config to go back to, and it blocks its name.

    Abandon -> LookBeforeRemoval -> StillOurs -> RemoveEndpoint -> RemoveConfig -> the package is rejected

Only an endpoint this execution made is removed, and only while nobody else changes it.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlops_constructs.orchestration.outcomes import failure
from mlops_constructs.orchestration.retries import sdk_transient
from mlops_constructs.orchestration.states import Json, State, choice, task
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
    """From `EndpointBroken` or `Abandon`, with `$failure` set, to `RejectFailed`."""
    return {
        "EndpointBroken": failure("'Endpoint' & $status", "$reason", next="Abandon"),
        "Abandon": choice([("{% $created %}", "LookBeforeRemoval")], default="RejectFailed"),
        "LookBeforeRemoval": _sagemaker(
            "describeEndpoint",
            {"EndpointName": context.endpoint_name},
            next="StillOurs",
            assign={
                "status": "{% $states.result.EndpointStatus %}",
                "live_config": "{% $states.result.EndpointConfigName %}",
            },
        ),
        "StillOurs": choice([(f"{{% {_OURS} %}}", "RemoveEndpoint")], default="EndpointTaken"),
        "EndpointTaken": {"Type": "Pass", "Assign": {"failure": _TAKEN}, "Next": "RejectFailed"},
        "RemoveEndpoint": _sagemaker(
            "deleteEndpoint",
            {"EndpointName": context.endpoint_name},
            next="RemoveConfig",
            assign={"failure": _REMOVED},
        ),
        "RemoveConfig": _sagemaker(
            "deleteEndpointConfig", {"EndpointConfigName": "{% $name %}"}, next="RejectFailed", left=_CONFIG_LEFT
        ),
    }


def _sagemaker(
    action: str,
    arguments: Mapping[str, Json],
    *,
    next: str,
    assign: Mapping[str, Json] | None = None,
    left: str = _LEFT,
) -> State:
    return task(
        f"arn:aws:states:::aws-sdk:sagemaker:{action}",
        arguments,
        next=next,
        timeout_seconds=60,
        retry=sdk_transient("SageMaker"),
        catch_next="RejectFailed",
        output={},
        assign=assign,
        catch_assign={"failure": left},
    )
