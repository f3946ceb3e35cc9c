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
    catch_next: str = "HasFailed",
) -> dict[str, State]:
    """Three states: wait, describe, decide. Ends in `settled` when the endpoint is in service, else in `otherwise`.

    When it cannot be described, `catch_next` follows.
    """
    described = "$states.result"
    return {
        wait: pause(context.rollout.poll_seconds, next=look, assign={"looks": "{% $looks + 1 %}"}),
        look: sagemaker(
            "describeEndpoint",
            {"EndpointName": context.endpoint_name},
            next=decide,
            catch_next=catch_next,
            assign={
                "status": f"{{% {described}.EndpointStatus %}}",
                "live_config": f"{{% {described}.EndpointConfigName %}}",
                "reason": f"{{% $exists({described}.FailureReason) ? {described}.FailureReason"
                f" : 'the endpoint is ' & {described}.EndpointStatus %}}",
            },
        ),
        decide: choice(
            [("{% $status = 'InService' %}", settled), (in_progress(context), wait)],
            default=otherwise,
        ),
    }
