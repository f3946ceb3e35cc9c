"""What a person may ask for, which switches that turns, and what the record of it says. Nothing here calls AWS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field, model_validator

from mlops_runtime.errors import InvalidInput
from mlops_runtime.events import ControlAction
from mlops_runtime.model import Frozen

ALL = "all"
KILL_SWITCH, PROMOTION_FREEZE, DETACHED_ENDPOINT = "kill-switch", "promotion-freeze", "detached-endpoint"
SWITCHES = (KILL_SWITCH, PROMOTION_FREEZE, DETACHED_ENDPOINT)
ON, OFF, NONE = "on", "off", "none"
UNKNOWN = "unknown"

Stage = Literal["intent", "outcome"]

# Which switch an action turns, and to what.
TURNS: dict[str, tuple[str, str]] = {
    "stop-retraining": (KILL_SWITCH, ON),
    "resume-retraining": (KILL_SWITCH, OFF),
    "freeze-promotion": (PROMOTION_FREEZE, ON),
    "resume-promotion": (PROMOTION_FREEZE, OFF),
}
NEEDS: dict[str, str] = {
    **{action: switch for action, (switch, _) in TURNS.items()},
    "detach-endpoint": DETACHED_ENDPOINT,
    "attach-endpoint": DETACHED_ENDPOINT,
}


class Request(Frozen):
    """One command.

    Attributes:
        action: What to do; `status` only looks.
        workload: Name of a workload, or `all`.
        reason: Why, for the record; at least 10 characters unless the action is `status`.
        requested_by: Who asks. CloudTrail proves it: the record holds the request id of the call.
    """

    action: Literal["status"] | ControlAction
    workload: str = Field(min_length=1)
    reason: str = ""
    requested_by: str = ""

    @model_validator(mode="after")
    def _says_who_and_why(self) -> Request:
        if self.action != "status" and (len(self.reason.strip()) < 10 or not self.requested_by.strip()):
            raise ValueError(f"{self.action} needs `reason` (at least 10 characters) and `requested_by`")
        return self


class Switches(Frozen):
    """The switches of one workload; a workload that serves nothing has only the first."""

    kill_switch: str | None = None
    promotion_freeze: str | None = None
    detached_endpoint: str | None = None


class Outcome(Frozen):
    """What happened to one workload; `error` is empty when it worked, `after` is `unknown` when nobody could look."""

    workload: str
    before: str
    after: str
    error: str = ""


class Answer(Frozen):
    """The answer to a command: one outcome per workload, all switches as they are now, the record of the outcome."""

    action: str
    outcomes: list[Outcome]
    switches: dict[str, Switches]
    record_uri: str


class Policy(Frozen):
    """One scaling policy of a variant, as Application Auto Scaling takes it."""

    name: str
    target_tracking: dict[str, object]


class Target(Frozen):
    """One scalable target of an endpoint."""

    resource_id: str
    dimension: str
    minimum: int
    maximum: int
    policies: list[Policy]


class Detached(Frozen):
    """What it takes to bring an endpoint back; one that was detached before tags were remembered comes without."""

    endpoint_config: str
    promotion_freeze: str
    targets: list[Target]
    tags: dict[str, str] = Field(default_factory=dict)


def switches_of(parameters: Iterable[tuple[str, str]], environment: str) -> dict[str, Switches]:
    """Sort SSM parameters `/mlops/<environment>/<workload>/<switch>` by workload; others are left out."""
    found: dict[str, dict[str, str]] = {}
    for name, value in parameters:
        parts = name.split("/")
        if len(parts) == 5 and parts[2] == environment and parts[4] in SWITCHES:
            found.setdefault(parts[3], {})[parts[4].replace("-", "_")] = value
    return {workload: Switches.model_validate(values) for workload, values in sorted(found.items())}


def chosen(request: Request, switches: dict[str, Switches]) -> list[str]:
    """The workloads a command is about.

    Raises:
        InvalidInput: There is no such workload, or it lacks what the action needs.
    """
    needed = NEEDS.get(request.action, "").replace("-", "_")
    able = [name for name, of in switches.items() if not needed or getattr(of, needed) is not None]
    if request.workload == ALL:
        return able
    if request.workload not in able:
        there = ", ".join(able) or "none"
        raise InvalidInput(f"{request.action}: no workload {request.workload!r} that could; there are: {there}")
    return [request.workload]


def switch_of(switches: Switches | None, action: str) -> str:
    """What the switch that an action turns says; `unknown` when the switches could not be read."""
    return str(getattr(switches, NEEDS[action].replace("-", "_"), UNKNOWN))


def record_key(occurred_at: str, request_id: str, stage: Stage) -> str:
    """Key of a record: sorted by day and instant, the intent of a request before its outcome."""
    return f"control/{occurred_at[:10]}/{occurred_at}-{request_id}-{stage}.json"
