"""The two alternatives the platform is compared with, computed offline with the workload's own scripts.

Frozen: the first registered model, downloaded from S3, for the whole year. Naive: every month a new model on the last
three months, used unconditionally, same script and hyperparameters.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pandas as pd

from mlops_local.demo.landing import Produced, select
from mlops_local.demo.months import Month
from mlops_local.demo.result import Quality

Qualities = dict[Month, Quality]

NAIVE_MONTHS = 3
_BACKGROUND_NICENESS = "19"


class _Jobs:
    """The scripts that run now, so that they can be ended."""

    def __init__(self) -> None:
        self._lock, self._running, self._closed = threading.Lock(), set[subprocess.Popen[str]](), False

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        """Exit code and output of one script; a script is not started any more after `close`."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        with self._lock:
            if self._closed:
                raise OfflineError("the comparison was stopped")
            job = subprocess.Popen(list(arguments), env=dict(environment), text=True, **pipes)  # type: ignore[call-overload]
            self._running.add(job)
        try:
            output, _ = job.communicate(timeout=300)
            return job.returncode, output
        finally:
            job.kill()
            with self._lock:
                self._running.discard(job)

    def close(self) -> None:
        """End what runs."""
        with self._lock:
            self._closed = True
            for job in self._running:
                job.kill()


class OfflineError(RuntimeError):
    """One of the workload's scripts failed; the message has its last lines."""


@dataclass(frozen=True, kw_only=True)
class Offline:
    """Runs the workload's train.py and evaluate.py under the SageMaker folder contract.

    Args:
        source: the workload's src/.
        hyperparameters: as in workload.yaml.
        files: everything the producer made, labels included.
        work: private folder.
    """

    source: Path
    hyperparameters: Mapping[str, object]
    files: Sequence[Produced]
    work: Path
    _jobs: _Jobs = field(default_factory=_Jobs)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "offline"))

    @contextmanager
    def in_background(self) -> Iterator[Offline]:
        """Let `naive` and `frozen` run one job at a time beside the caller's work; leaving ends them, done or not."""
        try:
            yield self
        finally:
            self._jobs.close()
            self._pool.shutdown(cancel_futures=True)

    def naive(self, months: Sequence[Month]) -> Future[Qualities]:
        """Quality of a new model every month, on that month."""
        return self._pool.submit(
            lambda: {month: self._evaluate(self._train(month), month, "naive") for month in months}
        )

    def frozen(self, archive: Path, months: Sequence[Month]) -> Future[Qualities]:
        """Quality of one packaged model on each month."""
        return self._pool.submit(lambda: {month: self._evaluate(archive, month, "frozen") for month in months})

    def labelled(self, months: Sequence[Month]) -> pd.DataFrame:
        """Flights of the months joined with their labels, in the columns of the workload's features.py."""
        flights = pd.concat(_read(one.path) for one in select(self.files, "flights", months))
        labels = pd.concat(_read(one.path) for one in select(self.files, "labels", months))
        joined = flights.merge(labels[["flight_id", "late"]], on="flight_id", how="inner", validate="one_to_one")
        return joined.assign(event_time=pd.to_datetime(joined["event_time"]))

    def _train(self, month: Month) -> Path:
        root = self.work / f"naive-{month}"
        _write_parquet(self.labelled(month.preceding(NAIVE_MONTHS)), root / "input" / "data" / "train" / "data.parquet")
        config = root / "input" / "config" / "hyperparameters.json"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(json.dumps({name: str(value) for name, value in self.hyperparameters.items()}))
        self._script("train.py", root)
        archive = root / "model.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for item in sorted((root / "model").iterdir()):
                tar.add(item, arcname=item.name)
        return archive

    def _evaluate(self, archive: Path, month: Month, name: str) -> Quality:
        root = self.work / f"evaluate-{name}-{month}"
        processing = root / "processing"
        _write_parquet(self.labelled([month]), processing / "input" / "holdout" / "data.parquet")
        model = processing / "input" / "model" / "model.tar.gz"
        model.parent.mkdir(parents=True, exist_ok=True)
        model.write_bytes(archive.read_bytes())
        self._script("evaluate.py", root)
        report = json.loads((processing / "output" / "evaluation" / "evaluation.json").read_text())
        figures = report["binary_classification_metrics"]
        return Quality(auc=figures["auc"]["value"], log_loss=figures["log_loss"]["value"], rows=report["rows"])

    def _script(self, name: str, root: Path) -> None:
        # One thread per job, and behind the platform's own work: the comparison is not what people wait for.
        environment = {**os.environ, "OPT_ML": str(root), "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        script = str(self.source / name)
        code, output = self._jobs.run(["nice", "-n", _BACKGROUND_NICENESS, sys.executable, script], environment)
        if code != 0:
            raise OfflineError(f"{name} in {root} failed: {output.strip()[-400:]}")


@cache
def _read(path: Path) -> pd.DataFrame:
    # Every month is read for three trainings and two evaluations.
    return pd.read_csv(path)


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False, coerce_timestamps="us")
