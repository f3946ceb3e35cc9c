"""The model card of a version, in SageMaker's model package card schema.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-details.html (the schema allows no other fields).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlops_runtime.evaluation import is_maximised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from register_model.logic import Candidate, Owner

# Longest text the schema takes in the fields used here.
_TEXT = 1024
_LONG_TEXT = 2048


def card_content(candidate: Candidate, owner: Owner) -> str:
    """The card as the JSON text that `ModelCardContent` wants."""
    card = {
        "model_overview": {"model_creator": owner.team[:_TEXT], "model_artifact": [candidate.model_data_url]},
        "intended_uses": {
            "purpose_of_model": owner.intended_use[:_LONG_TEXT],
            "intended_uses": owner.intended_use[:_LONG_TEXT],
            "risk_rating": owner.risk_rating,
        },
        "training_details": _training(candidate, owner.metric),
        "evaluation_details": _evaluations(candidate),
        "additional_information": {
            "custom_details": {"snapshot_id": candidate.snapshot_id, "run_id": candidate.run_id}
        },
    }
    return json.dumps(card, sort_keys=True)


def _training(candidate: Candidate, metric: str) -> Mapping[str, object]:
    goal = "Maximize" if is_maximised(metric) else "Minimize"
    return {
        "objective_function": {"function": {"function": goal, "facet": metric[:63]}},
        "training_observations": candidate.reason[:_TEXT],
        "training_job_details": {
            "training_arn": candidate.training_job_arn,
            "training_datasets": [candidate.snapshot_uri],
            "training_environment": {"container_image": [candidate.image]},
        },
    }


def _evaluations(candidate: Candidate) -> list[Mapping[str, object]]:
    who = "former champion" if candidate.reinstatement else "challenger"
    evaluations = [_evaluation(f"{who} on the holdout", candidate.metrics, candidate)]
    if candidate.champion_metrics is not None:
        evaluations.append(_evaluation("champion on the same holdout", candidate.champion_metrics, candidate))
    return evaluations


def _evaluation(name: str, metrics: Mapping[str, float], candidate: Candidate) -> Mapping[str, object]:
    data = [{"name": metric, "type": "number", "value": value} for metric, value in sorted(metrics.items())]
    return {
        "name": name,
        "datasets": [candidate.judged_on_uri],
        "metric_groups": [{"name": "quality", "metric_data": data}],
    }
