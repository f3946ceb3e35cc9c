"""What the services answer on each way through a workflow, and the one event each way must end in."""

from dataclasses import dataclass, field
from typing import Any

from ministack.services import stepfunctions

from tests.workflows.interpreter import Answer

Json = dict[str, Any]
SHA = "0" * 64
PACKAGE = "arn:aws:sagemaker:us-east-1:000000000000:model-package/flight-delays-local/3"
BASELINE = "s3://artefacts/flight-delays/runs/run-0/baseline/statistics.json"
WINDOW = {"window_start": "2013-04-01T00:00:00Z", "window_end": "2013-05-01T00:00:00Z"}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One way through a workflow.

    Attributes:
        kind: last part of the id of the stack that holds the workflow.
        name: which way.
        event: detail type of the one event it ends in.
        answers: result per Task state.
        input: of the execution.
        failed: the execution fails, so that its alarm fires.
    """

    kind: str
    name: str
    event: str
    answers: dict[str, Answer]
    input: Json = field(default_factory=dict)
    failed: bool = False


FAILURE_EVENTS = {
    "data": "Dataset Rejected",
    "training": "Training Failed",
    "serving": "Deployment Failed",
    "monitoring": "Monitoring Failed",
}
"""Event of a workflow in which something broke, by kind."""

OTHER_OUTCOMES = {
    ("serving", "LiveConfigCheck"): "Deployment Rolled Back",
    ("serving", "SmokeTest"): "Deployment Rolled Back",
    ("serving", "RejectRolledBack"): "Deployment Rolled Back",
}
"""States whose failure the workflow answers otherwise: a check or smoke test that broke brings the former config back,
and a package that could not be rejected changes nothing about how the deployment ended."""


def function(payload: Json) -> Json:
    """Return what `lambda:invoke` gives for a function's answer."""
    return {"StatusCode": 200, "Payload": payload}


def unanswered(arguments: Json) -> Json:
    """Raise what a function fails with that did its work and was stopped before it said so."""
    raise stepfunctions._ExecutionError("Sandbox.Timedout", "Task timed out after 600.00 seconds")


LANDED = {
    "detail": {
        "bucket": {"name": "landing"},
        "object": {"key": "flight-delays/flights/2013-01-1.csv", "version-id": "v1"},
    }
}
ACCEPTED = {
    "verdict": "accepted",
    "dataset": "flights",
    "reason_code": "",
    "reason": "",
    "content_sha256": SHA,
    "rows": 10,
    "source_uri": "s3://landing/flight-delays/flights/2013-01-1.csv",
    "raw_key": f"flight-delays/flights/{SHA}.csv",
}
PUBLISHED = {
    "outdated": False,
    "snapshot_id": "s1",
    "rows": 10,
    "rows_quarantined": 1,
    "months": ["2013-01"],
    "curated_prefix": "s3://curated/flight-delays/flights/",
    "warnings": [],
}
INGEST: dict[str, Answer] = {
    "SchemaGuard": function(ACCEPTED),
    "CopyToRaw": {"CopyObjectResult": {"ETag": "x"}},
    "Curate": {"Id": "jr_1", "JobRunState": "SUCCEEDED"},
    "ReadSummary": {"Body": '{"rows": 10, "rows_quarantined": 1, "warnings": ["1 row is in quarantine"], "parts": []}'},
    "StartQuality": {"RunId": "dqrun-1"},
    "GetQuality": [{"Status": "RUNNING"}, {"Status": "SUCCEEDED", "ResultIds": ["dqresult-1"]}],
    "ReadQuality": {"ResultId": "dqresult-1", "Score": 1.0, "RuleResults": []},
    "QualityGate": function({"passed": True, "score": 1.0, "failed_rules": [], "reason": ""}),
    "Publish": function(PUBLISHED),
    "Quarantine": function(
        {"published": False, "quarantine_uri": f"s3://quarantine/flight-delays/flights/{SHA}/2013-01-1.csv"}
    ),
    "PublishAgain": function(PUBLISHED),
}
REFUSED = {**ACCEPTED, "verdict": "rejected", "reason_code": "wrong_columns", "reason": "no column dest"}
CONTRADICTING = {"Body": '{"rows": 0, "rows_quarantined": 10, "warnings": ["late 1 contradicts 0"], "parts": []}'}
REPEATED = {"Body": '{"rows": 0, "rows_quarantined": 0, "warnings": ["10 rows repeat a row"], "parts": []}'}
UNFIT = {"passed": False, "score": 0.5, "failed_rules": [{"rule": "RowCount > 0", "message": "0"}], "reason": "1 rule"}

