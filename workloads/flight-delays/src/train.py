"""Training job: fits gradient boosted trees on the channel `train`, and on `holdout` too when that channel is given.

The second channel is for the refit: once a challenger has won on the holdout, the same recipe learns from the newest
days as well. Same data, hyperparameters and seed give the same model, byte for byte.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xgboost as xgb

import job
from metrics import auc, log_loss
from model import Model, encode, matrix
from schema import CATEGORICAL, EVENT_TIME, FEATURES, LABEL

CHANNELS = ("train", "holdout")


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """What may be tuned, with the defaults; SageMaker passes strings."""

    num_round: int = 200
    max_depth: int = 6
    eta: float = 0.1
    subsample: float = 0.8
    colsample_bytree: float = 0.8
    min_child_weight: float = 1.0
    seed: int = 7

    @classmethod
    def parse(cls, given: dict[str, str]) -> Self:
        """Reads the job's strings.

        Raises:
            InputError: When a name is unknown, a value is not of its type or out of its range.
        """
        types = {name: type(default) for name, default in asdict(cls()).items()}
        unknown = sorted(set(given) - set(types))
        if unknown:
            raise job.InputError(f"unknown hyperparameter {unknown[0]!r}: allowed are {', '.join(types)}")
        values: dict[str, Any] = {}
        for name, text in given.items():
            try:
                values[name] = types[name](text)
            except ValueError as error:
                raise job.InputError(f"hyperparameter {name} must be {types[name].__name__}, got {text!r}") from error
        return cls(**values)

    def __post_init__(self) -> None:
        """Refuses values with which XGBoost would fail late or learn nothing."""
        ranges = {"num_round": (1, 5000), "max_depth": (1, 16), "eta": (1e-4, 1), "min_child_weight": (0, 1e6)}
        ranges |= {"subsample": (0.05, 1), "colsample_bytree": (0.05, 1), "seed": (0, 2**31 - 1)}
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise job.InputError(f"hyperparameter {name} must lie between {low} and {high}, got {value}")


def read_channels() -> pa.Table:
    """Reads the rows of the channels that this job was given."""
    folder = job.opt_ml() / "input" / "data"
    present = [name for name in CHANNELS if (folder / name).is_dir()]
    if "train" not in present:
        raise job.InputError(f"channel 'train' is missing in {folder}: give the job an input channel of that name")
    columns = [EVENT_TIME, *FEATURES, LABEL]
    files = [path for name in present for path in job.parquet_files(folder / name)]
    return pa.concat_tables(pq.ParquetFile(path).read(columns=columns).select(columns) for path in files)


def fit(rows: pa.Table, recipe: Hyperparameters) -> Model:
    """Trains a model on labelled rows and prints its training metrics for the job's metric definitions."""
    categories = {name: sorted(pc.unique(rows[name]).drop_null().to_pylist()) for name in CATEGORICAL}
    columns = {
        name: rows[name].to_pylist() if name in CATEGORICAL else rows[name].to_numpy().astype(np.float32)
        for name in FEATURES
    }
    labels = rows[LABEL].to_numpy()
    data = matrix(encode(columns, categories), labels)
    parameters = {name: value for name, value in asdict(recipe).items() if name != "num_round"}
    parameters |= {"objective": "binary:logistic", "tree_method": "hist"}
    booster = xgb.train(parameters, data, num_boost_round=recipe.num_round)
    scores = booster.predict(data)
    print(f"train:auc={auc(labels, scores):.6f}")
    print(f"train:logloss={log_loss(labels, scores):.6f}")
    metadata = {
        "features": list(FEATURES),
        "categories": categories,
        "hyperparameters": asdict(recipe),
        "rows": rows.num_rows,
        "newest_event_time": pc.max(rows[EVENT_TIME]).as_py().isoformat(),
        "versions": {"xgboost": xgb.__version__, "numpy": np.__version__, "pyarrow": pa.__version__},
    }
    return Model(booster, categories, metadata)


def main() -> None:
    """Trains and writes the model folder."""
    recipe = Hyperparameters.parse(job.hyperparameters())
    rows = read_channels()
    print(f"rows: {rows.num_rows}, late: {pc.mean(rows[LABEL]).as_py():.4f}, {recipe}")
    fit(rows, recipe).save(Path(job.opt_ml() / "model"))


if __name__ == "__main__":
    job.run(main)
