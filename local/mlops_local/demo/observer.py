"""Watches the platform's event bus the way any outside system would: a queue of its own behind a rule."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from mlops_local.demo.platform import Platform

RULE = "demo-observer"
FAILURES = frozenset({"Training Failed", "Deployment Failed", "Deployment Rolled Back", "Monitoring Failed"})


class NoEventError(TimeoutError):
    """The platform did not say what the replay waits for; the message lists what it said last."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of the platform.

    Args:
        id: EventBridge's id; delivery is at least once, so the observer drops repeated ids.
        source: e.g. `mlops.data`.
        kind: the detail-type, e.g. `Dataset Ready`.
        detail: the event's detail.
        month: replayed month during which it was received.
        sequence: position in the log, from 0.
    """

    id: str
    source: str
    kind: str
    detail: dict[str, Any] = field(repr=False)
    month: str
    sequence: int


class Observer:
    """Collects every platform event from entering to leaving the context, and keeps them in a log.

    Args:
        platform: whose bus to watch.
        log: JSON lines file, one event per line; overwritten.
        on_event: called from the polling thread for each event.

    Attributes:
        month: replayed month that new events are filed under; the replay sets it.
    """

    def __init__(self, platform: Platform, log: Path, on_event: Callable[[Event], None] = lambda event: None) -> None:
        self.month = "history"
        self._platform, self._log, self._on_event = platform, log, on_event
        self._events: list[Event] = []
        self._ids: set[str] = set()
        self._arrived = threading.Condition()
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._poll, name="event-observer", daemon=True)
        self._queue = ""

    def __enter__(self) -> Observer:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.write_text("")
        self._subscribe()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        if not isinstance(error, BaseException) or isinstance(error, Exception):
            self._unsubscribe()

    @property
    def position(self) -> int:
        """Sequence number the next event will get; pass it as `since` to see only what comes later."""
        with self._arrived:
            return len(self._events)

    def events(self, *kinds: str) -> list[Event]:
        """Everything received so far, oldest first; of the given detail-types only, when any are given."""
        with self._arrived:
            return [event for event in self._events if not kinds or event.kind in kinds]

    def wait(self, matches: Callable[[Event], bool], *, what: str, since: int = 0, timeout: float = 120) -> Event:
        """First event at or after position `since` that matches.

        Args:
            matches: predicate.
            what: named in the error when it does not come.
            since: position in the log to start from.
            timeout: seconds.

        Raises:
            NoEventError: it did not come in time, or polling failed.
        """
        deadline = time.monotonic() + timeout
        seen = since
        with self._arrived:
            while True:
                for event in self._events[seen:]:
                    if matches(event):
                        return event
                seen = len(self._events)
                left = deadline - time.monotonic()
                if self._error is not None:
                    raise NoEventError(
                        f"watching the event bus failed while waiting for {what}: {self._error}"
                    ) from self._error
                if left <= 0:
                    last = [f"{event.kind} {event.detail.get('reason', '')}".strip() for event in self._events[-4:]]
                    raise NoEventError(f"no {what} within {timeout:.0f} s; the last events were {last}")
                self._arrived.wait(min(left, 1.0))

    def wait_kind(self, *kinds: str, since: int = 0, timeout: float = 120) -> Event:
        """First event of one of the detail-types at or after position `since`."""
        return self.wait(lambda event: event.kind in kinds, what=" or ".join(kinds), since=since, timeout=timeout)

    def _subscribe(self) -> None:
        sqs, events = self._platform.client("sqs"), self._platform.client("events")
        self._queue = sqs.create_queue(QueueName=RULE)["QueueUrl"]
        queue_arn = sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        rule_arn = events.put_rule(
            Name=RULE, EventBusName=self._platform.bus, EventPattern=json.dumps({"source": [{"prefix": "mlops."}]})
        )["RuleArn"]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": queue_arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
                }
            ],
        }
        sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": json.dumps(policy)})
        refused = events.put_targets(
            Rule=RULE, EventBusName=self._platform.bus, Targets=[{"Id": "queue", "Arn": queue_arn}]
        )
        if refused.get("FailedEntryCount"):
            raise RuntimeError(f"the bus refused the observer's queue: {refused['FailedEntries']}")

    def _unsubscribe(self) -> None:
        events = self._platform.client("events")
        events.remove_targets(Rule=RULE, EventBusName=self._platform.bus, Ids=["queue"])
        events.delete_rule(Name=RULE, EventBusName=self._platform.bus)
        self._platform.client("sqs").delete_queue(QueueUrl=self._queue)

    def _poll(self) -> None:
        sqs = self._platform.client("sqs")
        try:
            while not self._stop.is_set():
                answer = sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
                for message in answer.get("Messages", []):
                    self._receive(json.loads(message["Body"]))
                    sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        except Exception as error:  # handed to whoever waits: a dead thread must not look like a silent platform
            with self._arrived:
                self._error = error
                self._arrived.notify_all()

    def _receive(self, body: dict[str, Any]) -> None:
        with self._arrived:
            if body["id"] in self._ids:
                return
            self._ids.add(body["id"])
            event = Event(
                id=body["id"],
                source=body["source"],
                kind=body["detail-type"],
                detail=body["detail"],
                month=self.month,
                sequence=len(self._events),
            )
            with self._log.open("a") as log:
                log.write(json.dumps({"month": event.month, "event": body}) + "\n")
        self._on_event(event)
        with self._arrived:
            self._events.append(event)
            self._arrived.notify_all()