TRAINED = {
    "TrainingJobName": "flight-delays-local-train-run-1",
    "TrainingJobArn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/flight-delays-local-train-run-1",
    "ModelArtifacts": {"S3ModelArtifacts": "s3://artefacts/flight-delays/runs/run-1/model/model.tar.gz"},
}
DESCRIBED = {
    "ModelPackageArn": PACKAGE,
    "ModelPackageVersion": 3,
    "ModelApprovalStatus": "Approved",
    "InferenceSpecification": {"Containers": [{"Image": "image", "ModelDataUrl": "s3://artefacts/model.tar.gz"}]},
    "DriftCheckBaselines": {"ModelDataQuality": {"Statistics": {"S3Uri": BASELINE}}},
    "CustomerMetadataProperties": {"training_job": "flight-delays-local-train-run-1"},
}
FORMER_PACKAGE = PACKAGE.replace("/3", "/2")
ORIGIN = {
    "run_id": "run-0",
    "execution": "arn:aws:states:us-east-1:000000000000:execution:train:run-0",
    "training_job": "flight-delays-local-train-run-0",
    "training_job_arn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/flight-delays-local-train-run-0",
    "snapshot_id": "s0",
}


def described(arguments: Json) -> Json:
    """Return a package of the group: every version has a model of its own."""
    arn = arguments["ModelPackageName"]
    container = {"Image": "image", "ModelDataUrl": f"s3://artefacts/{arn}/model.tar.gz"}
    return {
        **DESCRIBED,
        "ModelPackageArn": arn,
        "ModelPackageVersion": int(arn.rsplit("/", 1)[1]),
        "InferenceSpecification": {"Containers": [container]},
        "CustomerMetadataProperties": ORIGIN,
    }


VERDICT = {
    "verdict": "promote",
    "winner": {"uri": "s3://artefacts/e.json", "model_package_arn": None, "version": None},
    "reason": "better",
    "metrics": {"auc": 0.7},
    "champion_metrics": {"auc": 0.6},
}
TRAIN: dict[str, Answer] = {
    "PinSnapshot": function(
        {
            "snapshot_id": "s1",
            "manifests": {"flights": "s3://artefacts/f.manifest", "labels": "s3://artefacts/l.manifest"},
            "rows": {"flights": 100, "labels": 100},
        }
    ),
    "Features": {"ProcessingJobName": "features"},
    "Train": TRAINED,
    "Baseline": {"ProcessingJobName": "baseline"},
    "ReadChampion": {"Parameters": [{"Value": PACKAGE}]},
    "FindChampions": {
        "ModelPackageSummaryList": [
            {"ModelPackageArn": PACKAGE, "ModelPackageVersion": 3},
            {"ModelPackageArn": FORMER_PACKAGE, "ModelPackageVersion": 2},
        ]
    },
    "DescribeChampion": described,
    "EvaluateModel": {"ProcessingJobName": "evaluation"},
    "Challenge": function(VERDICT),
    "Refit": TRAINED,
    "Register": function({"model_package_arn": PACKAGE, "version": 4, "approval_status": "Approved"}),
    "DescribeFormer": described,
    "Reinstate": function({"model_package_arn": PACKAGE, "version": 4, "approval_status": "Approved"}),
}
FIRST_MODEL = {**VERDICT, "champion_metrics": None}
RETURNED = {
    **VERDICT,
    "verdict": "reinstate",
    "winner": {"uri": "s3://artefacts/e.json", "model_package_arn": FORMER_PACKAGE, "version": 2},
    "reason": "version 2 is best again",
}
DEFENDED = {**VERDICT, "verdict": "reject", "reason": "the champion is better"}

