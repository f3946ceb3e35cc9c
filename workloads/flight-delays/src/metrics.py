"""Quality of scores against 0/1 labels.

In numpy because importing scikit-learn costs a job more time than all of its own work; the tests compare both
functions with scipy.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def auc(labels: Array, scores: Array) -> float:
    """Area under the ROC curve by the Mann-Whitney statistic, ties counted half.

    Args:
        labels: Shape (n,), 0 or 1.
        scores: Shape (n,), higher means more likely 1.

    Raises:
        ValueError: When only one class is present: the area is undefined.
    """
    positives = int(np.sum(labels == 1))
    negatives = len(labels) - positives
    if not positives or not negatives:
        raise ValueError(f"AUC needs both classes, got {positives} positive and {negatives} negative rows")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def log_loss(labels: Array, scores: Array) -> float:
    """Mean negative log likelihood in nats; scores are kept 1e-7 away from 0 and 1."""
    likelihood = np.where(labels == 1, scores, 1.0 - scores.astype(np.float64))
    return float(-np.log(np.clip(likelihood, 1e-7, 1.0)).mean())
