"""The trained model on disk and in memory: one encoding of features for training, evaluation and serving.

A model folder holds `model.json` (XGBoost's own format) and `metadata.json`. Categories are coded by their position in
the metadata's list, so a code means the same in every process; a value that training has not seen is a missing value.
"""

import json
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from schema import CATEGORICAL, FEATURES

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]
Categories = Mapping[str, Sequence[str]]
FEATURE_TYPES = ["c" if name in CATEGORICAL else "q" for name in FEATURES]


def encode(columns: Columns, categories: Categories) -> NDArray[np.float32]:
    """Turns columns into the model's matrix.

    Args:
        columns: Every feature by name, n values each; None and NaN are missing.
        categories: Known values per categorical feature.

    Returns:
        Shape (n, number of features), missing and unknown values as NaN.
    """
    encoded = [
        _codes(columns[name], categories[name]) if name in CATEGORICAL else np.asarray(columns[name], dtype=np.float32)
        for name in FEATURES
    ]
    return np.column_stack(encoded).astype(np.float32, copy=False)


def _codes(values: Sequence[Any] | NDArray[Any], known: Sequence[str]) -> NDArray[np.float32]:
    code = {value: float(position) for position, value in enumerate(known)}
    return np.array([code.get(value, np.nan) for value in values], dtype=np.float32)


def matrix(
    features: NDArray[np.float32], labels: NDArray[Any] | None = None, threads: int | None = None
) -> xgb.DMatrix:
    """Wraps encoded features for XGBoost; on all cores unless told how many threads to use."""
    return xgb.DMatrix(
        features,
        label=labels,
        feature_names=list(FEATURES),
        feature_types=FEATURE_TYPES,
        enable_categorical=True,
        nthread=threads,
    )


@dataclass(frozen=True)
class Model:
    """A trained booster with the categories it knows.

    Attributes:
        booster: The trees.
        categories: Known values per categorical feature, in code order.
        metadata: Everything in metadata.json: versions, rows, parameters.
    """

    booster: xgb.Booster
    categories: Categories
    metadata: Mapping[str, Any]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads a model folder.

        Raises:
            ValueError: When the model was trained for another feature list than this program's.
        """
        metadata = json.loads((folder / "metadata.json").read_text())
        if metadata["features"] != list(FEATURES):
            raise ValueError(f"the model expects features {metadata['features']}, this image sends {list(FEATURES)}")
        # One thread scores 1000 rows as fast as many do, and leaves the other cores to the other requests.
        booster = xgb.Booster({"nthread": 1})
        booster.load_model(folder / "model.json")
        return cls(booster, metadata["categories"], metadata)

    @classmethod
    def load_archive(cls, archive: Path) -> Self:
        """Reads a `model.tar.gz` as SageMaker stores it."""
        with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
            return cls.load(Path(folder))

    def save(self, folder: Path) -> None:
        """Writes `model.json` and `metadata.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.booster.save_model(folder / "model.json")
        (folder / "metadata.json").write_text(json.dumps(self.metadata, indent=1, sort_keys=True))

    def predict(self, columns: Columns) -> NDArray[np.float32]:
        """Scores rows: shape (n,), probability between 0 and 1 of being late. Safe to call from several threads."""
        return np.asarray(self.booster.predict(matrix(encode(columns, self.categories), threads=1)), dtype=np.float32)