APPROVED = {"detail": {"ModelPackageArn": PACKAGE, "ModelApprovalStatus": "Approved"}}
FORMER = {"EndpointStatus": "InService", "EndpointConfigName": "flight-delays-local-v2-run-0"}
UPDATING = {**FORMER, "EndpointStatus": "Updating"}
CURRENT = {"EndpointStatus": "InService", "EndpointConfigName": "flight-delays-local-v3-run-1"}
SERVING_ALREADY = {**CURRENT, "EndpointConfigName": "flight-delays-local-v3-run-0"}
CREATING = {**CURRENT, "EndpointStatus": "Creating"}
DEAD = {**CURRENT, "EndpointStatus": "Failed", "FailureReason": "no capacity"}
LIVE = {"live": True, "endpoint_status": "InService", "actual_endpoint_config": "run-1", "reason": ""}
NOT_LIVE = {**LIVE, "live": False, "reason": "an alarm rolled the update back"}
WRONG = {"passed": False, "reason": "score 7 is not a probability", "latency_ms": 3}
OWN_RUN = {"ExecutionArn": "arn:aws:states:us-east-1:000000000000:execution:test:run-1"}
OLDER_RUN = {"ExecutionArn": "arn:aws:states:us-east-1:000000000000:execution:test:run-0"}
MADE = {
    "AlgorithmSpecification": {"TrainingImage": "image"},
    "ModelArtifacts": {"S3ModelArtifacts": "s3://artefacts/model.tar.gz"},
}
DEPLOY: dict[str, Answer] = {
    "AskForTurn": [{"Executions": [OWN_RUN, OLDER_RUN]}, {"Executions": [OWN_RUN]}],
    "DescribePackage": DESCRIBED,
    "DescribeTraining": MADE,
    "InspectEndpoint": [UPDATING, FORMER],
    "CreateModel": {"ModelArn": "arn"},
    "CreateEndpointConfig": {"EndpointConfigArn": "arn"},
    "ReadFreeze": {"Parameter": {"Value": "off"}},
    "CreateEndpoint": {"EndpointArn": "arn"},
    "UpdateEndpoint": {"EndpointArn": "arn"},
    "LookAtEndpoint": [UPDATING, CURRENT],
    "LookBeforeRemoval": CURRENT,
    "RemoveEndpoint": {},
    "RemoveConfig": {},
    "LiveConfigCheck": function(LIVE),
    "SmokeTest": function({"passed": True, "reason": "", "latency_ms": 3}),
    "RestorePrevious": {"EndpointArn": "arn"},
    "RejectRolledBack": {"ModelPackageArn": PACKAGE},
    "RejectFailed": {"ModelPackageArn": PACKAGE},
    "LookAtRestore": [UPDATING, FORMER],
    "RegisterScaling": {"ScalableTargetARN": "arn"},
    "PutScalingPolicy": {"PolicyARN": "arn", "Alarms": []},
    "PublishChampion": {"Version": 2},
}


def missing(arguments: Json) -> Json:
    """Raise what SageMaker answers when there is no endpoint."""
    raise refused(f'Could not find endpoint "{arguments["EndpointName"]}".')


def refused(cause: str) -> Exception:
    """Return what a Task fails with when SageMaker refuses a call: its base exception."""
    error: Exception = stepfunctions._ExecutionError("SageMaker.SageMakerException", cause)
    return error


FIRST: dict[str, Answer] = {**DEPLOY, "InspectEndpoint": missing, "LookAtEndpoint": [CREATING, CURRENT]}

