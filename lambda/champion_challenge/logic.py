"""The promotion policy: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mlops_runtime.errors import EvaluationInvalid, HoldoutMismatch
from mlops_runtime.evaluation import is_maximised, metrics_of, rows_of
from mlops_runtime.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Differences below this are the noise of writing a float down, not an improvement.
_EPSILON = 1e-12
_ROWS_SEEN = "rows_seen_in_training"


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

    @property
    def sign(self) -> int:
        """1 when a higher value is the better one, else -1."""
        return 1 if is_maximised(self.metric) else -1

    def accepts(self, value: float) -> bool:
        """Whether a value is good enough at all."""
        return self.sign * (value - self.minimum) >= -_EPSILON

    def prefers(self, value: float, other: float, lead: float = 0.0) -> bool:
        """Whether a value is better than another, and by `lead`; never at a tie."""
        gain = self.sign * (value - other)
        return gain > _EPSILON and gain >= lead - _EPSILON

    def value(self, evaluation: Evaluation, who: str) -> float:
        """The metric of one contestant.

        Raises:
            EvaluationInvalid: The evaluation lacks it.
        """
        if self.metric not in evaluation.metrics:
            known = ", ".join(sorted(evaluation.metrics))
            raise EvaluationInvalid(f"{who} has no metric {self.metric}; it has: {known}")
        return evaluation.metrics[self.metric]


@dataclass(frozen=True)
class Evaluation:
    """One model on the holdout.

    Attributes:
        metrics: Values by name.
        rows: Rows of the holdout.
        rows_seen: How many of them the model was trained on; None when the evaluation does not say.
        uri: Where it was read.
    """

    metrics: Mapping[str, float]
    rows: int
    rows_seen: int | None = None
    uri: str = ""

    @classmethod
    def read(cls, document: object, where: str) -> Evaluation:
        """Read an `evaluation.json`.

        Raises:
            EvaluationInvalid: The layout is another, or it was evaluated on no row.
        """
        rows = rows_of(document, "rows", where, EvaluationInvalid)
        if rows == 0:
            raise EvaluationInvalid(f"{where}: evaluated on an empty holdout")
        says = isinstance(document, dict) and _ROWS_SEEN in document
        seen = rows_of(document, _ROWS_SEEN, where, EvaluationInvalid) if says else None
        return cls(metrics_of(document, where, EvaluationInvalid), rows, seen, where)


@dataclass(frozen=True)
class Former:
    """A former champion on the same holdout."""

    version: int
    model_package_arn: str
    evaluation: Evaluation

    @property
    def name(self) -> str:
        """What people call it."""
        return f"version {self.version}"


class Winner(Frozen):
    """Whose evaluation won; the package is named only for a former champion."""

    uri: str
    model_package_arn: str | None = None
    version: int | None = None


class Verdict(Frozen):
    """The answer; `reason` is one line for people.

    `metrics` are those of the model that would be registered: the challenger's, or the reinstated version's.
    """

    verdict: Literal["promote", "reinstate", "reject"]
    winner: Winner | None
    reason: str
    metrics: dict[str, float]
    champion_metrics: dict[str, float] | None


def challenge(
    challenger: Evaluation, champion: Evaluation | None, policy: Policy, former: Sequence[Former] = ()
) -> Verdict:
    """Compare by the policy's metric.

    A former champion wins when it is good enough, beats the champion as a challenger must, and beats the challenger.
    The champion itself is never left out for rows it was trained on: that flatters it, and so only keeps what serves.

    Args:
        challenger: The new model.
        champion: What serves; None before the first model.
        policy: What decides.
        former: Former champions, newest first; of equal ones the newest counts.

    Raises:
        HoldoutMismatch: They were evaluated on different holdouts.
        EvaluationInvalid: The policy's metric is missing, or there are former champions without a champion.
    """
    promote, reason = _judge(challenger, champion, policy)
    best = None
    if champion is not None:
        best = _comeback(challenger, champion, policy, former)
        reason = _against_both(best, challenger, champion, policy) if best else reason
    elif former:
        raise EvaluationInvalid("there are former champions but no champion: list what serves first")
    remarks = [_remark(each, policy) for each in former if each is not best]
    metrics = best.evaluation.metrics if best else challenger.metrics
    return Verdict(
        verdict="reinstate" if best else "promote" if promote else "reject",
        winner=_winner(best, challenger if promote else champion),
        reason="; ".join([reason, *remarks]),
        metrics=dict(metrics),
        champion_metrics=None if champion is None else dict(champion.metrics),
    )


def _judge(challenger: Evaluation, champion: Evaluation | None, policy: Policy) -> tuple[bool, str]:
    value = policy.value(challenger, "challenger")
    required = f"{'at least' if policy.sign > 0 else 'at most'} {policy.minimum:.4f} required"
    bound = f"{policy.metric} {value:.4f}, {required}"
    if not policy.accepts(value):
        return False, f"not good enough: {bound}"
    if champion is None:
        return True, f"first model: {bound}"
    _same_holdout(challenger, champion, "champion")
    theirs = policy.value(champion, "champion")
    better = policy.prefers(value, theirs, policy.min_improvement)
    verb = "beats" if better else "does not beat"
    need = f"by at least {policy.min_improvement:g}" if policy.min_improvement else "at all"
    return better, (
        f"challenger {verb} the champion {'' if better else need + ' '}on {challenger.rows} rows: "
        f"{policy.metric} {value:.4f} against {theirs:.4f} (gain {policy.sign * (value - theirs):+.4f})"
    )


def _comeback(challenger: Evaluation, champion: Evaluation, policy: Policy, former: Sequence[Former]) -> Former | None:
    """The former champion that is best of all, if one is. It must not have been trained on what it is judged by."""
    for each in former:
        _same_holdout(challenger, each.evaluation, each.name)
    fair = [each for each in former if each.evaluation.rows_seen == 0]
    best = max(fair, key=lambda each: policy.sign * policy.value(each.evaluation, each.name), default=None)
    if best is None:
        return None
    _same_holdout(challenger, champion, "champion")
    value = policy.value(best.evaluation, best.name)
    wins = (
        policy.accepts(value)
        and policy.prefers(value, policy.value(champion, "champion"), policy.min_improvement)
        and policy.prefers(value, policy.value(challenger, "challenger"))
    )
    return best if wins else None


def _against_both(best: Former, challenger: Evaluation, champion: Evaluation, policy: Policy) -> str:
    value = policy.value(best.evaluation, best.name)
    return (
        f"{best.name} is best again: {policy.metric} {value:.4f} against champion"
        f" {policy.value(champion, 'champion'):.4f} and challenger {policy.value(challenger, 'challenger'):.4f}"
        f" on {challenger.rows} rows"
    )


def _remark(former: Former, policy: Policy) -> str:
    evaluation = former.evaluation
    if evaluation.rows_seen is None:
        return f"{former.name} is left out: its evaluation lacks {_ROWS_SEEN}"
    if evaluation.rows_seen > 0:
        return f"{former.name} is left out: it was trained on {evaluation.rows_seen} of these {evaluation.rows} rows"
    return f"{former.name} has {policy.value(evaluation, former.name):.4f}"


def _winner(best: Former | None, otherwise: Evaluation | None) -> Winner | None:
    if best:
        return Winner(uri=best.evaluation.uri, model_package_arn=best.model_package_arn, version=best.version)
    return Winner(uri=otherwise.uri) if otherwise else None


def _same_holdout(challenger: Evaluation, other: Evaluation, who: str) -> None:
    if other.rows != challenger.rows:
        raise HoldoutMismatch(f"challenger was evaluated on {challenger.rows} rows, {who} on {other.rows}")
