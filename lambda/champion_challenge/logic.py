"""The promotion policy: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mlops_runtime.errors import EvaluationInvalid, HoldoutMismatch
from mlops_runtime.evaluation import is_maximised, metrics_of, rows_of
from mlops_runtime.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

# Differences below this are the noise of writing a float down, not an improvement.
_EPSILON = 1e-12


@dataclass(frozen=True)
class Policy:
    """What a challenger must reach.

    Attributes:
        metric: Name of the metric that decides.
        minimum: Worst acceptable value, whatever the champion does.
        min_improvement: How much better than the champion, in units of the metric, at least 0. At 0 a challenger must
            still be better: a tie keeps the champion, for a deployment is never free of risk.
    """

    metric: str
    minimum: float
    min_improvement: float


@dataclass(frozen=True)
class Evaluation:
    """One model on the holdout."""

    metrics: Mapping[str, float]
    rows: int

    @classmethod
    def read(cls, document: object, where: str) -> Evaluation:
        """Read an `evaluation.json`.

        Raises:
            EvaluationInvalid: The layout is another, or it was evaluated on no row.
        """
        rows = rows_of(document, "rows", where, EvaluationInvalid)
        if rows == 0:
            raise EvaluationInvalid(f"{where}: evaluated on an empty holdout")
        return cls(metrics_of(document, where, EvaluationInvalid), rows)


class Verdict(Frozen):
    """The answer; `reason` is one line for people."""

    verdict: Literal["promote", "reject"]
    reason: str
    metrics: dict[str, float]
    champion_metrics: dict[str, float] | None


def challenge(challenger: Evaluation, champion: Evaluation | None, policy: Policy) -> Verdict:
    """Compare by the policy's metric.

    Raises:
        HoldoutMismatch: The two were evaluated on different holdouts.
        EvaluationInvalid: The policy's metric is missing.
    """
    sign = 1 if is_maximised(policy.metric) else -1
    value = _value(challenger, policy.metric, "challenger")
    promote, reason = sign * (value - policy.minimum) >= -_EPSILON, ""
    bound = f"{policy.metric} {value:.4f}, {'at least' if sign > 0 else 'at most'} {policy.minimum:.4f} required"
    if not promote:
        reason = f"not good enough: {bound}"
    elif champion is None:
        reason = f"first model: {bound}"
    else:
        promote, reason = _against(value, champion, challenger.rows, policy, sign)
    return Verdict(
        verdict="promote" if promote else "reject",
        reason=reason,
        metrics=dict(challenger.metrics),
        champion_metrics=None if champion is None else dict(champion.metrics),
    )


def _against(value: float, champion: Evaluation, rows: int, policy: Policy, sign: int) -> tuple[bool, str]:
    if champion.rows != rows:
        raise HoldoutMismatch(f"challenger was evaluated on {rows} rows, champion on {champion.rows}")
    theirs = _value(champion, policy.metric, "champion")
    gain = sign * (value - theirs)
    better = gain > _EPSILON and gain >= policy.min_improvement - _EPSILON
    verb = "beats" if better else "does not beat"
    need = f"by at least {policy.min_improvement:g}" if policy.min_improvement else "at all"
    return better, (
        f"challenger {verb} the champion {'' if better else need + ' '}on {rows} rows: "
        f"{policy.metric} {value:.4f} against {theirs:.4f} (gain {gain:+.4f})"
    )


def _value(evaluation: Evaluation, metric: str, who: str) -> float:
    if metric not in evaluation.metrics:
        raise EvaluationInvalid(f"{who} has no metric {metric}; it has: {', '.join(sorted(evaluation.metrics))}")
    return evaluation.metrics[metric]
