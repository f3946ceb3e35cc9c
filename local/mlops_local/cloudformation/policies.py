"""Policies of event buses as resources."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from ..runtime import Created, Runtime


def register(runtime: Runtime) -> None:
    """Registers `AWS::Events::EventBusPolicy`."""

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
        bus, statement_id = properties.get("EventBusName", "default"), properties["StatementId"]
        _write(bus, statement_id, properties)
        return f"{bus}|{statement_id}", {}

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Created:
        bus, _, statement_id = physical_id.partition("|")
        _write(bus, statement_id, new)
        return physical_id, {}

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        bus, _, statement_id = physical_id.partition("|")
        try:
            runtime.client("events").remove_permission(EventBusName=bus, StatementId=statement_id)
        except ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:
                raise

    def _write(bus: str, statement_id: str, properties: dict[str, Any]) -> None:
        statement = properties.get("Statement") or {
            "Effect": "Allow",
            "Principal": properties["Principal"],
            "Action": properties.get("Action", "events:PutEvents"),
            "Resource": f"arn:aws:events:{runtime.region}:{runtime.account}:event-bus/{bus}",
        }
        statement = json.loads(statement) if isinstance(statement, str) else dict(statement)
        kept = [item for item in _statements(bus) if item.get("Sid") != statement_id]
        policy = {"Version": "2012-10-17", "Statement": [*kept, {**statement, "Sid": statement_id}]}
        runtime.client("events").put_permission(EventBusName=bus, Policy=json.dumps(policy))

    def _statements(bus: str) -> list[dict[str, Any]]:
        policy = runtime.client("events").describe_event_bus(Name=bus).get("Policy")
        statements: list[dict[str, Any]] = json.loads(policy)["Statement"] if policy else []
        return statements

    def replaces(old: dict[str, Any], new: dict[str, Any]) -> bool:
        return any(old.get(key) != new.get(key) for key in ("EventBusName", "StatementId"))

    runtime.register_cfn_type("AWS::Events::EventBusPolicy", create, update, delete, replaces)
