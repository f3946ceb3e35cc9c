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
    catch_next: str = "HasFailed",
    catch_assign: Mapping[str, Json] | None = None,
) -> State:
    """A Task that calls one SageMaker API of the control plane.

    Args:
        action: The API, for example `describeEndpoint`.
        arguments: Its arguments.
        next: State that follows success.
        assign: Variables set on success.
        refused: The `refusal` that looks at the cause of SageMaker's base exception; none by default.
        catch_next: State that follows any other failure; the end of a failed deployment by default.
        catch_assign: Further variables set on that way, or another `failure`.
    """
    assigned = {"failure": FAILURE}
    known = [catch("SageMaker.SageMakerException", next=refused, assign=assigned)] if refused else []
    return task(
        f"{SAGEMAKER}:{action}",
        arguments,
        next=next,
        timeout_seconds=60,
        retry=sdk_transient("SageMaker"),
        catch_next=catch_next,
        catch_first=known,
        output={},
        assign=assign,
        catch_assign=catch_assign,
    )


def refusal(text: str, *, next: str, also: str | None = None) -> State:
    """A Choice: `next` follows a cause with the text when `also` (JSONata) holds, else the deployment has failed."""
    condition = f"$contains($failure.cause, '{text}')" + (f" and {also}" if also else "")
    return choice([(f"{{% {condition} %}}", next)], default="HasFailed")
