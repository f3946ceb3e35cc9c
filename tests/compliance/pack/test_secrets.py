import json
from typing import Any

import pytest

from tests.compliance.pack.judging import failed, passes, resource

PLAIN = "ENC-4.no-plain-secret"


@pytest.mark.parametrize(
    "value",
    [
        "{{resolve:secretsmanager:prod/db:SecretString:password}}",
        "{{resolve:ssm-secure:/prod/db/password:1}}",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf",
        "prod/db/password",
        "/prod/db/password",
        "",
        {"Ref": "Hidden"},
        {"Ref": "Database"},
    ],
)
def test_a_reference_to_a_secret_is_none(value: Any) -> None:
    template = {
        "It": resource("AWS::RDS::DBInstance", {"MasterUserPassword": value}),
        "Database": resource("AWS::SecretsManager::Secret"),
    }
    assert passes(PLAIN, template, parameters={"Hidden": {"Type": "String", "NoEcho": True}})


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::RDS::DBInstance", {"MasterUserPassword": "hunter2!"}),
        ("AWS::ElastiCache::ReplicationGroup", {"AuthToken": "0123456789abcdef"}),
        ("AWS::Lambda::Function", {"Environment": {"Variables": {"DB_PASSWORD": "hunter2!"}}}),
        ("AWS::Lambda::Function", {"Environment": {"Variables": {"CONFIG": '{"api_key": "k-123456"}'}}}),
        (
            "AWS::ECS::TaskDefinition",
            {"ContainerDefinitions": [{"Environment": [{"Name": "API_TOKEN", "Value": "t0p"}]}]},
        ),
        (
            "AWS::CodeBuild::Project",
            {"Environment": {"EnvironmentVariables": [{"Name": "TOKEN", "Value": "t0psecret"}]}},
        ),
        ("AWS::Glue::Job", {"DefaultArguments": {"--db-password": "hunter2!"}}),
        ("AWS::Events::Connection", {"AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyValue": "k-123456"}}}),
        ("AWS::RDS::DBInstance", {"MasterUserPassword": {"Ref": "Shown"}}),
        ("AWS::RDS::DBInstance", {"MasterUserPassword": {"Ref": "Preset"}}),
    ],
)
def test_a_secret_in_plain_text_is_found(kind: str, properties: dict[str, Any]) -> None:
    parameters = {"Shown": {"Type": "String"}, "Preset": {"Type": "String", "NoEcho": True, "Default": "changeit"}}
    assert failed(PLAIN, {"It": resource(kind, properties)}, parameters=parameters)


def test_a_secret_inside_of_a_state_machine_is_found() -> None:
    definition = {"States": {"Call": {"Type": "Task", "Arguments": {"Environment": {"DB_PASSWORD": "hunter2!"}}}}}
    machine = resource("AWS::StepFunctions::StateMachine", {"DefinitionString": json.dumps(definition)})
    assert failed(PLAIN, {"It": machine})


def test_names_that_only_sound_like_secrets_pass() -> None:
    harmless = {
        "ClientToken": "request-1",
        "Environment": {
            "Variables": {"SECRET_ARN": "x", "TOKEN_TABLE": "tokens", "PARTITION_KEY": "pk", "MAX_TOKENS": "5"}
        },
    }
    assert passes(PLAIN, {"It": resource("AWS::Lambda::Function", harmless)})
    stored = {"Name": "TOKEN", "Value": "team-token", "Type": "SECRETS_MANAGER"}
    assert passes(
        PLAIN, {"It": resource("AWS::CodeBuild::Project", {"Environment": {"EnvironmentVariables": [stored]}})}
    )


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "IOSFODNN7EXAMPLE",
        "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE",
        "postgresql://admin:" + "s3cr3t@db.example.com/flights",
        "ghp_" + "a" * 36,
    ],
)
def test_key_material_is_found_wherever_it_stands(text: str) -> None:
    rule = "ENC-4.no-key-material"
    assert failed(rule, {"It": resource("AWS::EC2::Instance", {"UserData": {"Fn::Base64": f"export X={text}"}})})
    assert passes(
        rule, {"It": resource("AWS::EC2::Instance", {"UserData": {"Fn::Base64": "https://example.com:443/a@b"}})}
    )


def test_no_secret_is_kept_in_a_parameter_or_written_into_a_secret() -> None:
    rule = "ENC-4.no-secret-parameter"
    for kind, field in (("AWS::SSM::Parameter", "Value"), ("Custom::LiveParameter", "FirstValue")):
        assert failed(rule, {"It": resource(kind, {"Name": "/prod/db/password", field: "hunter2!"})})
        assert not failed(rule, {"It": resource(kind, {"Name": "/prod/db/host", field: "db.example.com"})})
    generated = {"It": resource("AWS::SecretsManager::Secret", {"GenerateSecretString": {}})}
    assert passes("ENC-4.generated-secret", generated)
    assert failed(
        "ENC-4.generated-secret", {"It": resource("AWS::SecretsManager::Secret", {"SecretString": "hunter2!"})}
    )
