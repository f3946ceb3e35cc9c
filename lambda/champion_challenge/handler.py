"""Evaluations in; promote, reinstate or reject out."""

from __future__ import annotations

from champion_challenge.logic import Evaluation, Former, Policy, Verdict, challenge
from champion_challenge.settings import settings
from mlops_runtime.documents import read_json
from mlops_runtime.errors import EvaluationInvalid
from mlops_runtime.layout import S3Uri
from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint

COUNTERS = {"promote": "ChallengersPromoted", "reinstate": "ChampionsReinstated", "reject": "ChallengersRejected"}


class FormerChampion(Frozen):
    """An earlier version and its evaluation in this run."""

    uri: str
    model_package_arn: str
    version: int


class Contest(Frozen):
    """URIs of `evaluation.json` by contestant; no champion before the first model. Former champions: newest first."""

    challenger_uri: str
    champion_uri: str | None
    former: tuple[FormerChampion, ...] = ()
    snapshot_id: str


@entrypoint(Contest)
def handler(event: Contest) -> Verdict:
    """Judge one challenger."""
    config = settings()
    policy = Policy(config.metric, config.minimum, config.min_improvement)
    champion = None if event.champion_uri is None else _read(event.champion_uri)
    former = [Former(each.version, each.model_package_arn, _read(each.uri)) for each in event.former]
    verdict = challenge(_read(event.challenger_uri), champion, policy, former)
    count(COUNTERS[verdict.verdict])
    return verdict


def _read(uri: str) -> Evaluation:
    return Evaluation.read(read_json(S3Uri.parse(uri), EvaluationInvalid), uri)
