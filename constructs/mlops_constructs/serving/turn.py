"""One deployment at a time: an execution waits until those of its workflow that began before it have ended.

    AskForTurn -> OurTurn -> DescribePackage
                     | an older one runs -> WaitForTurn -> AskForTurn

An endpoint in service is no sign that it is free: the deployment that brought it there still verifies it, and whoever
changed it meanwhile would make that one fail. The package is read after the wait, as the older deployment may have been
one of the same package.
"""

from __future__ import annotations

from mlops_constructs.orchestration.outcomes import failure
from mlops_constructs.orchestration.retries import sdk_transient
from mlops_constructs.orchestration.states import State, choice, task, wait
from mlops_constructs.serving.context import DeployContext

FIRST = "AskForTurn"
# Newest first, so the oldest is the last one. A list that does not show an execution yet lets two of them through:
# SageMaker then refuses the second update, which waits for the first.
_OLDEST = "$states.result.Executions[-1].ExecutionArn"


def taking_turns(context: DeployContext) -> dict[str, State]:
    """From `AskForTurn` to `DescribePackage`, with `$looks` counting from 0."""
    return {
        FIRST: task(
            "arn:aws:states:::aws-sdk:sfn:listExecutions",
            {"StateMachineArn": "{% $states.context.StateMachine.Id %}", "StatusFilter": "RUNNING"},
            next="OurTurn",
            timeout_seconds=60,
            retry=sdk_transient("Sfn"),
            catch_next="HasFailed",
            output={},
            assign={"older_runs": f"{{% $exists({_OLDEST}) and {_OLDEST} != $states.context.Execution.Id %}}"},
        ),
        "OurTurn": choice(
            [
                ("{% $not($older_runs) %}", "DescribePackage"),
                (f"{{% $looks < {context.rollout.turns} %}}", "WaitForTurn"),
            ],
            default="TurnNeverCame",
        ),
        "WaitForTurn": wait(context.rollout.poll_seconds, next=FIRST, assign={"looks": "{% $looks + 1 %}"}),
        "TurnNeverCame": failure(
            "'TurnNeverCame'", "'an older deployment still runs: see what it waits for'", next="HasFailed"
        ),
    }
