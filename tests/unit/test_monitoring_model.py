"""What the monitor workflow, its schedule and its alarms promise."""

import dataclasses
import json

import pytest

from mlops_constructs.monitoring import MonitorPlan, MonitorSpec
from mlops_constructs.monitoring.spec import THRESHOLDS, TYPES
from tests.unit.jsonata_asl import evaluate
from tests.unit.ml_stack import COMPUTE, SPEC, allowed_on, only, resources, statements, workflow


def states() -> dict:
    return workflow("Monitor")["States"]


def test_the_window_may_be_left_out():
    payload = states()["SelectWindow"]["Arguments"]["Payload"]
    assert evaluate(payload["window_start"], input={}) is None
    assert evaluate(payload["window_start"], input={"window_start": "2026-01-01T00:00:00Z"}) == "2026-01-01T00:00:00Z"


def test_no_traffic_is_an_answer_and_no_failure():
    choice = states()["HasTraffic"]
    assert choice["Default"] == "EmitNoTraffic"
    assert not evaluate(choice["Choices"][0]["Condition"], variables={"window": {"traffic": False}})
    assert states()["EmitNoTraffic"]["Next"] == "Finished"


def test_the_baseline_is_the_one_of_the_champions_package():
    uri = "s3://art/churn/runs/r1/baseline/statistics.json"
    described = {"DriftCheckBaselines": {"ModelDataQuality": {"Statistics": {"S3Uri": uri}}}}
    assign = states()["DescribeChampion"]["Assign"]
    assert evaluate(assign["baseline"], result=described) == "s3://art/churn/runs/r1/baseline/"


def test_quality_is_asked_of_the_version_that_serves():
    champion = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/churn-test/12"
    version = states()["Monitor"]["Arguments"]["Environment"]["CHAMPION_VERSION"]
    assert evaluate(version, variables={"champion": champion}) == "12"


def test_traffic_before_the_first_champion_is_a_named_failure():
    known = states()["ChampionKnown"]
    assert not evaluate(known["Choices"][0]["Condition"], variables={"champion": "none"})
    assert known["Default"] == "NoChampion"


def test_the_job_is_isolated_and_gets_the_window():
    job = states()["Monitor"]["Arguments"]
    assert job["NetworkConfig"]["EnableNetworkIsolation"] is True
    assert {"WINDOW_START", "WINDOW_END", "LABELLED_FROM", "CHAMPION_VERSION", "MONITOR_CONFIG_0"} <= set(
        job["Environment"]
    )
    kinds = {i["InputName"]: i["S3Input"]["S3DataType"] for i in job["ProcessingInputs"]}
    assert kinds == {"capture": "ManifestFile", "labels": "ManifestFile", "baseline": "S3Prefix"}


@pytest.mark.parametrize(
    ("detail_type", "next_state"),
    [("Drift Detected", "EmitDrift"), ("No Traffic", "EmitNoTraffic"), ("Monitoring Completed", "EmitCompleted")],
)
def test_the_report_decides_the_event(detail_type, next_state):
    judged = states()["Judged"]
    hits = [
        rule["Next"]
        for rule in judged["Choices"]
        if evaluate(rule["Condition"], variables={"report": {"detail_type": detail_type}})
    ]
    assert (hits or [judged["Default"]]) == [next_state]


def test_the_monitor_runs_every_morning_and_keeps_failed_starts():
    schedule = only("AWS::Scheduler::Schedule", "Monitor")
    assert schedule["ScheduleExpression"] == "cron(0 6 * * ? *)"
    assert schedule["State"] == "ENABLED"
    assert schedule["Target"]["DeadLetterConfig"]
    assert schedule["KmsKeyArn"]
    assert only("AWS::CloudWatch::Alarm", "MonitorScheduleDeadLettersAlarm")["Threshold"] == 1


def test_the_schedule_may_start_this_workflow_only():
    (machine,) = allowed_on("MonitorScheduleRole", "states:StartExecution")
    assert "MonitorStateMachine" in machine


def test_the_job_reads_captures_labels_and_baselines_and_writes_reports():
    read = {arn.split(":::")[1].split("/", 1)[1] for arn in allowed_on("MonitorJobRole", "s3:GetObject")}
    assert read == {"churn/churn-test/*", "churn/labels/*", "churn/runs/*", "churn/monitoring/*"}
    assert {a.split("/", 1)[1] for a in allowed_on("MonitorJobRole", "s3:PutObject")} == {"churn/monitoring/*"}


def test_metrics_go_to_the_namespace_of_the_workload_only():
    metric = [s for s in statements("MonitorMonitorReportRole") if s["Action"] == "cloudwatch:PutMetricData"]
    assert [s["Condition"] for s in metric] == [{"StringEquals": {"cloudwatch:namespace": "MLOps/churn"}}]


def test_violations_and_poor_quality_raise_an_alarm():
    alarms = {a["MetricName"]: a for a in resources("AWS::CloudWatch::Alarm").values() if "MetricName" in a}
    assert alarms["ConstraintViolations"]["Namespace"] == "MLOps/churn"
    assert alarms["ModelQuality"]["ComparisonOperator"] == "LessThanThreshold"
    assert alarms["ModelQuality"]["Threshold"] == 0.6


def test_the_dashboard_shows_endpoint_drift_quality_and_trainings():
    body = json.dumps(only("AWS::CloudWatch::Dashboard", "Dashboard")["DashboardBody"])
    for metric in ("Invocations", "ModelLatency", "Invocation5XXErrors", "FeatureDrift", "ModelQuality"):
        assert metric in body
    assert "ExecutionsFailed" in body


def test_the_labels_delay_reaches_the_run_and_is_not_negative():
    windows = [
        function["Environment"]["Variables"]
        for function in resources("AWS::Lambda::Function").values()
        if "CAPTURE_BUCKET" in function.get("Environment", {}).get("Variables", {})
    ]
    assert [variables["LABEL_DELAY_DAYS"] for variables in windows] == ["3"]
    with pytest.raises(ValueError, match="label_delay_days must be at least 0, got -1"):
        MonitorPlan(spec=SPEC, compute=COMPUTE, metric="auc", minimum_quality=0.6, label_delay_days=-1)


def test_a_schedule_must_be_an_expression():
    with pytest.raises(ValueError, match="cron"):
        MonitorPlan(spec=SPEC, compute=COMPUTE, schedule="daily", metric="auc", minimum_quality=0.6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": []}, "distinct"),
        ({"features": [("a", "int"), ("a", "int")]}, "distinct"),
        ({"features": [("a", "int"), ("b", "timestamp")]}, "type of feature b must be one of int, .* got 'timestamp'"),
        ({"features": [("a", "date")]}, "type of feature a must be one of .* got 'date'"),
        ({"thresholds": {"foo": 1}}, "a threshold must be one of drift, auc, missing, got 'foo'"),
        ({"thresholds": {"drift": 10}}, "threshold drift must be 0 to 1, got 10"),
        ({"thresholds": {"auc": float("nan")}}, "threshold auc must be 0 to 1, got nan"),
    ],
)
def test_a_wrong_spec_is_refused(change, message):
    given = {"features": [("a", "int")], "key": "id", "label": "late", "thresholds": {}}
    with pytest.raises(ValueError, match=message):
        MonitorSpec(**given | change)


def test_a_spec_takes_what_the_container_understands(monitor):
    assert set(TYPES) == set(monitor.settings.KINDS)
    assert set(THRESHOLDS) == {field.name for field in dataclasses.fields(monitor.settings.Thresholds)}