REPORT = {
    **WINDOW,
    "rows": 100,
    "labelled_rows": 90,
    "violations": [],
    "drift": {"temp": 0.05},
    "quality": {"auc": 0.7},
    "report_uri": "s3://artefacts/flight-delays/monitoring/run-1/",
    "model_package_arn": PACKAGE,
}
VIOLATION = {"feature": "temp", "check": "baseline_drift_check", "description": "0.3 is above 0.1"}
MONITOR: dict[str, Answer] = {
    "SelectWindow": function(
        {
            **WINDOW,
            "labelled_from": WINDOW["window_start"],
            "traffic": True,
            "objects": 3,
            "capture_manifest": "s3://artefacts/capture.manifest",
            "labels_manifest": "s3://artefacts/labels.manifest",
            "report_uri": "s3://artefacts/flight-delays/monitoring/run-1/",
        }
    ),
    "ReadChampion": {"Parameter": {"Value": PACKAGE}},
    "DescribeChampion": DESCRIBED,
    "Monitor": {"ProcessingJobName": "monitor"},
    "Report": function({"detail_type": "Monitoring Completed", "detail": REPORT}),
}
DRIFTED = {"detail_type": "Drift Detected", "detail": {**REPORT, "violations": [VIOLATION], "drift": {"temp": 0.3}}}
QUIET = {
    **WINDOW,
    "traffic": False,
    "objects": 0,
    "capture_manifest": None,
    "labels_manifest": None,
    "report_uri": "s3://a/",
}


def _scenario(kind: str, name: str, event: str, base: dict[str, Answer], **rest: Any) -> Scenario:
    answers = {**base, **rest.pop("answers", {})}
    return Scenario(kind=kind, name=name, event=event, answers=answers, **rest)


