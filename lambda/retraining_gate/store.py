"""The gate's item in DynamoDB: read, claimed and released under conditions, so that two can never both win."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from mlops_runtime.contention import patiently
from retraining_gate.logic import Counters, State, day_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


@dataclass(frozen=True)
class Gate:
    """The gate of one workload."""

    client: DynamoDBClient
    table: str
    workload: str

    @property
    def key(self) -> dict[str, AttributeValueTypeDef]:
        """Primary key of the item."""
        return {"workload": {"S": self.workload}}

    def read(self) -> State:
        """The state as it is now, read consistently."""
        item = self.client.get_item(TableName=self.table, Key=self.key, ConsistentRead=True).get("Item", {})

        def number(name: str) -> int:
            return int(item.get(name, {}).get("N", "0"))

        def text(name: str) -> str:
            return item.get(name, {}).get("S", "")

        return State(
            revision=number("revision"),
            running_execution=text("running_execution"),
            lease_expires=number("lease_expires"),
            last_started=number("last_started"),
            day=text("day"),
            count_today=number("count_today"),
            claim_event=text("claim_event"),
            claim_input=text("claim_input"),
            counters=Counters(**{name: number(name) for name in Counters.names()}),
        )

    def claim(
        self, seen: State, *, execution: str, event_id: str, execution_input: str, now: int, lease_seconds: int
    ) -> bool:
        """Take the slot unless somebody took it since `seen` was read.

        What was counted until then belongs to this training and is subtracted, so that files published meanwhile
        still count for the next one.
        """
        day = day_of(now)
        values: dict[str, str | int] = {
            "revision": seen.revision + 1,
            "running_execution": execution,
            "lease_expires": now + lease_seconds,
            "last_started": now,
            "previous_started": seen.last_started,
            "day": day,
            "count_today": seen.starts_on(day) + 1,
            "claim_event": event_id,
            "claim_input": execution_input,
            "seen": json.dumps(asdict(seen.counters)),
        }
        taken = {name: -value for name, value in asdict(seen.counters).items()}
        condition = "#revision = :seen_revision" if seen.revision else "attribute_not_exists(#revision)"
        guard = {":seen_revision": _value(seen.revision)} if seen.revision else {}
        return self._update(values, taken, condition, guard)

    def release(self, execution: str, *, give_back: bool) -> bool:
        """Free the slot if `execution` holds it.

        A failed training gives back what it would have learned from and starts no cool-down: the model is as old as
        before. It keeps its place in the day's cap, which is what stops a job that always fails.
        """
        values: dict[str, str | int] = {"running_execution": ""}
        returned: Mapping[str, int] = {}
        if give_back:
            item = self.client.get_item(TableName=self.table, Key=self.key, ConsistentRead=True).get("Item", {})
            returned = json.loads(item.get("seen", {}).get("S", "{}"))
            values["last_started"] = int(item.get("previous_started", {}).get("N", "0"))
        holder = {":holder": _value(execution)}
        return self._update(values, returned, "#running_execution = :holder", holder)

    def _update(
        self,
        values: Mapping[str, str | int],
        added: Mapping[str, int],
        condition: str,
        guard: Mapping[str, AttributeValueTypeDef],
    ) -> bool:
        names = {f"#{name}": name for name in (*values, *added)}
        assignments = ", ".join(f"#{name} = :{name}" for name in values)
        additions = ", ".join(f"#{name} :{name}" for name in added)
        try:
            patiently(  # publications count their rows in the same item
                lambda: self.client.update_item(
                    TableName=self.table,
                    Key=self.key,
                    UpdateExpression=f"SET {assignments}" + (f" ADD {additions}" if added else ""),
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues={
                        **{f":{name}": _value(value) for name, value in (*values.items(), *added.items())},
                        **guard,
                    },
                )
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _value(value: str | int) -> AttributeValueTypeDef:
    return {"S": value} if isinstance(value, str) else {"N": str(value)}
