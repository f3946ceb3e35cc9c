"""The ledger of landed files: one row per content, so the same bytes are never curated twice.

Row: pk `<workload>#<source>`, sk SHA-256 of the content; status `claimed` while an ingest execution works on
it, `published` once its rows are curated. A claim whose execution died without releasing it goes stale.

Refused files leave a row of their own, sk `rejected#<landing key>`, until a file with the same name is
accepted: the producer sent it again, corrected. Their bytes are summed up in the gate's item.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

CLAIM_STALE_AFTER_SECONDS = 24 * 3600

Item = dict[str, "AttributeValueTypeDef"]


@dataclass(frozen=True)
class Entry:
    """One content known to the ledger. `months` counts its curated rows by month of the event."""

    sha256: str
    status: str
    execution: str
    source_uri: str
    months: Mapping[str, int]

    @property
    def is_published(self) -> bool:
        """Whether its rows are curated."""
        return self.status == "published"


@dataclass(frozen=True)
class Publication:
    """What one landed file brought.

    Attributes:
        source_uri: The landed file.
        landing_key: Its key, by which an earlier refusal of the same file is settled.
        months: Curated rows by month.
        training_rows: Rows that count as new for training (0 for a source without label).
        rows_quarantined: Rows refused one by one.
        size: Bytes of the accepted file.
    """

    source_uri: str
    landing_key: str
    months: Mapping[str, int]
    training_rows: int
    rows_quarantined: int
    size: int


@dataclass(frozen=True)
class Ledger:
    """The ledger of one workload's source."""

    client: DynamoDBClient
    table: str
    workload: str
    source: str

    def key(self, sort_key: str) -> Item:
        """Primary key of a row of this source."""
        return {"pk": {"S": f"{self.workload}#{self.source}"}, "sk": {"S": sort_key}}

    def claim(self, sha256: str, *, execution: str, source_uri: str, now: int) -> Entry | None:
        """Claim a content for `execution`.

        The same execution may claim again (redrive). Returns None on success, else the entry that stands in the way.
        """
        try:
            self.client.put_item(
                TableName=self.table,
                Item={
                    **self.key(sha256),
                    "status": {"S": "claimed"},
                    "execution": {"S": execution},
                    "source_uri": {"S": source_uri},
                    "claimed_at": {"N": str(now)},
                },
                ConditionExpression="attribute_not_exists(pk) OR (#status = :claimed AND "
                "(execution = :execution OR claimed_at < :stale))",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":claimed": {"S": "claimed"},
                    ":execution": {"S": execution},
                    ":stale": {"N": str(now - CLAIM_STALE_AFTER_SECONDS)},
                },
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            entry = self.get(sha256)
            if entry is None or entry.execution == execution:
                return None
            return entry
        return None

    def get(self, sha256: str) -> Entry | None:
        """The entry of a content, read consistently; None for a content never seen."""
        item = self.client.get_item(TableName=self.table, Key=self.key(sha256), ConsistentRead=True).get("Item")
        return None if item is None else _entry(item)

    def published(self) -> Iterator[Entry]:
        """Every published content of the source."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            FilterExpression="#status = :published",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":pk": self.key("")["pk"], ":published": {"S": "published"}},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield _entry(item)

    def release(self, sha256: str, *, source_uri: str) -> None:
        """Give up the claim of `source_uri` on a content that was not published; no claim, no effect."""
        try:
            self.client.delete_item(
                TableName=self.table,
                Key=self.key(sha256),
                ConditionExpression="#status = :claimed AND source_uri = :source_uri",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":claimed": {"S": "claimed"}, ":source_uri": {"S": source_uri}},
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return

    def publish(self, sha256: str, publication: Publication, *, gate_table: str, now: int) -> bool:
        """Mark a content published and count it in the gate, both or neither.

        Returns whether this call did it: False when it was published before.
        """
        mark: TransactWriteItemTypeDef = {
            "Update": {
                "TableName": self.table,
                "Key": self.key(sha256),
                "UpdateExpression": "SET #status = :published, months = :months, published_at = :now, "
                "source_uri = :source_uri",
                "ConditionExpression": "attribute_not_exists(#status) OR #status = :claimed",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": {
                    ":published": {"S": "published"},
                    ":claimed": {"S": "claimed"},
                    ":months": {"S": json.dumps(dict(publication.months), sort_keys=True)},
                    ":now": {"N": str(now)},
                    ":source_uri": {"S": publication.source_uri},
                },
            }
        }
        counters = {
            "new_rows": publication.training_rows,
            "rows_accepted": sum(publication.months.values()),
            "rows_quarantined": publication.rows_quarantined,
            "bytes_accepted": publication.size,
        }
        published = self._together(mark, self._count(gate_table, counters))
        self._settle_refusal(publication.landing_key, gate_table)
        return published

    def refuse(self, landing_key: str, *, size: int, gate_table: str, now: int) -> bool:
        """Remember a refused file until a corrected one of the same name is accepted.

        Returns False when it is remembered already: each file counts once.
        """
        remember: TransactWriteItemTypeDef = {
            "Put": {
                "TableName": self.table,
                "Item": {
                    **self.key(f"rejected#{landing_key}"),
                    "bytes": {"N": str(size)},
                    "rejected_at": {"N": str(now)},
                },
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }
        return self._together(remember, self._count(gate_table, {"bytes_rejected": size}))

    def _settle_refusal(self, landing_key: str, gate_table: str) -> None:
        key = self.key(f"rejected#{landing_key}")
        item = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            return
        forget: TransactWriteItemTypeDef = {
            "Delete": {"TableName": self.table, "Key": key, "ConditionExpression": "attribute_exists(pk)"}
        }
        self._together(forget, self._count(gate_table, {"bytes_rejected": -int(item["bytes"]["N"])}))

    def _count(self, gate_table: str, counters: Mapping[str, int]) -> TransactWriteItemTypeDef:
        return {
            "Update": {
                "TableName": gate_table,
                "Key": {"workload": {"S": self.workload}},
                "UpdateExpression": "ADD " + ", ".join(f"{name} :{name}" for name in counters),
                "ExpressionAttributeValues": {f":{name}": {"N": str(value)} for name, value in counters.items()},
            }
        }

    def _together(self, first: TransactWriteItemTypeDef, second: TransactWriteItemTypeDef) -> bool:
        """Write both; False when the first one's condition says that it was done before."""
        try:
            self.client.transact_write_items(TransactItems=[first, second])
        except self.client.exceptions.TransactionCanceledException as error:
            reasons = error.response.get("CancellationReasons", [])
            if reasons and reasons[0].get("Code") == "ConditionalCheckFailed":
                return False
            raise
        return True


def _entry(item: Mapping[str, AttributeValueTypeDef]) -> Entry:
    return Entry(
        sha256=item["sk"]["S"],
        status=item["status"]["S"],
        execution=item.get("execution", {}).get("S", ""),
        source_uri=item["source_uri"]["S"],
        months=json.loads(item.get("months", {}).get("S", "{}")),
    )
