"""A function as workflows see it: whom to call, and how long an answer may take."""

from __future__ import annotations

from dataclasses import dataclass

# What a call may take beside the function itself: its environment is set up and the answer comes back.
_AROUND_THE_FUNCTION_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Callee:
    """A Lambda function that a Task calls (`PlatformFunction.callee`).

    Args:
        arn: ARN of the function.
        timeout_seconds: Longest run of the function.
    """

    arn: str
    timeout_seconds: int

    @property
    def task_timeout_seconds(self) -> int:
        """How long a Task waits: never less than the function runs.

        A Task that gives up first tells of a failure while the function goes on and does what it was asked to do.
        """
        return self.timeout_seconds + _AROUND_THE_FUNCTION_SECONDS
