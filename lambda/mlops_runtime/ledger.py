"""The ledger of landed files: one row per content, so the same bytes are never curated twice.

Row: pk `<workload>#<source>`, sk SHA-256 of the content; status `claimed` while an ingest execution works on
it, `published` once its rows are curated, `withdrawn` while what it left is removed. A claim whose execution died
without releasing it goes stale.

Published files stand in an order: the first has place 1, the next 2, each in a row of its own, sk `published#<place>`.
A file takes its place only if nobody took it before, so whoever knows all files before a place knows that no other
came between. Nothing but these rows says which curated objects count.

Refused files leave a row of their own, sk `rejected#<landing key>`, until a file with the same name is
accepted: the producer sent it again, corrected. Their bytes are summed up in the gate's item.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_runtime.contention import patiently
from mlops_runtime.errors import ClaimLost
from mlops_runtime.ledger_rows import LAST_PLACE, Entry, Publication, PublishedFile, place_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from mlops_runtime.ledger_rows import Item

CLAIM_STALE_AFTER_SECONDS = 24 * 3600


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
            patiently(
                lambda: self.client.put_item(
                    TableName=self.table,
                    Item={
                        **self.key(sha256),
                        "status": {"S": "claimed"},
                        "execution": {"S": execution},
                        "source_uri": {"S": source_uri},
                        "claimed_at": {"N": str(now)},
                    },
                    ConditionExpression="attribute_not_exists(pk) OR (#status <> :published AND "
                    "(execution = :execution OR claimed_at < :stale))",
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues={
                        ":published": {"S": "published"},
                        ":execution": {"S": execution},
                        ":stale": {"N": str(now - CLAIM_STALE_AFTER_SECONDS)},
                    },
                )
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
        return None if item is None else Entry.of(item)

    def published(self, *, after: int = 0) -> Iterator[PublishedFile]:
        """The published files of the source in their order, those after a place only.

        Ends before a gap: a file published while the list was being read is for the next reader.
        """
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": self.key("")["pk"],
                ":first": {"S": place_key(after + 1)},
                ":last": {"S": place_key(LAST_PLACE)},
            },
            ConsistentRead=True,
        )
        for place, item in enumerate((item for page in pages for item in page["Items"]), after + 1):
            if item["sk"]["S"] != place_key(place):
                return
            yield PublishedFile.of(item, place)

    def withdraw(self, sha256: str, *, execution: str) -> bool:
        """Make sure that a content claimed by `execution` is not published any more, whoever still works on it.

        Returns False when there is no such claim; True again for one withdrawn before.
        """
        try:
            patiently(
                lambda: self.client.update_item(
                    TableName=self.table,
                    Key=self.key(sha256),
                    UpdateExpression="SET #status = :withdrawn",
                    ConditionExpression="#status <> :published AND execution = :execution",
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues={
                        ":withdrawn": {"S": "withdrawn"},
                        ":published": {"S": "published"},
                        ":execution": {"S": execution},
                    },
                )
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def release(self, sha256: str, *, execution: str) -> None:
        """Forget a content that `execution` has withdrawn: it may land again. No such entry, no effect."""
        try:
            patiently(
                lambda: self.client.delete_item(
                    TableName=self.table,
                    Key=self.key(sha256),
                    ConditionExpression="#status = :withdrawn AND execution = :execution",
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues={":withdrawn": {"S": "withdrawn"}, ":execution": {"S": execution}},
                )
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return

    def publish(
        self, sha256: str, publication: Publication, *, execution: str, place: int, gate_table: str, now: int
    ) -> bool:
        """Give a content its place among the published files: the commit of everything that publishing does.

        It is counted in the gate, and an earlier refusal of its name is taken back, in the same transaction: all of
        it or nothing. So nothing is left to do afterwards that could fail.

        Returns False when another file has that place, or when the refusal changed meanwhile: look again. A content
        published before stays as it is, counted once.

        Raises:
            ClaimLost: The content is not claimed by `execution`.
        """
        counters = publication.counters()
        writes = [self._mark(sha256, execution, now), self._take(place, publication.row(sha256))]
        refusal = self.client.get_item(
            TableName=self.table, Key=self._refusal(publication.landing_key), ConsistentRead=True
        ).get("Item")
        if refusal is not None:
            counters["bytes_rejected"] = -int(refusal["bytes"]["N"])
            writes.append(self._forget(refusal))
        unmet = self._together(*writes, self._count(gate_table, counters))
        if 0 in unmet:
            entry = self.get(sha256)
            if entry is None or entry.status != "published":
                holder = "nobody" if entry is None else f"{entry.execution} ({entry.status})"
                raise ClaimLost(f"{sha256} of {self.source} belongs to {holder}, not to {execution}")
            return True
        return not unmet

    def refuse(self, landing_key: str, *, size: int, gate_table: str, now: int) -> bool:
        """Remember a refused file until a corrected one of the same name is accepted.

        Returns False when it is remembered already: each file counts once.
        """
        remember: TransactWriteItemTypeDef = {
            "Put": {
                "TableName": self.table,
                "Item": {
                    **self._refusal(landing_key),
                    "bytes": {"N": str(size)},
                    "rejected_at": {"N": str(now)},
                },
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }
        return not self._together(remember, self._count(gate_table, {"bytes_rejected": size}))

    def _mark(self, sha256: str, execution: str, now: int) -> TransactWriteItemTypeDef:
        return {
            "Update": {
                "TableName": self.table,
                "Key": self.key(sha256),
                "UpdateExpression": "SET #status = :published, published_at = :now",
                "ConditionExpression": "#status = :claimed AND execution = :execution",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": {
                    ":published": {"S": "published"},
                    ":claimed": {"S": "claimed"},
                    ":execution": {"S": execution},
                    ":now": {"N": str(now)},
                },
            }
        }

    def _take(self, place: int, row: Item) -> TransactWriteItemTypeDef:
        return {
            "Put": {
                "TableName": self.table,
                "Item": {**self.key(place_key(place)), **row},
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _refusal(self, landing_key: str) -> Item:
        return self.key(f"rejected#{landing_key}")

    def _forget(self, refusal: Item) -> TransactWriteItemTypeDef:
        return {
            "Delete": {
                "TableName": self.table,
                "Key": {name: refusal[name] for name in ("pk", "sk")},
                "ConditionExpression": "bytes = :bytes",  # those that the gate takes off
                "ExpressionAttributeValues": {":bytes": refusal["bytes"]},
            }
        }

    def _count(self, gate_table: str, counters: Mapping[str, int]) -> TransactWriteItemTypeDef:
        return {
            "Update": {
                "TableName": gate_table,
                "Key": {"workload": {"S": self.workload}},
                "UpdateExpression": "ADD " + ", ".join(f"{name} :{name}" for name in counters),
                "ExpressionAttributeValues": {f":{name}": {"N": str(value)} for name, value in counters.items()},
            }
        }

    def _together(self, *writes: TransactWriteItemTypeDef) -> list[int]:
        """Write all or nothing; returns the numbers of the writes whose conditions did not hold."""
        try:
            patiently(lambda: self.client.transact_write_items(TransactItems=writes))
        except self.client.exceptions.TransactionCanceledException as error:
            reasons = error.response.get("CancellationReasons", [])
            unmet = [number for number, each in enumerate(reasons) if each.get("Code") == "ConditionalCheckFailed"]
            if not unmet:
                raise
            return unmet
        return []