SCENARIOS = (
    _scenario("data", "published", "Dataset Ready", INGEST, input=LANDED),
    _scenario(
        "data",
        "refused by the schema",
        "Dataset Rejected",
        INGEST,
        input=LANDED,
        answers={"SchemaGuard": function(REFUSED)},
    ),
    _scenario(
        "data",
        "refused by the quality rules",
        "Dataset Rejected",
        INGEST,
        input=LANDED,
        answers={"QualityGate": function(UNFIT)},
    ),
    _scenario(
        "data",
        "every row contradicts an earlier one",
        "Dataset Rejected",
        INGEST,
        input=LANDED,
        answers={"ReadSummary": CONTRADICTING},
    ),
    _scenario(
        "data",
        "nothing but repeated rows",
        "Dataset Rejected",
        INGEST,
        input=LANDED,
        answers={"ReadSummary": REPEATED},
    ),
    _scenario(
        "data",
        "overtaken by a file with some of its keys",
        "Dataset Ready",
        INGEST,
        input=LANDED,
        answers={"Publish": [function({**PUBLISHED, "outdated": True}), function(PUBLISHED)]},
    ),
    _scenario(
        "data",
        "overtaken by a file with all of its keys",
        "Dataset Rejected",
        INGEST,
        input=LANDED,
        answers={
            "Publish": function({**PUBLISHED, "outdated": True}),
            "ReadSummary": [INGEST["ReadSummary"], REPEATED],
        },
    ),
    _scenario(
        "data",
        "published, though nobody heard of it",
        "Dataset Ready",
        INGEST,
        input=LANDED,
        answers={"Publish": unanswered, "Quarantine": function({"published": True, "quarantine_uri": ""})},
    ),
    _scenario(
        "data",
        "quality run broke",
        "Dataset Rejected",
        INGEST,
        input=LANDED,
        failed=True,
        answers={"GetQuality": {"Status": "FAILED", "ErrorString": "out of memory"}},
    ),
    _scenario("training", "challenger wins", "Model Registered", TRAIN),
    _scenario(
        "training",
        "first model",
        "Model Registered",
        TRAIN,
        answers={
            "ReadChampion": {"Parameters": [{"Value": "none"}]},
            "FindChampions": {"ModelPackageSummaryList": []},
            "Challenge": function(FIRST_MODEL),
        },
    ),
    _scenario(
        "training", "former champion returns", "Model Registered", TRAIN, answers={"Challenge": function(RETURNED)}
    ),
    _scenario("training", "champion defends", "Model Rejected", TRAIN, answers={"Challenge": function(DEFENDED)}),
    _scenario("serving", "updated", "Deployment Succeeded", DEPLOY, input=APPROVED),
    _scenario("serving", "by hand", "Deployment Succeeded", DEPLOY, input={"model_package_arn": PACKAGE}),
    _scenario(
        "serving",
        "smoke test fails",
        "Deployment Rolled Back",
        DEPLOY,
        input=APPROVED,
        failed=True,
        answers={"SmokeTest": function(WRONG)},
    ),
    _scenario(
        "serving",
        "restore fails",
        "Deployment Failed",
        DEPLOY,
        input=APPROVED,
        failed=True,
        answers={"SmokeTest": function(WRONG), "LookAtRestore": {**FORMER, "EndpointStatus": "Failed"}},
    ),
    _scenario(
        "serving",
        "rolled back by an alarm",
        "Deployment Rolled Back",
        DEPLOY,
        input=APPROVED,
        failed=True,
        answers={"LiveConfigCheck": function(NOT_LIVE)},
    ),
    _scenario(
        "serving",
        "not approved",
        "Deployment Failed",
        DEPLOY,
        input=APPROVED,
        failed=True,
        answers={"DescribePackage": {**DESCRIBED, "ModelApprovalStatus": "Rejected"}},
    ),
    _scenario(
        "serving",
        "somebody changed what the package holds",
        "Deployment Failed",
        DEPLOY,
        input=APPROVED,
        failed=True,
        answers={"DescribeTraining": {**MADE, "AlgorithmSpecification": {"TrainingImage": "another"}}},
    ),
    _scenario(
        "serving",
        "a version that others registered",
        "Deployment Succeeded",
        DEPLOY,
        input=APPROVED,
        answers={"DescribePackage": {**DESCRIBED, "CustomerMetadataProperties": None}},
    ),
    _scenario(
        "serving",
        "promotion is frozen",
        "Deployment Failed",
        DEPLOY,
        input=APPROVED,
        failed=True,
        answers={"ReadFreeze": {"Parameter": {"Value": "on"}}},
    ),
    _scenario(
        "serving",
        "the event came twice",
        "Deployment Succeeded",
        DEPLOY,
        input=APPROVED,
        answers={"InspectEndpoint": SERVING_ALREADY},
    ),
    _scenario("serving", "first deployment", "Deployment Succeeded", FIRST, input=APPROVED),
    _scenario(
        "serving",
        "first smoke test fails",
        "Deployment Failed",
        FIRST,
        input=APPROVED,
        failed=True,
        answers={"SmokeTest": function(WRONG)},
    ),
    _scenario(
        "serving",
        "first endpoint is born dead",
        "Deployment Failed",
        FIRST,
        input=APPROVED,
        failed=True,
        answers={"LookAtEndpoint": DEAD, "LookBeforeRemoval": DEAD},
    ),
    _scenario("monitoring", "no drift", "Monitoring Completed", MONITOR),
    _scenario("monitoring", "given window", "Monitoring Completed", MONITOR, input=WINDOW),
    _scenario("monitoring", "drift", "Drift Detected", MONITOR, answers={"Report": function(DRIFTED)}),
    _scenario("monitoring", "nobody asked", "No Traffic", MONITOR, answers={"SelectWindow": function(QUIET)}),
    _scenario(
        "monitoring",
        "no champion",
        "Monitoring Failed",
        MONITOR,
        failed=True,
        answers={"ReadChampion": {"Parameter": {"Value": "none"}}},
    ),
)
