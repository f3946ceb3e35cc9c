"""Waiting for an endpoint: a bounded loop of looks, and what counts as being under way."""

from __future__ import annotations

from mlops_constructs.orchestration.states import State, choice
from mlops_constructs.orchestration.states import wait as pause
from mlops_constructs.serving.calls import sagemaker
from mlops_constructs.serving.context import DeployContext

_UNDER_WAY = ("Creating", "Updating", "SystemUpdating", "RollingBack")


def has_looks(context: DeployContext) -> str:
    """JSONata: the workflow may look at the endpoint once more."""
    return f"$looks < {context.rollout.polls}"


def in_progress(context: DeployContext, *also: str) -> str:
    """JSONata condition: the endpoint is changing, or in one of these statuses, and the workflow has looks left."""
    return f"{{% $status in {[*_UNDER_WAY, *also]} and {has_looks(context)} %}}"


def poll(
    context: DeployContext,
    *,
    wait: str,
    look: str,
    decide: str,
    settled: str,
    otherwise: str,
    unseen: str,
    keeps_failure: bool = False,
) -> dict[str, State]:
    """Wait, describe, decide. Ends in `settled` when the endpoint is in service, else in `otherwise`.

    What cannot be seen may go well all the same, so a look that fails is one of the looks; after the last one `unseen`
    follows. With `keeps_failure` a failed look is the `$reason` only, and `$failure` stays what it was.
    """
    described = "$states.result"
    return {
        wait: pause(context.rollout.poll_seconds, next=look, assign={"looks": "{% $looks + 1 %}"}),
        look: sagemaker(
            "describeEndpoint",
            {"EndpointName": context.endpoint_name},
            next=decide,
            catch_next=f"{look}Failed",
            catch_assign={
                "reason": "{% 'it could not be described: ' & $states.errorOutput.Error %}",
                **({"failure": "{% $failure %}"} if keeps_failure else {}),
            },
            assign={
                "status": f"{{% {described}.EndpointStatus %}}",
                "live_config": f"{{% {described}.EndpointConfigName %}}",
                "reason": f"{{% $exists({described}.FailureReason) ? {described}.FailureReason"
                f" : 'the endpoint is ' & {described}.EndpointStatus %}}",
            },
        ),
        f"{look}Failed": choice([(f"{{% {has_looks(context)} %}}", wait)], default=unseen),
        decide: choice(
            [("{% $status = 'InService' %}", settled), (in_progress(context), wait)],
            default=otherwise,
        ),
    }
