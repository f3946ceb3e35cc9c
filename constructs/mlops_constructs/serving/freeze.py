"""Promotion can be frozen by a person: then no version takes traffic, whoever approved it."""

from __future__ import annotations

from mlops_constructs.orchestration.outcomes import failure
from mlops_constructs.orchestration.retries import sdk_transient
from mlops_constructs.orchestration.states import State, choice, task
from mlops_constructs.serving.context import DeployContext

ALLOWED = "off"
ATTACHED = "none"


def freeze_parameter_name(workload: str, environment_name: str) -> str:
    """SSM parameter that keeps every version from traffic unless its value is `off`."""
    return f"/mlops/{environment_name}/{workload}/promotion-freeze"


def detached_parameter_name(workload: str, environment_name: str) -> str:
    """SSM parameter that remembers what a detached endpoint was, `none` while it serves."""
    return f"/mlops/{environment_name}/{workload}/detached-endpoint"


def freezing(context: DeployContext) -> dict[str, State]:
    """Read the switch right before the endpoint is touched, at every turn; one that is missing counts as frozen."""
    return {
        "ReadFreeze": task(
            "arn:aws:states:::aws-sdk:ssm:getParameter",
            {"Name": freeze_parameter_name(context.workload, context.environment_name)},
            next="PromotionAllowed",
            timeout_seconds=60,
            retry=sdk_transient("Ssm"),
            catch_next="HasFailed",
            output={},
            assign={"freeze": "{% $states.result.Parameter.Value %}"},
        ),
        "PromotionAllowed": choice([(f"{{% $freeze = '{ALLOWED}' %}}", "HasEndpoint")], default="PromotionFrozen"),
        "PromotionFrozen": failure(
            "'PromotionFrozen'",
            "'promotion is frozen: approve the version again when it is not, its switch says ' & $freeze",
            next="HasFailed",
        ),
    }
