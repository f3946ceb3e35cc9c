"""Snapshot, challenge and registration: what is trained on, what wins, and what is known about it afterwards."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from champion_challenge.logic import Evaluation, Former, Policy, challenge
from mlops_constructs.lineage import LINEAGE
from mlops_runtime import aws, layout
from mlops_runtime.errors import ConfigurationError, EvaluationInvalid, HoldoutMismatch, NoLabelledData, SnapshotInvalid
from mlops_runtime.ledger import Ledger
from mlops_runtime.ledger_rows import Publication
from pin_snapshot.logic import months_needed
from tests.runtime.conftest import WORKLOAD, Account, Call, Json

AUC = Policy("auc", minimum=0.6, min_improvement=0.0)


def sha(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


# -- pin_snapshot -------------------------------------------------------------------------------------------------


@pytest.fixture
def lake(account: Account, environ: pytest.MonkeyPatch) -> Account:
    environ.setenv("SNAPSHOT_DAYS", "59")
    return account


def publish(account: Account, source: str, name: str, months: dict[str, int], *, mark: bool = True) -> None:
    for month, rows in months.items():
        account.put("curated", layout.curated(WORKLOAD, source, month, sha(name)), "x" * rows)
    if mark:
        publication = Publication(months, "a", "z", 0, 0, 1, "key")
        ledger = Ledger(aws.dynamodb(), "ledger", WORKLOAD, source)
        ledger.claim(sha(name), execution="e", source_uri=f"s3://landing/{name}", now=1)
        place = len(list(ledger.published())) + 1
        assert ledger.publish(sha(name), publication, execution="e", place=place, gate_table="gate", now=1)


def publish_quarter(account: Account) -> None:
    publish(account, "labels", "l1", {"2013-01": 10, "2013-02": 5})
    publish(account, "labels", "l2", {"2013-03": 7})
    for number, month in enumerate(("2012-12", "2013-01", "2013-02", "2013-03", "2013-04")):
        publish(account, "flights", f"f{number}", {month: number + 1})


def test_a_snapshot_holds_the_months_up_to_the_newest_label(lake: Account, call: Call) -> None:
    publish_quarter(lake)
    pinned = call("pin_snapshot", {"run_id": "run-1"})
    assert pinned["rows"] == {"flights": 9, "labels": 22}
    manifest = lake.get_json(str(dict(pinned["manifests"])["labels"]))  # type: ignore[call-overload]
    assert manifest == [
        {"prefix": "s3://curated/flight-delays/labels/"},
        f"month=2013-01/{sha('l1')}.parquet",
        f"month=2013-02/{sha('l1')}.parquet",
        f"month=2013-03/{sha('l2')}.parquet",
    ]
    document = lake.get_json("s3://artefacts/flight-delays/runs/run-1/snapshot/snapshot.json")
    assert isinstance(document, dict)
    assert document["snapshot_id"] == pinned["snapshot_id"]
    first = document["sources"]["labels"][0]
    current = aws.s3().head_object(Bucket="curated", Key=first["key"])
    assert (first["version_id"], first["rows"], first["size"]) == (current["VersionId"], 10, 10)


def test_a_redriven_run_keeps_the_snapshot_it_pinned(lake: Account, call: Call) -> None:
    publish_quarter(lake)
    first = call("pin_snapshot", {"run_id": "run-1"})
    publish(lake, "labels", "late", {"2013-03": 100})
    assert call("pin_snapshot", {"run_id": "run-1"}) == first
    assert call("pin_snapshot", {"run_id": "run-2"})["snapshot_id"] != first["snapshot_id"]


def test_the_same_data_has_the_same_snapshot_id_in_every_run(lake: Account, call: Call) -> None:
    publish_quarter(lake)
    first = call("pin_snapshot", {"run_id": "run-1"})
    publish(lake, "labels", "l2", {"2013-03": 7})
    assert call("pin_snapshot", {"run_id": "run-2"})["snapshot_id"] == first["snapshot_id"]


def test_an_object_that_was_never_marked_published_is_left_out(lake: Account, call: Call) -> None:
    publish_quarter(lake)
    publish(lake, "labels", "half", {"2013-03": 1000}, mark=False)
    assert call("pin_snapshot", {"run_id": "run-1"})["rows"] == {"flights": 9, "labels": 22}


def test_without_labels_there_is_nothing_to_learn(lake: Account, call: Call) -> None:
    publish(lake, "flights", "f", {"2013-01": 1})
    with pytest.raises(NoLabelledData):
        call("pin_snapshot", {"run_id": "run-1"})


def test_labels_without_features_are_no_snapshot(lake: Account, call: Call) -> None:
    publish(lake, "labels", "l", {"2013-01": 1})
    with pytest.raises(SnapshotInvalid, match="flights has no curated rows"):
        call("pin_snapshot", {"run_id": "run-1"})


@given(st.integers(2000, 2030), st.integers(1, 12), st.integers(1, 800))
def test_the_months_are_consecutive_and_reach_back_far_enough(year: int, month: int, days: int) -> None:
    months = months_needed({f"{year}-{month:02}"}, days)
    ordinals = [int(item[:4]) * 12 + int(item[5:]) for item in months]
    assert ordinals == list(range(ordinals[0], ordinals[-1] + 1))
    assert ordinals[-1] == year * 12 + month
    assert (len(months) - 1) * 31 >= days


# -- champion_challenge -------------------------------------------------------------------------------------------


def evaluation(rows: int = 100, **metrics: float) -> Evaluation:
    return Evaluation(metrics, rows)


@pytest.mark.parametrize(
    ("challenger", "champion", "policy", "verdict"),
    [
        (evaluation(auc=0.65), None, AUC, "promote"),
        (evaluation(auc=0.6), None, AUC, "promote"),
        (evaluation(auc=0.59), None, AUC, "reject"),
        (evaluation(auc=0.59), evaluation(auc=0.5), AUC, "reject"),
        (evaluation(auc=0.66), evaluation(auc=0.65), AUC, "promote"),
        (evaluation(auc=0.65), evaluation(auc=0.65), AUC, "reject"),
        (evaluation(auc=0.66), evaluation(auc=0.65), Policy("auc", 0.6, 0.01), "promote"),
        (evaluation(auc=0.659), evaluation(auc=0.65), Policy("auc", 0.6, 0.01), "reject"),
        (evaluation(log_loss=0.4), evaluation(log_loss=0.5), Policy("log_loss", 0.6, 0.05), "promote"),
        (evaluation(log_loss=0.5), evaluation(log_loss=0.4), Policy("log_loss", 0.6, 0.0), "reject"),
        (evaluation(log_loss=0.7), None, Policy("log_loss", 0.6, 0.0), "reject"),
    ],
)
def test_only_a_better_challenger_is_promoted(
    challenger: Evaluation, champion: Evaluation | None, policy: Policy, verdict: str
) -> None:
    answer = challenge(challenger, champion, policy)
    assert answer.verdict == verdict
    assert policy.metric in answer.reason


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.2))
def test_of_two_models_at_most_one_beats_the_other(one: float, other: float, least: float) -> None:
    policy = Policy("auc", 0.0, least)
    first = challenge(evaluation(auc=one), evaluation(auc=other), policy).verdict
    second = challenge(evaluation(auc=other), evaluation(auc=one), policy).verdict
    assert (first, second) != ("promote", "promote")
    if first == "promote":
        assert one - other >= least - 1e-9


def former(*values: float, seen: int | None = 0) -> list[Former]:
    """Former champions with these AUCs, newest first, the oldest being version 1."""
    newest = len(values)
    return [
        Former(newest - age, f"arn:m/{newest - age}", Evaluation({"auc": value}, 100, seen, f"s3://former-{age}"))
        for age, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("challenger", "champion", "earlier", "least", "verdict", "version"),
    [
        (0.70, 0.69, [0.71], 0.0, "reinstate", 1),
        (0.68, 0.69, [0.71], 0.0, "reinstate", 1),
        (0.68, 0.69, [0.70, 0.72, 0.71], 0.0, "reinstate", 2),
        (0.68, 0.69, [0.72, 0.72], 0.0, "reinstate", 2),
        (0.71, 0.69, [0.71], 0.0, "promote", None),
        (0.71, 0.69, [0.70], 0.0, "promote", None),
        (0.68, 0.69, [0.69], 0.0, "reject", None),
        (0.68, 0.69, [0.695], 0.01, "reject", None),
        (0.68, 0.69, [0.70], 0.01, "reinstate", 1),
        (0.51, 0.50, [0.59], 0.0, "reject", None),
        (0.51, 0.50, [0.61], 0.0, "reinstate", 1),
    ],
)
def test_a_former_champion_returns_only_when_it_beats_both(
    challenger: float, champion: float, earlier: list[float], least: float, verdict: str, version: int | None
) -> None:
    policy = Policy("auc", 0.6, least)
    answer = challenge(evaluation(auc=challenger), evaluation(auc=champion), policy, former(*earlier))
    assert (answer.verdict, answer.winner.version if answer.winner else None) == (verdict, version)
    for each in former(*earlier):
        assert each.name in answer.reason


def test_a_return_is_explained_by_versions_and_figures() -> None:
    answer = challenge(evaluation(auc=0.701), evaluation(auc=0.69), AUC, former(0.65, 0.712))
    assert answer.reason == (
        "version 1 is best again: auc 0.7120 against champion 0.6900 and challenger 0.7010 on 100 rows;"
        " version 2 has 0.6500"
    )
    assert answer.winner
    assert (answer.winner.uri, answer.winner.model_package_arn) == ("s3://former-1", "arn:m/1")
    assert (answer.metrics, answer.champion_metrics) == ({"auc": 0.712}, {"auc": 0.69})


@pytest.mark.parametrize(
    ("seen", "words"),
    [(7, "version 1 is left out: it was trained on 7 of these 100 rows"), (None, "lacks rows_seen_in_training")],
)
def test_a_former_champion_is_not_judged_by_rows_it_has_learnt(seen: int | None, words: str) -> None:
    answer = challenge(evaluation(auc=0.65), evaluation(auc=0.69), AUC, former(0.9, seen=seen))
    assert answer.verdict == "reject"
    assert words in answer.reason


def test_a_champion_that_has_seen_the_holdout_defends_all_the_same() -> None:
    champion = Evaluation({"auc": 0.8}, 100, rows_seen=100)
    assert challenge(evaluation(auc=0.7), champion, AUC, former(0.75)).verdict == "reject"


@given(st.floats(0, 1), st.floats(0, 1), st.lists(st.floats(0, 1), max_size=5), st.floats(0, 0.2))
def test_whoever_wins_is_best_and_good_enough(one: float, other: float, earlier: list[float], least: float) -> None:
    policy = Policy("auc", 0.6, least)
    answer = challenge(evaluation(auc=one), evaluation(auc=other), policy, former(*earlier))
    if answer.verdict == "reinstate":
        value = answer.metrics["auc"]
        assert value >= max(one, *earlier, 0.6 - 1e-9)
        assert value - other >= least - 1e-9
    else:
        assert answer.verdict == challenge(evaluation(auc=one), evaluation(auc=other), policy).verdict


def test_former_champions_without_a_champion_are_a_mistake() -> None:
    with pytest.raises(EvaluationInvalid, match="no champion"):
        challenge(evaluation(auc=0.7), None, AUC, former(0.65))


def test_a_former_champion_is_judged_on_the_same_rows() -> None:
    with pytest.raises(HoldoutMismatch, match="version 1 on 99"):
        challenge(
            evaluation(auc=0.7), evaluation(auc=0.6), AUC, [Former(1, "arn:m/1", Evaluation({"auc": 0.8}, 99, 0))]
        )


def test_different_holdouts_are_no_contest() -> None:
    with pytest.raises(HoldoutMismatch, match="100 rows, champion on 99"):
        challenge(evaluation(auc=0.7), evaluation(99, auc=0.6), AUC)


def test_a_metric_of_unknown_direction_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="profit"):
        challenge(evaluation(profit=1.0), None, Policy("profit", 0.0, 0.0))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "not valid JSON"),
        ({"binary_classification_metrics": {"auc": {"value": 0.7}}}, "rows must be a count"),
        ({"binary_classification_metrics": {"auc": {"value": 0.7}}, "rows": 0}, "empty holdout"),
        ({"binary_classification_metrics": {}, "rows": 5}, "has no metric auc"),
        ('{"binary_classification_metrics": {"auc": {"value": NaN}}, "rows": 5}', "NaN is not a number"),
        ([], "rows must be a count"),
    ],
)
def test_an_evaluation_that_says_nothing_is_an_error_not_a_rejection(
    account: Account, environ: pytest.MonkeyPatch, call: Call, body: Json | str, words: str
) -> None:
    policy(environ)
    uri = account.put("artefacts", "evaluation.json", body)
    with pytest.raises(EvaluationInvalid, match=words):
        call("champion_challenge", {"challenger_uri": uri, "champion_uri": None, "snapshot_id": "s"})


def policy(environ: pytest.MonkeyPatch) -> None:
    for name, value in {"METRIC": "auc", "MINIMUM": "0.6", "MIN_IMPROVEMENT": "0"}.items():
        environ.setenv(name, value)


def test_the_challenge_reads_both_evaluations(account: Account, environ: pytest.MonkeyPatch, call: Call) -> None:
    policy(environ)
    uris = []
    for name, auc in (("challenger", 0.71), ("champion", 0.7)):
        metrics = {"auc": {"value": auc}, "roc_curve": {"false_positive_rates": [0, 1]}}
        uris.append(account.put("artefacts", name, {"binary_classification_metrics": metrics, "rows": 10}))
    answer = call("champion_challenge", {"challenger_uri": uris[0], "champion_uri": uris[1], "snapshot_id": "s"})
    assert (answer["verdict"], answer["metrics"], answer["champion_metrics"]) == (
        "promote",
        {"auc": 0.71},
        {"auc": 0.7},
    )
    assert answer["winner"] == {"uri": uris[0], "model_package_arn": None, "version": None}


def test_the_challenge_reads_the_evaluations_of_former_champions(
    account: Account, environ: pytest.MonkeyPatch, call: Call
) -> None:
    policy(environ)
    uris = []
    for name, auc, seen in (("challenger", 0.71, 0), ("champion", 0.7, 4), ("former-2", 0.9, 1), ("former-1", 0.72, 0)):
        metrics = {"binary_classification_metrics": {"auc": {"value": auc}}, "rows": 10, "rows_seen_in_training": seen}
        uris.append(account.put("artefacts", name, metrics))
    former = [{"uri": uris[4 - v], "model_package_arn": f"arn:m/{v}", "version": v} for v in (2, 1)]
    contest = {"challenger_uri": uris[0], "champion_uri": uris[1], "former": former, "snapshot_id": "s"}
    answer = call("champion_challenge", contest)
    assert (answer["verdict"], answer["metrics"]) == ("reinstate", {"auc": 0.72})
    assert answer["winner"] == {"uri": uris[3], "model_package_arn": "arn:m/1", "version": 1}
    assert "version 2 is left out: it was trained on 1 of these 10 rows" in str(answer["reason"])


# -- register_model -----------------------------------------------------------------------------------------------

RUN = "s3://artefacts/flight-delays/runs/run-1"
CANDIDATE: Json = {
    "run_id": "run-1",
    "execution": "arn:aws:states:us-east-1:123456789012:execution:train:run-1",
    "training_job_name": "train-run-1",
    "training_job_arn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/train-run-1",
    "model_data_url": f"{RUN}/model/train-run-1/output/model.tar.gz",
    "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/cdk-assets:abc",
    "evaluation_uri": f"{RUN}/evaluation/challenger/evaluation.json",
    "baseline_uri": f"{RUN}/baseline/",
    "snapshot_id": "s" * 64,
    "metrics": {"auc": 0.71, "log_loss": 0.5},
    "champion_metrics": {"auc": 0.7},
    "reason": "challenger beats the champion, 100% sure (gain +0.01)",
}


@pytest.fixture
def registry(account: Account, environ: pytest.MonkeyPatch) -> Account:
    values = {
        "MODEL_PACKAGE_GROUP": "flight-delays-local",
        "APPROVAL_STATUS": "PendingManualApproval",
        "METRIC": "auc",
        "OWNER": "flight operations",
        "INTENDED_USE": "Tell passengers about a likely delay.",
        "INSTANCE_TYPES": '["ml.m5.large"]',
    }
    for name, value in values.items():
        environ.setenv(name, value)
    aws.sagemaker().create_model_package_group(ModelPackageGroupName="flight-delays-local")
    return account


def test_a_version_knows_its_lineage_baselines_and_card(registry: Account, call: Call) -> None:
    registered = call("register_model", CANDIDATE)
    assert (registered["version"], registered["approval_status"]) == (1, "PendingManualApproval")
    package = aws.sagemaker().describe_model_package(ModelPackageName=str(registered["model_package_arn"]))
    lineage = package["CustomerMetadataProperties"]
    assert {key for key in lineage if not key.startswith("metric_")} == set(LINEAGE)
    assert lineage["snapshot_id"] == "s" * 64
    assert lineage["training_job"] == "train-run-1"
    assert lineage["snapshot_uri"] == f"{RUN}/snapshot/snapshot.json"
    assert package["ModelMetrics"]["ModelDataQuality"]["Constraints"]["S3Uri"] == f"{RUN}/baseline/constraints.json"
    assert (
        package["DriftCheckBaselines"]["ModelDataQuality"]["Statistics"]["S3Uri"] == f"{RUN}/baseline/statistics.json"
    )
    assert package["InferenceSpecification"]["Containers"][0]["Image"] == CANDIDATE["image"]


LATER = "s3://artefacts/flight-delays/runs/run-9"


def test_a_reinstated_version_says_what_it_brings_back_and_where_it_came_from(registry: Account, call: Call) -> None:
    first = str(call("register_model", CANDIDATE)["model_package_arn"])
    back = {"reinstates": first, "run_id": "run-9", "execution": "arn:run-9"}
    winner = {
        **CANDIDATE,
        "evaluation_uri": f"{LATER}/evaluation/former-1/evaluation.json",
        "metrics": {"auc": 0.72},
        "reason": "version 1 is best again",
        "reinstatement": back,
    }
    registered = call("register_model", winner)
    assert (registered["version"], registered["approval_status"]) == (2, "PendingManualApproval")
    describe = aws.sagemaker().describe_model_package
    old, new = (describe(ModelPackageName=arn) for arn in (first, str(registered["model_package_arn"])))
    assert new["InferenceSpecification"] == old["InferenceSpecification"]
    assert new["DriftCheckBaselines"]["ModelDataQuality"] == old["DriftCheckBaselines"]["ModelDataQuality"]
    assert new["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == winner["evaluation_uri"]
    lineage = new["CustomerMetadataProperties"]
    assert (lineage["reinstates"], lineage["reinstated_by_run"]) == (first, "run-9")
    same = ("run_id", "execution", "snapshot_id", "snapshot_uri", "training_job", "training_job_arn", "image")
    assert {name: lineage[name] for name in same} == {name: old["CustomerMetadataProperties"][name] for name in same}


def test_the_card_of_a_reinstated_version_names_the_rows_it_was_judged_on() -> None:
    from register_model.card import card_content
    from register_model.logic import Candidate, Owner

    back = {"reinstates": "arn:m/1", "run_id": "run-9", "execution": "arn:run-9"}
    uri = f"{LATER}/evaluation/former-1/evaluation.json"
    candidate = Candidate.model_validate({**CANDIDATE, "evaluation_uri": uri, "reinstatement": back})
    card = json.loads(card_content(candidate, Owner(WORKLOAD, "local", "team", "use", "Low", "auc")))
    assert_fits(card, CARD, "card")
    assert [each["name"] for each in card["evaluation_details"]] == [
        "former champion on the holdout",
        "champion on the same holdout",
    ]
    assert {each["datasets"][0] for each in card["evaluation_details"]} == {f"{LATER}/snapshot/snapshot.json"}
    assert card["training_details"]["training_job_details"]["training_datasets"] == [f"{RUN}/snapshot/snapshot.json"]


def test_a_reinstatement_is_a_version_of_the_run_that_decided_it() -> None:
    from register_model.logic import Candidate

    assert Candidate.model_validate(CANDIDATE).registering_run == CANDIDATE["run_id"]
    back = {"reinstates": "arn:m/1", "run_id": "run-9", "execution": "arn:run-9"}
    assert Candidate.model_validate({**CANDIDATE, "reinstatement": back}).registering_run == "run-9"


# Fields SageMaker allows in a model package's card, with the longest text each takes; it refuses every other field.
CARD: Json = {
    "model_overview": {"model_creator": 1024, "model_artifact": [1024]},
    "intended_uses": {"purpose_of_model": 2048, "intended_uses": 2048, "risk_rating": 7},
    "training_details": {
        "objective_function": {"function": {"function": 8, "facet": 63}},
        "training_observations": 1024,
        "training_job_details": {
            "training_arn": 1024,
            "training_datasets": [1024],
            "training_environment": {"container_image": [1024]},
        },
    },
    "evaluation_details": [
        {
            "name": 63,
            "datasets": [1024],
            "metric_groups": [{"name": 63, "metric_data": [{"name": 255, "type": 6, "value": 0}]}],
        }
    ],
    "additional_information": {"custom_details": {"snapshot_id": 1024, "run_id": 1024}},
}


def assert_fits(value: object, allowed: object, where: str) -> None:
    if isinstance(allowed, dict):
        assert isinstance(value, dict), where
        assert set(value) <= set(allowed), where
        for name, item in value.items():
            assert_fits(item, allowed[name], f"{where}.{name}")
    elif isinstance(allowed, list):
        assert isinstance(value, list), where
        for item in value:
            assert_fits(item, allowed[0], where)
    elif allowed == 0:
        assert isinstance(value, float), where
    else:
        assert isinstance(value, str), where
        assert isinstance(allowed, int)
        assert 0 < len(value) <= allowed, where


@pytest.mark.parametrize("length", [1, 5000])
def test_the_card_has_only_what_sagemaker_allows(length: int) -> None:
    from register_model.card import card_content
    from register_model.logic import Candidate, Owner

    owner = Owner(WORKLOAD, "local", "t" * length, "u" * length, "Low", "auc")
    content = card_content(Candidate.model_validate({**CANDIDATE, "reason": "r" * length}), owner)
    assert_fits(json.loads(content), CARD, "card")


def test_parameters_keep_sagemakers_patterns(registry: Account) -> None:
    import re

    from register_model.logic import Candidate, Owner, package_parameters

    candidate = Candidate.model_validate({**CANDIDATE, "run_id": "r" * 80, "image": "i" * 255})
    owner = Owner(WORKLOAD, "local", "team", "use", "Low", "auc")
    parameters = package_parameters(candidate, owner, group="g", approval="Approved", instance_types=["ml.m5.large"])
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,36}", parameters["ClientToken"])
    for key, value in parameters["CustomerMetadataProperties"].items():
        assert re.fullmatch(r"[\w\s.:/=+\-@]{1,128}", key)
        assert re.fullmatch(r"[\w\s.:/=+\-@]{1,256}", value), key


def test_the_same_run_asks_with_the_same_token(registry: Account) -> None:
    from register_model.logic import client_token

    assert client_token("g", "run-1") == client_token("g", "run-1") != client_token("g", "run-2")
