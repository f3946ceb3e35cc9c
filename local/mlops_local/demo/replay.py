"""Replays months through the platform, one after the other, learning what happened only from its events."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mlops_local.demo.capture import await_capture, capture_keys
from mlops_local.demo.display import Display
from mlops_local.demo.faults import faults_of
from mlops_local.demo.landing import Produced, Upload, land, select
from mlops_local.demo.months import Month
from mlops_local.demo.observer import Event, Observer
from mlops_local.demo.platform import Platform
from mlops_local.demo.result import FileOutcome
from mlops_local.demo.scoring import Traffic, score_month

MONITORED = ("Drift Detected", "Monitoring Completed", "No Traffic", "Monitoring Failed")
GATED = ("Retraining Started", "Retraining Suppressed")
TRAINED = ("Model Registered", "Model Rejected", "Training Failed")
DEPLOYED = ("Deployment Succeeded", "Deployment Rolled Back", "Deployment Failed")
_FAILED = ("Monitoring Failed", "Training Failed", "Deployment Failed")
_JOB_SECONDS = 240


class ReplayError(RuntimeError):
    """The loop broke: a workflow failed, or a good file was refused."""


@dataclass(frozen=True, kw_only=True)
class ReplayedMonth:
    """What happened in one month, as observed from outside."""

    month: Month
    traffic: Traffic
    files: list[FileOutcome]
    monitored: Event
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Drives one platform through the year.

    Args:
        platform: the deployed platform.
        observer: subscribed to its bus.
        display: shows progress.
        files: what the producer made for all months, history included.
    """

    platform: Platform
    observer: Observer
    display: Display
    files: Sequence[Produced]

    def train_first(self, months: Sequence[Month]) -> list[FileOutcome]:
        """Land the history, ask for the first training and wait until its model serves.

        Raises:
            ReplayError: no model serves at the end.
        """
        history = [file.upload() for source in ("flights", "labels") for file in select(self.files, source, months)]
        self.display.now(f"{len(history)} files of {months[0].name} to {months[-1].name} land")
        outcomes = self._land(history)
        since = self.observer.position
        self._request_training("the first model of the workload")
        deployed = self._retraining(since)
        if deployed is None or deployed.kind != "Deployment Succeeded":
            raise ReplayError("the first training ended without a model that serves; see the decisions above")
        return outcomes

    def replay(self, month: Month, *, with_faults: bool) -> ReplayedMonth:
        """One month: flights land and are scored, labels land, the monitor runs, the loop closes.

        Args:
            month: which.
            with_faults: land the broken files of a careless producer as well.
        """
        started = time.monotonic()
        self.observer.month = str(month)
        flights = select(self.files, "flights", [month])
        self.display.now(f"{month.name}: {len(flights)} flights files land")
        files = self._land([*(file.upload() for file in flights), *(self._broken(month) if with_faults else ())])
        self.display.now(f"{month.name}: scoring {sum(file.rows for file in flights)} flights")
        captured = capture_keys(self.platform)
        traffic = score_month(self.platform, month, [file.path for file in flights])
        await_capture(self.platform, month, traffic.requests, captured)
        self.display.now(f"{month.name}: labels land")
        files += self._land([file.upload() for file in select(self.files, "labels", [month])])
        self.display.now(f"{month.name}: the monitor compares the month with the champion's training data")
        since = self.observer.position
        monitored = self._monitor(traffic)
        if monitored.kind == "Drift Detected":
            self._retraining(since)
        return ReplayedMonth(
            month=month,
            traffic=traffic,
            files=files,
            monitored=monitored,
            seconds=round(time.monotonic() - started, 2),
        )

    def _broken(self, month: Month) -> list[Upload]:
        before = month.preceding(1)
        faults = faults_of(
            select(self.files, "flights", [month])[0].path,
            select(self.files, "flights", before)[0].path,
            select(self.files, "labels", before)[0].path,
        )
        return [Upload(name=one.name, source=one.source, content=one.content, fault=one.fault) for one in faults]

    def _land(self, uploads: Sequence[Upload]) -> list[FileOutcome]:
        outcomes = land(self.platform, self.observer, uploads)
        refused = [one for one in outcomes if one.outcome == "rejected"]
        good = [one for one in refused if one.fault is None]
        if good:
            raise ReplayError(
                f"{len(good)} good files were refused, first {good[0].file}: {good[0].reason_code}: {good[0].reason}"
            )
        for one in refused:
            self.display.decision(f"{one.file} quarantined ({one.reason_code})", one.reason)
        rows = sum(one.rows for one in outcomes)
        self.display.step(f"{len(outcomes)} files landed, {rows} rows curated, {len(refused)} files quarantined")
        return outcomes

    def _request_training(self, reason: str) -> None:
        detail = {
            "schema_version": "1",
            "workload": self.platform.workload,
            "environment": self.platform.environment,
            "execution": "",
            "occurred_at": datetime.now(UTC).isoformat(),
            "requested_by": "demo",
            "reason": reason,
        }
        answer = self.platform.client("events").put_events(
            Entries=[
                {
                    "EventBusName": self.platform.bus,
                    "Source": "mlops.retraining",
                    "DetailType": "Retraining Requested",
                    "Detail": json.dumps(detail),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            raise ReplayError(f"the bus refused the request for a training: {answer['Entries'][0]}")

    def _monitor(self, traffic: Traffic) -> Event:
        since = self.observer.position
        window = {"window_start": traffic.window_start, "window_end": traffic.window_end}
        self.platform.client("stepfunctions").start_execution(
            stateMachineArn=self.platform.workflow("monitor"), input=json.dumps(window)
        )
        return self._wait(MONITORED, since)

    def _retraining(self, since: int) -> Event | None:
        """Follow a trigger to its end: None when nothing was to be deployed, else the deployment's event."""
        gate = self._wait(GATED, since)
        if gate.kind == "Retraining Suppressed":
            return None
        self.display.now("a challenger is trained and compared with the champion")
        trained = self._wait(TRAINED, gate.sequence)
        if trained.kind != "Model Registered" or trained.detail["approval_status"] != "Approved":
            return None
        self.display.now(f"version {trained.detail['version']} is deployed and verified")
        return self._wait(DEPLOYED, trained.sequence)

    def _wait(self, kinds: Sequence[str], since: int) -> Event:
        event = self.observer.wait_kind(*kinds, since=since, timeout=_JOB_SECONDS)
        if event.kind in _FAILED:
            detail = event.detail
            raise ReplayError(f"{event.kind} in {detail.get('step', '?')}: {detail['error']}: {detail['cause'][:300]}")
        return event
