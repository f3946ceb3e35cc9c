"""Writes to an item that a transaction is writing: DynamoDB refuses them, and takes them a moment later."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mlops_runtime import aws, contention
from mlops_runtime.errors import Transient
from mlops_runtime.ledger import Ledger
from mlops_runtime.ledger_rows import Publication
from retraining_gate.store import Gate
from tests.runtime.conftest import WORKLOAD, Account

SHA = "ab" * 32
PUBLICATION = Publication({"2013-01": 7}, "a", "z", 7, 0, 1, "key")
FREE, TAKEN, HELD = "None", "ConditionalCheckFailed", "TransactionConflict"

Refusals = Callable[..., list[float]]


@pytest.fixture
def refuse(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Refusals]:
    """Have DynamoDB refuse the next calls of an operation; returns the pauses made between them."""
    events, registered = aws.dynamodb().meta.events, []

    def arrange(operation: str, times: int, code: str, *reasons: str) -> list[float]:
        pauses: list[float] = []
        monkeypatch.setattr(contention.time, "sleep", pauses.append)
        left = iter(range(times))

        def answer(**_: object) -> None:
            if next(left, None) is not None:
                response = {"Error": {"Code": code, "Message": "m"}}
                detail = {"CancellationReasons": [{"Code": reason} for reason in reasons]} if reasons else {}
                raise aws.dynamodb().exceptions.from_code(code)({**response, **detail}, operation)  # type: ignore[arg-type]

        registered.append((f"before-call.dynamodb.{operation}", answer))
        events.register(*registered[-1])
        return pauses

    yield arrange
    for name, handler in registered:
        events.unregister(name, handler)


@pytest.fixture
def ledger(account: Account) -> Ledger:
    ledger = Ledger(aws.dynamodb(), "ledger", WORKLOAD, "labels")
    ledger.claim(SHA, execution="e", source_uri="uri", now=1)
    return ledger


def publish(ledger: Ledger, place: int = 1) -> bool:
    return ledger.publish(SHA, PUBLICATION, execution="e", place=place, gate_table="gate", now=2)


def test_a_publication_waits_for_another_to_be_counted(account: Account, ledger: Ledger, refuse: Refusals) -> None:
    pauses = refuse("TransactWriteItems", 3, "TransactionCanceledException", FREE, FREE, HELD)
    assert publish(ledger)
    assert len(pauses) == 3
    assert account.gate_item()["new_rows"] == 7


def test_a_refusal_waits_as_well(account: Account, ledger: Ledger, refuse: Refusals) -> None:
    refuse("TransactWriteItems", 1, "TransactionCanceledException", FREE, HELD)
    assert ledger.refuse("a.csv", size=5, gate_table="gate", now=2)
    assert account.gate_item()["bytes_rejected"] == 5


def test_pauses_grow_and_are_of_random_length(ledger: Ledger, refuse: Refusals) -> None:
    pauses = refuse("TransactWriteItems", 9, "TransactionCanceledException", FREE, FREE, HELD)
    assert publish(ledger)
    assert len(set(pauses)) == len(pauses)
    assert all(0 <= pause <= min(3.0, 0.05 * 2 ** (n + 1)) for n, pause in enumerate(pauses))


def test_what_stays_in_the_way_is_an_error_that_workflows_retry(ledger: Ledger, refuse: Refusals) -> None:
    refuse("TransactWriteItems", 99, "TransactionCanceledException", FREE, FREE, HELD)
    with pytest.raises(Transient, match="10 times"):
        publish(ledger)


def test_a_taken_place_is_an_answer_and_not_waited_for(ledger: Ledger, refuse: Refusals) -> None:
    pauses = refuse("TransactWriteItems", 99, "TransactionCanceledException", FREE, TAKEN, HELD)
    assert not publish(ledger)
    assert pauses == []


def test_what_is_wrong_is_not_repeated(ledger: Ledger, refuse: Refusals) -> None:
    pauses = refuse("TransactWriteItems", 99, "TransactionCanceledException", FREE, FREE, "ValidationError")
    with pytest.raises(aws.dynamodb().exceptions.TransactionCanceledException):
        publish(ledger)
    assert pauses == []


def test_a_claim_waits_for_the_publication_of_the_same_content(ledger: Ledger, refuse: Refusals) -> None:
    pauses = refuse("PutItem", 1, "TransactionConflictException")
    earlier = ledger.claim(SHA, execution="other", source_uri="uri", now=2)
    assert earlier is not None
    assert (earlier.execution, len(pauses)) == ("e", 1)


def test_the_gate_takes_its_slot_while_rows_are_counted(account: Account, refuse: Refusals) -> None:
    pauses = refuse("UpdateItem", 2, "TransactionConflictException")
    gate = Gate(aws.dynamodb(), "gate", WORKLOAD)
    assert gate.claim(gate.read(), execution="run", event_id="1", execution_input="{}", now=1, lease_seconds=60)
    assert len(pauses) == 2
    assert gate.read().running_execution == "run"


def test_places_are_given_once_and_in_order(account: Account, ledger: Ledger) -> None:
    assert publish(ledger)
    second = "cd" * 32
    ledger.claim(second, execution="e", source_uri="uri", now=1)
    again = {"execution": "e", "gate_table": "gate", "now": 2}
    assert not ledger.publish(second, PUBLICATION, place=1, **again)  # type: ignore[arg-type]
    assert ledger.publish(second, PUBLICATION, place=2, **again)  # type: ignore[arg-type]
    assert [(file.place, file.sha256) for file in ledger.published()] == [(1, SHA), (2, second)]
    assert [file.place for file in ledger.published(after=1)] == [2]
    assert account.gate_item()["new_rows"] == 14


def test_a_file_behind_a_gap_waits_for_the_next_reader(ledger: Ledger) -> None:
    """Its row was read, the one before it was not yet written when that part of the table was."""
    assert publish(ledger, place=2)
    assert list(ledger.published()) == []
    assert [file.place for file in ledger.published(after=1)] == [2]
