"""ML-10: workflows that end, repeat only what can succeed, and announce their failures."""

import json
from typing import Any

import pytest

from tests.compliance.pack.judging import DELETED, changed, failed, passes, resource
from tests.compliance.pack.ml_samples import TRAINING, calls, task, workflow

GOOD = {"M": calls("sagemaker:createTrainingJob.sync", TRAINING)}


def _broken(path: str, value: Any) -> dict[str, Any]:
    text = GOOD["M"]["Properties"]["DefinitionString"]
    definition = changed(json.loads(text), path, value)
    return {"M": resource("AWS::StepFunctions::StateMachine", {"DefinitionString": json.dumps(definition)})}


@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        ("ML-10.workflow-timeout", "TimeoutSeconds", DELETED),
        ("ML-10.task-timeout", "States.Step.TimeoutSeconds", DELETED),
        ("ML-10.task-timeout", "States.Step.TimeoutSeconds", 99_999_999),
        ("ML-10.task-retry", "States.Step.Retry", DELETED),
        ("ML-10.task-retry", "States.Step.Retry.0.MaxAttempts", 1000),
        ("ML-10.retry-transient", "States.Step.Retry.0.ErrorEquals", ["States.ALL"]),
        ("ML-10.retry-transient", "States.Step.Retry.0.ErrorEquals", ["States.TaskFailed"]),
        ("ML-10.catch-all", "States.Step.Catch", DELETED),
        ("ML-10.catch-all", "States.Step.Catch.0.ErrorEquals", ["States.Timeout"]),
        ("ML-10.failure-outcome", "States.Step.Catch.0.Next", "Done"),
        ("ML-10.failure-outcome", "States.Step.Catch.0.Next", "Failed"),
        ("ML-10.failure-outcome", "States.EmitFailed.Next", "Done"),
    ],
)
def test_a_broken_workflow_is_found(rule: str, path: str, value: Any) -> None:
    assert passes(rule, GOOD)
    broken = _broken(path, value)
    if path == "States.EmitFailed.Next":  # its own Catch still ends in Failed: break that too
        text = json.loads(broken["M"]["Properties"]["DefinitionString"])
        text["States"]["EmitFailed"]["Catch"][0]["Next"] = "Done"
        broken["M"]["Properties"]["DefinitionString"] = json.dumps(text)
    assert failed(rule, broken)


def test_a_definition_outside_the_template_is_found() -> None:
    assert passes("ML-10.workflow-readable", GOOD)
    machine = resource("AWS::StepFunctions::StateMachine", {"DefinitionS3Location": {"Bucket": "b", "Key": "k"}})
    assert failed("ML-10.workflow-readable", {"M": machine})
    assert failed("ML-10.workflow-readable", {"M": changed(GOOD["M"], "Properties.DefinitionString", "not JSON")})


def test_a_branch_may_leave_the_announcement_to_its_parallel() -> None:
    inner = {"StartAt": "Deep", "States": {"Deep": {**task("sagemaker:createTrainingJob", TRAINING), "End": True}}}
    inner["States"]["Deep"]["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": "DeepFailed"}]
    inner["States"]["DeepFailed"] = {"Type": "Fail"}
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "EmitFailed"}]
    around = {"Type": "Parallel", "Branches": [inner], "Catch": catch, "Next": "Done"}
    assert passes("ML-10.failure-outcome", {"M": workflow({"Both": around})})
    assert failed("ML-10.failure-outcome", {"M": workflow({"Both": changed(around, "Catch", DELETED)})})


def test_placeholders_of_a_definition_are_filled() -> None:
    text = GOOD["M"]["Properties"]["DefinitionString"].replace('"TimeoutSeconds": 3600', '"TimeoutSeconds": ${Limit}')
    values = {"DefinitionString": text, "DefinitionSubstitutions": {"Limit": 7200}}
    assert passes("ML-10.workflow-timeout", {"M": resource("AWS::StepFunctions::StateMachine", values)})


def test_runs_that_glue_and_batch_start_have_a_limit() -> None:
    run = "aws-sdk:glue:startDataQualityRulesetEvaluationRun"
    assert passes("ML-10.glue-timeout", {"M": calls(run, {"Timeout": 40})})
    assert failed("ML-10.glue-timeout", {"M": calls(run, {})}) == {("M", "Step")}
    submit = {"JobDefinition": "d", "Timeout": {"AttemptDurationSeconds": 600}}
    assert passes("ML-10.batch-timeout", {"M": calls("batch:submitJob.sync", submit)})
    assert failed("ML-10.batch-timeout", {"M": calls("batch:submitJob.sync", changed(submit, "Timeout", DELETED))})
