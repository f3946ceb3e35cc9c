"""Comparing what is live with what was asked for: pure."""

from __future__ import annotations

from mlops_runtime.model import Frozen


class Live(Frozen):
    """The check's answer; `reason` is one line for people."""

    live: bool
    endpoint_status: str
    actual_endpoint_config: str
    reason: str


def compare(*, endpoint: str, expected: str, status: str, actual: str, failure: str, pending: bool) -> Live:
    """Judge an endpoint.

    A rolled-back update ends InService with the former configuration: the status alone proves nothing.

    Args:
        endpoint: Name of the endpoint.
        expected: Configuration that was asked for.
        status: Its status as DescribeEndpoint gives it.
        actual: Configuration it says it serves.
        failure: FailureReason of DescribeEndpoint, empty when there is none.
        pending: Whether a deployment is still on its way.
    """
    if status != "InService":
        reason = f"{endpoint} is {status}, not InService" + (f": {failure}" if failure else "")
    elif pending:
        reason = f"{endpoint} still has a deployment on its way"
    elif actual != expected:
        reason = f"{endpoint} serves {actual}, not {expected}" + (f": {failure}" if failure else "")
    else:
        reason = f"{endpoint} serves {expected}"
    live = status == "InService" and not pending and actual == expected
    return Live(live=live, endpoint_status=status, actual_endpoint_config=actual, reason=reason)
