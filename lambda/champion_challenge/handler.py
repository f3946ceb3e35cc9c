"""Two evaluations in, promote or reject out."""

from __future__ import annotations

from champion_challenge.logic import Evaluation, Policy, Verdict, challenge
from champion_challenge.settings import settings
from mlops_runtime.documents import read_json
from mlops_runtime.errors import EvaluationInvalid
from mlops_runtime.layout import S3Uri
from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint


class Contest(Frozen):
    """URIs of two `evaluation.json`; no champion before the first model."""

    challenger_uri: str
    champion_uri: str | None
    snapshot_id: str


@entrypoint(Contest)
def handler(event: Contest) -> Verdict:
    """Judge one challenger."""
    config = settings()
    policy = Policy(config.metric, config.minimum, config.min_improvement)
    champion = None if event.champion_uri is None else _read(event.champion_uri)
    verdict = challenge(_read(event.challenger_uri), champion, policy)
    count("ChallengersPromoted" if verdict.verdict == "promote" else "ChallengersRejected")
    return verdict


def _read(uri: str) -> Evaluation:
    return Evaluation.read(read_json(S3Uri.parse(uri), EvaluationInvalid), uri)
