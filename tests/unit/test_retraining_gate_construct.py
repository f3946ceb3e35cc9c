"""What the retraining gate is made of."""

import pytest

from mlops_constructs.retraining import RetrainingLimits
from tests.unit.ml_stack import actions, allowed_on, only, resources, template


def test_triggers_and_the_ends_of_trainings_reach_the_gate():
    rule = only("AWS::Events::Rule", "GateTriggers")
    assert set(rule["EventPattern"]["detail-type"]) == {
        "Drift Detected",
        "Retraining Requested",
        "Model Registered",
        "Model Rejected",
        "Training Failed",
    }
    assert rule["EventPattern"]["detail"] == {"workload": ["churn"], "environment": ["test"]}


def test_undelivered_and_unanswered_triggers_are_kept():
    assert only("AWS::Events::Rule", "GateTriggers")["Targets"][0]["DeadLetterConfig"]
    assert only("AWS::Lambda::Function", "GateFunction")["DeadLetterConfig"]
    assert only("AWS::CloudWatch::Alarm", "GateDeadLettersAlarm")["Threshold"] == 1


def test_the_gate_starts_the_train_workflow_only():
    (machine,) = allowed_on("GateRole", "states:StartExecution")
    assert "TrainingTrain" in machine


def test_the_gate_has_no_more_than_it_needs():
    services = {action for action in actions("GateRole") if action.startswith(("dynamodb:", "ssm:", "states:"))}
    assert services == {
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "ssm:GetParameter",
        "states:StartExecution",
        "states:DescribeExecution",
    }


def test_the_kill_switch_is_off_at_first_and_cloudformation_never_turns_it():
    switch = only("Custom::LiveParameter", "KillSwitch")
    assert (switch["Name"], switch["FirstValue"]) == ("/mlops/test/churn/kill-switch", "off")
    assert not resources("AWS::SSM::Parameter")


def test_the_kill_switch_outlives_the_gate_that_reads_it():
    (gate,) = [name for name in resources("AWS::Lambda::Function") if name.startswith("GateFunction")]
    (switch,) = [name for name in resources("Custom::LiveParameter") if "KillSwitch" in name]
    assert switch in template()["Resources"][gate]["DependsOn"]


def test_only_the_kill_switch_can_be_made_or_removed():
    (arn,) = set(allowed_on("GateParametersFunctionRole", "ssm:PutParameter"))
    assert arn.endswith(":parameter/mlops/test/churn/kill-switch")
    assert allowed_on("GateParametersFunctionRole", "ssm:DeleteParameter") == [arn]
    assert {each for each in actions("GateParametersFunctionRole") if each.startswith("ssm:")} == {
        "ssm:PutParameter",
        "ssm:DeleteParameter",
    }


def test_a_table_of_its_own_is_encrypted_recoverable_and_kept():
    (name,) = [n for n in resources("AWS::DynamoDB::Table") if n.startswith("GateTable")]
    table = template()["Resources"][name]
    assert table["DeletionPolicy"] == "Retain"
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["SSESpecification"]["SSEType"] == "KMS"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize(
    ("changed", "remedy"),
    [
        ({"daily_cap": 0}, "daily_cap must be at least 1"),
        ({"cool_down_seconds": -1}, "at least 0"),
        ({"lease_seconds": 10}, "at least 60"),
        ({"max_rejected_fraction": 2}, "0 to 1"),
    ],
)
def test_limits_that_limit_nothing_are_refused(changed, remedy):
    with pytest.raises(ValueError, match=remedy):
        RetrainingLimits(**{"cool_down_seconds": 0, "daily_cap": 1, "min_new_rows": 0, **changed})
