"""Nothing reports success for work it has not done."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlops_local.server import LocalAws
from tests.local import core

pytestmark = pytest.mark.local


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("ecs", "run_task", {"taskDefinition": "t"}),
        ("batch", "submit_job", {"jobName": "j", "jobQueue": "q", "jobDefinition": "d"}),
        ("eks", "list_clusters", {}),
        ("emr", "list_clusters", {}),
        ("rds", "describe_db_instances", {}),
        ("firehose", "list_delivery_streams", {}),
        ("lakeformation", "list_permissions", {}),
        ("codepipeline", "list_pipelines", {}),
        ("ec2", "run_instances", {"MinCount": 1, "MaxCount": 1, "ImageId": "ami-1"}),
    ],
)
def test_a_service_that_would_only_pretend_is_refused_by_name(
    aws: LocalAws, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match=r"NotImplementedException.*the local AWS"):
        getattr(aws.client(service), operation)(**arguments)


@pytest.mark.parametrize(
    "kind",
    ["AWS::ECS::Cluster", "AWS::Batch::JobQueue", "AWS::EC2::Instance", "AWS::Glue::Crawler", "AWS::Glue::Trigger"],
)
def test_types_of_such_services_are_refused_by_name(aws: LocalAws, kind: str) -> None:
    template = json.dumps(core.template({"X": {"Type": kind}}))
    with pytest.raises(ClientError, match=kind):
        aws.client("cloudformation").create_stack(StackName="refused", TemplateBody=template)


def test_a_function_that_can_not_run_here_fails_by_name(aws: LocalAws) -> None:
    made = {"Role": core.role("lambda.amazonaws.com"), "F": core.function("Role", "x", Runtime="java21")}
    made["F"]["Properties"]["Code"] = {"ZipFile": "class X {}"}
    with core.deployed(aws, "refused-function", made) as outputs:
        answer = aws.client("lambda").invoke(FunctionName=outputs["F"])
    assert answer["FunctionError"] == "Unhandled"
    assert "java21" in json.loads(answer["Payload"].read())["errorMessage"]
