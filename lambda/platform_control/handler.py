"""Command in, answer out: turn the switches, write the record, tell the bus.

    aws lambda invoke --function-name mlops-prod-control --cli-binary-format raw-in-base64-out --payload
      '{"action": "stop-retraining", "workload": "all", "reason": "...", "requested_by": "..."}' answer.json

The emergency comes first: a workload that fails does not keep the others from being stopped, and the record and the
events follow what was done. Every action may be repeated.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from mlops_runtime import aws, bus
from mlops_runtime.errors import ControlIncomplete, PlatformError
from mlops_runtime.events import ControlChanged, utc_now
from mlops_runtime.observability import count, logger, parse
from platform_control import endpoints, logic, switches
from platform_control.settings import Settings, settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Kept free of the function's time for the record and the events.
RESERVE_SECONDS = 20


def handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    """Answer one command.

    Raises:
        InvalidInput: The command is malformed, or names a workload that cannot do it.
        ControlIncomplete: It failed for at least one workload; the record says for which.
    """
    logger.append_keys(request_id=context.aws_request_id, function_name=context.function_name)
    config, request = settings(), parse(logic.Request, event)
    before = switches.read(config.environment)
    if request.action == "status":
        return logic.Answer(action="status", outcomes=[], switches=before, record_uri="").model_dump(mode="json")
    names = logic.chosen(request, before)
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS
    outcomes = [_outcome(config, request, name, before[name], deadline) for name in names]
    uri = _record(config, request, outcomes, context.aws_request_id)
    _announce(config, request, outcomes, context.aws_request_id, uri)
    count("ControlChanged")
    if failed := [f"{outcome.workload}: {outcome.error}" for outcome in outcomes if outcome.error]:
        raise ControlIncomplete(f"{request.action}, recorded in {uri}: {'; '.join(failed)}")
    answer = logic.Answer(
        action=request.action, outcomes=outcomes, switches=switches.read(config.environment), record_uri=uri
    )
    logger.info("done", extra={"result": answer.model_dump(mode="json")})
    return answer.model_dump(mode="json")


def _outcome(
    config: Settings, request: logic.Request, workload: str, before: logic.Switches, deadline: float
) -> logic.Outcome:
    was = str(getattr(before, logic.NEEDS[request.action].replace("-", "_")))
    try:
        now = _act(config, request.action, workload, before, deadline)
    except (PlatformError, ClientError) as error:
        logger.exception("failed", extra={"workload": workload})
        return logic.Outcome(workload=workload, before=was, after=was, error=f"{type(error).__name__}: {error}")
    return logic.Outcome(workload=workload, before=was, after=now)


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


def _record(config: Settings, request: logic.Request, outcomes: list[logic.Outcome], request_id: str) -> str:
    occurred = utc_now().isoformat().replace("+00:00", "Z")
    key = logic.record_key(occurred, request_id)
    body = {
        "occurred_at": occurred,
        "environment": config.environment,
        "request_id": request_id,
        "request": request.model_dump(mode="json"),
        "outcomes": [outcome.model_dump(mode="json") for outcome in outcomes],
    }
    # IfNoneMatch: a record is written once; the role may neither overwrite nor delete.
    aws.s3().put_object(
        Bucket=config.records_bucket, Key=key, Body=json.dumps(body, sort_keys=True).encode(), IfNoneMatch="*"
    )
    return f"s3://{config.records_bucket}/{key}"


def _announce(
    config: Settings, request: logic.Request, outcomes: list[logic.Outcome], request_id: str, uri: str
) -> None:
    for outcome in outcomes:
        detail = ControlChanged.model_validate(
            {
                "workload": outcome.workload,
                "environment": config.environment,
                "occurred_at": utc_now(),
                "action": request.action,
                "before": outcome.before,
                "after": outcome.after,
                "requested_by": request.requested_by,
                "reason": request.reason if not outcome.error else f"{request.reason} (failed: {outcome.error})",
                "request_id": request_id,
                "record_uri": uri,
            }
        )
        bus.publish(detail, bus=config.event_bus_name)
