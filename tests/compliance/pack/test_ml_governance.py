"""ML-11 to ML-13: the lake's grants, what a registered model tells, and the gate before training."""

from typing import Any

import pytest

from tests.compliance.pack.judging import DELETED, changed, failed, passes, resource
from tests.compliance.pack.ml_samples import TRAINING, calls

EVERYBODY = {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}
OPEN = [{"Principal": EVERYBODY, "Permissions": ["ALL"]}]
ROLE = {"DataLakePrincipalIdentifier": "arn:aws:iam::111122223333:role/analyst"}
PACKAGE = {
    "ModelCard": {"ModelCardContent": "{}"},
    "CustomerMetadataProperties": {"a": "b"},
    "ModelMetrics": {"a": "b"},
}
LINEAGE = {"snapshot_id": "s", "training_job_name": "t", "image": "i", "evaluation_uri": "e", "baseline_uri": "b"}
ENVIRONMENT = {"OWNER": "team", "INTENDED_USE": "rank flights"}
GATE = {"TRAIN": {"Ref": "Train"}, "KILL_SWITCH_PARAMETER": {"Ref": "Switch"}, "COOL_DOWN": "60", "DAILY_CAP": "1"}


@pytest.mark.parametrize(
    ("rule", "kind", "good", "path", "value"),
    [
        ("lake-settings", "LakeFormation::DataLakeSettings", {"Admins": [ROLE]}, "CreateTableDefaultPermissions", OPEN),
        ("lake-settings", "LakeFormation::DataLakeSettings", {"Admins": [ROLE]}, "Admins", [EVERYBODY]),
        ("lake-settings", "LakeFormation::DataLakeSettings", {}, "AllowFullTableExternalDataAccess", True),
        ("named-grants", "LakeFormation::PrincipalPermissions", {"Principal": ROLE}, "Principal", EVERYBODY),
        ("named-grants", "LakeFormation::Permissions", {"DataLakePrincipal": ROLE}, "DataLakePrincipal", EVERYBODY),
        (
            "named-grants",
            "LakeFormation::PrincipalPermissions",
            {"Principal": ROLE},
            "Principal.DataLakePrincipalIdentifier",
            "111122223333:IAMPrincipals",
        ),
        (
            "database-default",
            "Glue::Database",
            {"DatabaseInput": {"CreateTableDefaultPermissions": []}},
            "DatabaseInput.CreateTableDefaultPermissions",
            DELETED,
        ),
        (
            "database-default",
            "Glue::Database",
            {"DatabaseInput": {"CreateTableDefaultPermissions": []}},
            "DatabaseInput.CreateTableDefaultPermissions",
            OPEN,
        ),
        ("no-hybrid-access", "LakeFormation::Resource", {"ResourceArn": "a"}, "HybridAccessEnabled", True),
    ],
)
def test_a_lake_open_to_whoever_has_iam_access_is_found(
    rule: str, kind: str, good: dict[str, Any], path: str, value: Any
) -> None:
    assert passes(f"ML-11.{rule}", {"R": resource(f"AWS::{kind}", good)})
    assert failed(f"ML-11.{rule}", {"R": resource(f"AWS::{kind}", changed(good, path, value))})


@pytest.mark.parametrize("missing", sorted(PACKAGE))
def test_a_package_without_its_papers_is_found(missing: str) -> None:
    rule, call = "ML-12.package-documents", "aws-sdk:sagemaker:createModelPackage"
    bad = changed(PACKAGE, missing, DELETED)
    assert passes(rule, {"M": calls(call, PACKAGE), "P": resource("AWS::SageMaker::ModelPackage", PACKAGE)})
    assert len(failed(rule, {"M": calls(call, bad), "P": resource("AWS::SageMaker::ModelPackage", bad)})) == 2


def _registering(environment: Any, payload: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "sagemaker:CreateModelPackage", "Resource": "arn:aws:sagemaker:::g"}
    policy = {"PolicyDocument": {"Statement": [statement]}, "Roles": [{"Ref": "Role"}]}
    role = {"Fn::GetAtt": ["Role", "Arn"]}
    # Workflows name functions by ARN: the one the function below will have.
    arn = "arn:aws:lambda:us-east-1:111122223333:function:register"
    function = {"FunctionName": "register", "Role": role, "Environment": {"Variables": environment}}
    return {
        "Role": resource("AWS::IAM::Role", {}),
        "Policy": resource("AWS::IAM::Policy", policy),
        "Register": resource("AWS::Lambda::Function", function),
        "M": calls("lambda:invoke", {"FunctionName": arn, "Payload": payload}),
    }


def test_a_function_that_registers_knows_owner_and_purpose_and_is_told_the_lineage() -> None:
    good = _registering(ENVIRONMENT, LINEAGE)
    assert passes("ML-12.registrar-card", good)
    assert passes("ML-12.registrar-lineage", good)
    for key in ENVIRONMENT:
        assert failed("ML-12.registrar-card", _registering(changed(ENVIRONMENT, key, DELETED), LINEAGE))
    for key in LINEAGE:
        assert failed("ML-12.registrar-lineage", _registering(ENVIRONMENT, changed(LINEAGE, key, DELETED)))


def test_a_package_group_says_what_it_is_for() -> None:
    group = {"ModelPackageGroupName": "g", "ModelPackageGroupDescription": "rank flights"}
    assert passes("ML-12.group-purpose", {"G": resource("AWS::SageMaker::ModelPackageGroup", group)})
    bad = changed(group, "ModelPackageGroupDescription", DELETED)
    assert failed("ML-12.group-purpose", {"G": resource("AWS::SageMaker::ModelPackageGroup", bad)})


def _retraining(environment: dict[str, Any], target: Any) -> dict[str, Any]:
    variables = {"Environment": {"Variables": {**environment, "MIN_NEW_ROWS": "5"}}}
    return {
        "Train": calls("sagemaker:createTrainingJob.sync", TRAINING),
        "Switch": resource("AWS::SSM::Parameter", {"Value": "off", "Type": "String"}),
        "Gate": resource("AWS::Lambda::Function", variables),
        "Drift": resource("AWS::Events::Rule", {"Targets": [{"Id": "t", "Arn": target}]}),
    }


def test_triggers_reach_training_through_a_gate_that_counts_and_can_be_shut() -> None:
    good = _retraining(GATE, {"Fn::GetAtt": ["Gate", "Arn"]})
    for rule in ("ML-13.gate", "ML-13.kill-switch", "ML-13.limits"):
        assert passes(rule, good)
    live = {"Name": "/mlops/dev/churn/kill-switch", "FirstValue": "off"}
    by_name = _retraining({**GATE, "KILL_SWITCH_PARAMETER": live["Name"]}, "x")
    assert passes("ML-13.kill-switch", {**by_name, "Switch": resource("Custom::LiveParameter", live)})
    assert failed("ML-13.gate", _retraining(GATE, {"Ref": "Train"})) == {("Drift", "")}
    for value in (DELETED, "/nobody/made/this"):
        shut = changed(GATE, "KILL_SWITCH_PARAMETER", value)
        assert failed("ML-13.kill-switch", _retraining(shut, "x")) == {("Gate", "")}
    for value in (DELETED, "0"):
        assert failed("ML-13.limits", _retraining(changed(GATE, "DAILY_CAP", value), "x")) == {("Gate", "cap")}
    free = _retraining(changed(GATE, "COOL_DOWN", "0"), "x")
    assert not failed("ML-13.limits", free, stage="dev")
