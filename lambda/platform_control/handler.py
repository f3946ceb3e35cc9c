"""Command in, answer out: record the intent, turn the switches, record the outcome, tell the bus.

    aws lambda invoke --function-name mlops-prod-control --cli-binary-format raw-in-base64-out --payload
      '{"action": "stop-retraining", "workload": "all", "reason": "...", "requested_by": "..."}' answer.json

Nothing is turned before the intent is on record. From then on the emergency comes first: whatever fails for one
workload, in a record or on the bus keeps nothing else from being done, and is raised at the end. Every action may be
repeated.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mlops_runtime import bus
from mlops_runtime.errors import ControlIncomplete
from mlops_runtime.events import ControlChanged, utc_now
from mlops_runtime.observability import count, logger, parse
from platform_control import endpoints, logic, switches
from platform_control.records import Trail
from platform_control.settings import Settings, settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Kept free of the function's time for the record and the events.
RESERVE_SECONDS = 20


def handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    """Answer one command.

    Raises:
        InvalidInput: The command is malformed, or names a workload that cannot do it.
        ControlIncomplete: Something failed after the intent was recorded; the message says what, and for whom.
    """
    logger.append_keys(request_id=context.aws_request_id, function_name=context.function_name)
    config, request = settings(), parse(logic.Request, event)
    before = switches.read(config.environment)
    if request.action == "status":
        return logic.Answer(action="status", outcomes=[], switches=before, record_uri="").model_dump(mode="json")
    names = logic.chosen(request, before)
    trail = Trail(
        bucket=config.records_bucket,
        environment=config.environment,
        request=request,
        request_id=context.aws_request_id,
        occurred_at=utc_now().isoformat().replace("+00:00", "Z"),
    )
    intent = trail.intend({name: before[name] for name in names})
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS
    attempts = {name: _attempt(config, request.action, name, before[name], deadline) for name in names}
    after, troubles = _look_again(config)
    outcomes = [
        logic.Outcome(
            workload=name,
            before=logic.switch_of(before[name], request.action),
            after=now or logic.switch_of(after.get(name), request.action),
            error=error,
        )
        for name, (now, error) in attempts.items()
    ]
    uri = intent
    try:
        uri = trail.conclude(intent, outcomes, {name: after[name] for name in names if name in after})
    except Exception as error:
        troubles.append(f"the outcome is not on record: {_told('outcome', error)}")
    troubles += _announce(config, trail, outcomes, uri)
    count("ControlChanged")
    if troubles := [*(f"{each.workload}: {each.error}" for each in outcomes if each.error), *troubles]:
        raise ControlIncomplete(f"{request.action}, recorded in {uri}: {'; '.join(troubles)}")
    answer = logic.Answer(action=request.action, outcomes=outcomes, switches=after, record_uri=uri)
    logger.info("done", extra={"result": answer.model_dump(mode="json")})
    return answer.model_dump(mode="json")


def _attempt(config: Settings, action: str, workload: str, before: logic.Switches, deadline: float) -> tuple[str, str]:
    """Do it for one workload; returns what the switch says now, or what went wrong, whatever that was."""
    try:
        return _act(config, action, workload, before, deadline), ""
    except Exception as error:
        return "", _told(workload, error)


def _look_again(config: Settings) -> tuple[dict[str, logic.Switches], list[str]]:
    """The switches as they are now: a command that broke off may have turned one. With what went wrong in looking."""
    try:
        return switches.read(config.environment), []
    except Exception as error:
        return {}, [f"the switches could not be read afterwards: {_told('look', error)}"]


def _told(what: str, error: Exception) -> str:
    logger.exception("failed", extra={"failed": what})
    return f"{type(error).__name__}: {error}"


def _act(config: Settings, action: str, workload: str, before: logic.Switches, deadline: float) -> str:
    if action in logic.TURNS:
        switch, value = logic.TURNS[action]
        switches.turn(config.environment, workload, switch, value)
        return value
    endpoint = f"{workload}-{config.environment}"
    saved = before.detached_endpoint or logic.NONE
    if action == "detach-endpoint":
        return _detach(config, workload, endpoint, saved, before.promotion_freeze or logic.ON, deadline)
    return _attach(config, workload, endpoint, saved, deadline)


def _detach(config: Settings, workload: str, endpoint: str, saved: str, freeze: str, deadline: float) -> str:
    """Remember, freeze promotion (a deployment would make the endpoint anew), then remove."""
    if saved == logic.NONE:
        saved = endpoints.look(endpoint, freeze, deadline).model_dump_json()
        switches.turn(config.environment, workload, logic.DETACHED_ENDPOINT, saved)
    switches.turn(config.environment, workload, logic.PROMOTION_FREEZE, logic.ON)
    endpoints.remove(endpoint, logic.Detached.model_validate_json(saved), deadline)
    return saved


def _attach(config: Settings, workload: str, endpoint: str, saved: str, deadline: float) -> str:
    """Bring back what was remembered; promotion is as free as it was."""
    if saved == logic.NONE:
        return saved
    detached = logic.Detached.model_validate_json(saved)
    endpoints.restore(endpoint, detached, deadline)
    switches.turn(config.environment, workload, logic.PROMOTION_FREEZE, detached.promotion_freeze)
    switches.turn(config.environment, workload, logic.DETACHED_ENDPOINT, logic.NONE)
    return logic.NONE


def _announce(config: Settings, trail: Trail, outcomes: list[logic.Outcome], uri: str) -> list[str]:
    """Tell the bus of each workload; returns what it did not take."""
    troubles = []
    for outcome in outcomes:
        try:
            bus.publish(_detail(trail, outcome, uri), bus=config.event_bus_name)
        except Exception as error:
            troubles.append(f"{outcome.workload}: the bus was not told: {_told('event', error)}")
    return troubles


def _detail(trail: Trail, outcome: logic.Outcome, uri: str) -> ControlChanged:
    reason = trail.request.reason
    return ControlChanged.model_validate(
        {
            "workload": outcome.workload,
            "environment": trail.environment,
            "occurred_at": utc_now(),
            "action": trail.request.action,
            "before": outcome.before,
            "after": outcome.after,
            "requested_by": trail.request.requested_by,
            "reason": reason if not outcome.error else f"{reason} (failed: {outcome.error})",
            "request_id": trail.request_id,
            "record_uri": uri,
        }
    )
