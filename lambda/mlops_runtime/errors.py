"""Errors by name: Step Functions matches the class name in Retry and Catch.

A class says what a workflow may do about it: `Transient` errors are worth a retry, all others are not.
"""

# ruff: noqa: N818 -- the names are what a person reads in the workflow's graph and in the failure event.


class PlatformError(Exception):
    """Root of everything the platform's functions raise on purpose."""


class Transient(PlatformError):
    """The same call may succeed a moment later."""


class InvalidInput(PlatformError):
    """The function was called with an event it does not understand."""


class ConfigurationError(PlatformError):
    """An environment variable is missing or wrong; nothing but a deployment repairs it."""


class InvalidEvent(PlatformError):
    """An event does not fit its model, or the platform has no such event."""


class EventNotDelivered(Transient):
    """EventBridge did not take the event."""


class StagedDataInvalid(PlatformError):
    """The curating job's summary is missing, malformed or contradicts itself."""


class ClaimLost(PlatformError):
    """The file is not this execution's any more: it was given up, or its claim went stale and another took it."""


class NoLabelledData(PlatformError):
    """There is nothing to learn from: a source with labels has no curated rows."""


class SnapshotInvalid(PlatformError):
    """A run's pinned snapshot cannot be read, or an object of it was never published."""


class EvaluationInvalid(PlatformError):
    """An evaluation is missing, unreadable or lacks the policy's metric."""


class HoldoutMismatch(PlatformError):
    """Challenger and champion were not evaluated on the same holdout."""


class ReportInvalid(PlatformError):
    """A monitoring report is missing a file or is malformed."""


class GateContended(Transient):
    """Too many triggers changed the gate's state at once; the trigger is retried."""


class EndpointUnavailable(Transient):
    """The endpoint did not take the request for a passing reason."""


class TeardownFailed(PlatformError):
    """Something the stack made outside CloudFormation could not be removed."""


class EndpointBusy(Transient):
    """The endpoint is being changed by somebody else; the same command goes on where this one stopped."""


class ControlIncomplete(PlatformError):
    """A command for several workloads failed for some of them; it is recorded and may be repeated."""
