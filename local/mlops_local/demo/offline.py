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
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mlops_local.demo.landing import Produced, select
from mlops_local.demo.months import Month
from mlops_local.demo.result import Quality

NAIVE_MONTHS = 3
_CONCURRENT_JOBS = 2


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

    def frozen(self, archive: Path, months: Sequence[Month]) -> dict[Month, Quality]:
        """Quality of one packaged model on each month."""
        return self._each(months, lambda month: self._evaluate(archive, month, "frozen"))

    def naive(self, months: Sequence[Month]) -> dict[Month, Quality]:
        """Quality, on each month, of a model trained on the three months before it."""
        return self._each(months, lambda month: self._evaluate(self._train(month), month, "naive"))

    def labelled(self, months: Sequence[Month]) -> pd.DataFrame:
        """Flights of the months joined with their labels, in the columns of the workload's features.py."""
        flights = pd.concat(pd.read_csv(one.path) for one in select(self.files, "flights", months))
        labels = pd.concat(pd.read_csv(one.path) for one in select(self.files, "labels", months))
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
        # One thread per job: two run at a time on two cores.
        environment = {**os.environ, "OPT_ML": str(root), "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        done = subprocess.run(
            [sys.executable, str(self.source / name)], env=environment, capture_output=True, text=True, timeout=300
        )
        if done.returncode != 0:
            raise OfflineError(f"{name} in {root} failed: {(done.stderr or done.stdout).strip()[-400:]}")

    @staticmethod
    def _each(months: Sequence[Month], job: Callable[[Month], Quality]) -> dict[Month, Quality]:
        with ThreadPoolExecutor(max_workers=_CONCURRENT_JOBS, thread_name_prefix="offline") as pool:
            return dict(zip(months, pool.map(job, months), strict=True))


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False, coerce_timestamps="us")
