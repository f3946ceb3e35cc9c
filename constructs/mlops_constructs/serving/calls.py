"""Calls of SageMaker's control plane, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_constructs.orchestration.retries import sdk_transient
from mlops_constructs.orchestration.states import FAILURE, Json, State, catch, choice, task

SAGEMAKER = "arn:aws:states:::aws-sdk:sagemaker"
# SageMaker has no error of its own for "there is none", "there is one already" and "not now": they arrive as its base
# exception, and only the cause tells them from each other and from all the rest.
ABSENT = "Could not find endpoint"
EXISTING = "already existing"
CHANGING = "in-progress endpoint"


def sagemaker(
    action: str,
    arguments: Mapping[str, Json],
    *,
    next: str,
    assign: Mapping[str, Json] | None = None,
    refused: str | None = None,
    refused_assign: Mapping[str, Json] | None = None,
) -> State:
    """A Task that calls one SageMaker API of the control plane; a failure rejects the package.

    Args:
        action: The API, for example `describeEndpoint`.
        arguments: Its arguments.
        next: State that follows success.
        assign: Variables set on success.
        refused: The `refusal` that looks at the cause of SageMaker's base exception; none by default.
        refused_assign: Further variables set on the way there, beside `failure`.
    """
    known: list[State] = []
    if refused:
        assigned = {"failure": FAILURE, **(refused_assign or {})}
        known = [catch("SageMaker.SageMakerException", next=refused, assign=assigned)]
    return task(
        f"{SAGEMAKER}:{action}",
        arguments,
        next=next,
        timeout_seconds=60,
        retry=sdk_transient("SageMaker"),
        catch_next="RejectFailed",
        catch_first=known,
        output={},
        assign=assign,
    )


def refusal(text: str, *, next: str, also: str | None = None) -> State:
    """A Choice: `next` follows when the cause has the text and `also` (JSONata) holds, else the package is rejected."""
    condition = f"$contains($failure.cause, '{text}')" + (f" and {also}" if also else "")
    return choice([(f"{{% {condition} %}}", next)], default="RejectFailed")
