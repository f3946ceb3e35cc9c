"""What the endpoint is before a deployment touches it: absent, serving, changing, or already what is wanted.

InspectEndpoint -> (none there) NothingServes -> CreateModel, which leads to CreateEndpoint
  -> EndpointIdle -> in service: CreateModel, which leads to UpdateEndpoint
                  -> changing, whoever changes it: WaitForIdle -> InspectEndpoint
                  -> with the config of this very execution: OwnAlready -> WaitForEndpoint
                  -> serving this version to an event that came twice: ServesAlready -> LiveConfigCheck
"""

from __future__ import annotations

from mlops_constructs.orchestration.outcomes import failure
from mlops_constructs.orchestration.states import State, choice, pass_, wait
from mlops_constructs.serving.calls import ABSENT, refusal, sagemaker
from mlops_constructs.serving.context import DeployContext
from mlops_constructs.serving.waiting import in_progress

_LIVE = "$states.result.EndpointConfigName"
_OURS = "$live_config = $name"
_SAME_VERSION = f"$substring({_LIVE}, 0, $length($versioned)) = $versioned"
_BY_EVENT = "$exists($states.context.Execution.Input.detail)"


def inspection(context: DeployContext) -> dict[str, State]:
    """From `InspectEndpoint` to `CreateModel`, `WaitForEndpoint` or `LiveConfigCheck`."""
    return {
        "InspectEndpoint": sagemaker(
            "describeEndpoint",
            {"EndpointName": context.endpoint_name},
            next="EndpointIdle",
            assign={
                "status": "{% $states.result.EndpointStatus %}",
                "live_config": f"{{% {_LIVE} %}}",
                # What to go back to is what served before this execution, never its own config.
                "former_config": f"{{% {_LIVE} = $name ? $former_config : {_LIVE} %}}",
                # A version that serves stays approved, whatever comes of deploying it once more.
                "keep": f"{{% {_LIVE} = $name ? $keep : {_SAME_VERSION} %}}",
            },
            refused="EndpointMissing",
        ),
        "EndpointMissing": refusal(ABSENT, next="NothingServes"),
        # What an earlier look saw is gone: there is nothing to go back to.
        "NothingServes": pass_(next="CreateModel", assign={"former_config": "{% '' %}", "keep": False}),
        "EndpointIdle": choice(
            [
                (f"{{% {_OURS} %}}", "OwnAlready"),
                # By hand a version that serves is deployed anew, as after a change of the fleet; an event may simply
                # come twice.
                (f"{{% $status = 'InService' and {_BY_EVENT} and $keep %}}", "ServesAlready"),
                ("{% $status = 'InService' %}", "CreateModel"),
                (in_progress(context, "Deleting"), "WaitForIdle"),
            ],
            default="NotUpdatable",
        ),
        "WaitForIdle": wait(context.rollout.poll_seconds, next="InspectEndpoint", assign={"looks": "{% $looks + 1 %}"}),
        # SageMaker did what this execution had asked for, only its answer was lost.
        "OwnAlready": pass_(next="WaitForEndpoint", assign={"created": "{% $former_config = '' %}", "looks": 0}),
        # Nothing is replaced, so there is nothing to go back to either.
        "ServesAlready": pass_(
            next="LiveConfigCheck",
            assign={"name": "{% $live_config %}", "former_config": "{% '' %}"},
        ),
        "NotUpdatable": failure(
            "'EndpointNotUpdatable'",
            "'delete the endpoint, the next approval makes it anew: its status is ' & $status",
            next="HasFailed",
        ),
    }
