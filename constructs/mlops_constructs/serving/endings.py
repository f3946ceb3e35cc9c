"""How a deployment ends: the restore after a failed smoke test, the rejected package, and the three events."""

from __future__ import annotations

from mlops_constructs.governance.waivers import Waiver
from mlops_constructs.governance.wildcards import OWNER, REVIEW
from mlops_constructs.orchestration.outcomes import Announcer, failure
from mlops_constructs.orchestration.states import Json, State, choice, fail, succeed
from mlops_constructs.serving.calls import sagemaker
from mlops_constructs.serving.context import DeployContext
from mlops_constructs.serving.waiting import poll

# SageMaker takes 1024 characters, and no line break.
_CAUSE = "{% $substring($replace($failure.error & ': ' & $failure.cause, /\\s+/, ' '), 0, 1024) %}"
_STILL_APPROVED = (
    "{% $merge([$failure, {'cause': $failure.cause & ' (and the package could not be rejected: '"
    " & $states.errorOutput.Error & ')'}]) %}"
)

# Of the restore: what it takes away is the model that makes the alarms fire.
RESTORE_WAIVERS = tuple(
    Waiver(
        finding=f"MLOps::{rule}[RestorePrevious]",
        reason="The restore takes a failing model away; its alarms fire already and would bring that model back.",
        owner=OWNER,
        review=REVIEW,
        compensating_control="The config restored is one that served before; the workflow checks that it is live.",
    )
    for rule in ("ML-8.rollback-alarms", "ML-8.gradual-traffic")
)


def rolling_back(context: DeployContext) -> dict[str, State]:
    """The new model answers wrongly: bring the former config back, and make sure that it is."""
    restore = sagemaker(
        "updateEndpoint",
        {
            "EndpointName": context.endpoint_name,
            "EndpointConfigName": "{% $former_config %}",
            "RetainAllVariantProperties": True,
        },
        next="WaitForRestore",
        assign={"looks": 0},
    )
    return {
        "HasFormerConfig": choice([("{% $former_config != '' %}", "RestorePrevious")], default="Abandon"),
        "RestorePrevious": restore,
        **poll(
            context,
            wait="WaitForRestore",
            look="LookAtRestore",
            decide="RestoreSettled",
            settled="FormerConfigIsLive",
            otherwise="RestoreFailed",
            unseen="RestoreFailed",
            keeps_failure=True,
        ),
        "FormerConfigIsLive": choice(
            [("{% $live_config = $former_config %}", "WasRolledBack")], default="RestoreFailed"
        ),
        "RestoreFailed": failure(
            "'RestoreFailed'",
            "$failure.cause & '; the former config could not be restored: ' & $reason",
            next="HasFailed",
        ),
    }


def _unless_kept(reject: str, event: str) -> State:
    """The package is rejected, unless the endpoint served its version before, or was not looked at yet."""
    return choice([("{% $keep %}", event)], default=reject)


def _reject(*, next: str) -> State:
    """Reject the package with the cause; when that fails, the outcome's event is sent all the same and says so.

    Training takes approved versions for former champions, and a person finds the cause beside the version. After a
    transient cause a person approves it again, which deploys it again.
    """
    return sagemaker(
        "updateModelPackage",
        {
            "ModelPackageArn": "{% $package %}",
            "ModelApprovalStatus": "Rejected",
            "ApprovalDescription": _CAUSE,
        },
        next=next,
        catch_next=next,
        catch_assign={"failure": _STILL_APPROVED},
    )


def endings(context: DeployContext) -> dict[str, State]:
    """The event of each outcome; without success the execution fails too, so the alarm sees it."""
    events = Announcer(
        source="mlops.deployment",
        event_emitter=context.functions.event_emitter,
        workload=context.workload,
        environment_name=context.environment_name,
    )
    unsuccessful: dict[str, Json] = {
        "model_package_arn": "{% $package %}",
        "endpoint": context.endpoint_name,
        "error": "{% $failure.error %}",
        "cause": "{% $failure.cause %}",
    }
    succeeded: dict[str, Json] = {
        "model_package_arn": "{% $package %}",
        "version": "{% $version %}",
        "endpoint": context.endpoint_name,
        "endpoint_config": "{% $name %}",
    }
    return {
        "EmitSucceeded": events.event("Deployment Succeeded", succeeded, next="Finished", catch_next="EmitFailed"),
        "Finished": succeed(),
        "WasRolledBack": _unless_kept(reject="RejectRolledBack", event="EmitRolledBack"),
        "HasFailed": _unless_kept(reject="RejectFailed", event="EmitFailed"),
        "RejectRolledBack": _reject(next="EmitRolledBack"),
        "RejectFailed": _reject(next="EmitFailed"),
        "EmitRolledBack": events.event("Deployment Rolled Back", unsuccessful, next="Failed", catch_next="EmitFailed"),
        "EmitFailed": events.event("Deployment Failed", unsuccessful, next="Failed", catch_next="Failed"),
        "Failed": fail("{% $failure.error %}", "{% $failure.cause %}"),
    }
