from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from mlops_constructs.lineage import decision_only
from mlops_local.server import LocalAws
from tests.local.ml import IMAGE, events_queue, eventually, received


@pytest.fixture(scope="module")
def group(aws: LocalAws) -> str:
    aws.client("sagemaker").create_model_package_group(ModelPackageGroupName="models")
    return "models"


def package(**changes: Any) -> dict[str, Any]:
    container = {"Image": IMAGE, "ModelDataUrl": "s3://models/model.tar.gz"}
    return {
        "ModelPackageGroupName": "models",
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["application/jsonlines"],
        },
        **changes,
    }


def test_versions_count_up_and_everything_given_is_described(aws: LocalAws, group: str) -> None:
    client = aws.client("sagemaker")
    source = {"ContentType": "application/json", "S3Uri": "s3://models/x.json"}
    given = package(
        ModelPackageDescription="first",
        ModelMetrics={"ModelQuality": {"Statistics": source}},
        DriftCheckBaselines={"ModelDataQuality": {"Statistics": source, "Constraints": source}},
        CustomerMetadataProperties={"snapshot_id": "abc"},
        ModelCard={"ModelCardStatus": "Draft", "ModelCardContent": "{}"},
        ModelApprovalStatus="PendingManualApproval",
        ClientToken="token-1",
    )
    first = client.create_model_package(**given)["ModelPackageArn"]
    assert first == "arn:aws:sagemaker:us-east-1:000000000000:model-package/models/1"
    assert client.create_model_package(**given)["ModelPackageArn"] == first
    with pytest.raises(ClientError) as caught:
        client.create_model_package(**{**given, "ModelPackageDescription": "other"})
    assert caught.value.response["Error"]["Code"] == "ConflictException"
    assert client.create_model_package(**package())["ModelPackageArn"].endswith("/2")
    found = client.describe_model_package(ModelPackageName=first)
    for name in set(given) - {"ClientToken"}:
        assert found[name] == given[name], name
    assert (found["ModelPackageVersion"], found["ModelPackageStatus"]) == (1, "Completed")


def test_approval_is_an_event(aws: LocalAws, group: str) -> None:
    client = aws.client("sagemaker")
    queue = events_queue(aws, "registry-events", "aws.sagemaker")
    arn = client.create_model_package(**package(ModelApprovalStatus="PendingManualApproval"))["ModelPackageArn"]
    client.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="good",
        CustomerMetadataProperties={"by": "test"},
    )
    found = client.describe_model_package(ModelPackageName=arn)
    assert found["ModelApprovalStatus"] == "Approved"
    assert found["CustomerMetadataProperties"] == {"by": "test"}
    events = received(aws, queue, lambda f: any(e["detail"].get("ModelApprovalStatus") == "Approved" for e in f))
    event = next(e for e in events if e["detail"].get("ModelApprovalStatus") == "Approved")
    assert event["detail-type"] == "SageMaker Model Package State Change"
    assert event["detail"]["ModelPackageArn"] == arn
    assert event["detail"]["ModelPackageGroupName"] == "models"
    assert event["resources"] == [arn]


def test_listing_filters_sorts_and_pages(aws: LocalAws, group: str) -> None:
    client = aws.client("sagemaker")
    newest = client.create_model_package(**package(ModelApprovalStatus="Approved"))["ModelPackageArn"]
    approved = client.list_model_packages(
        ModelPackageGroupName="models",
        ModelApprovalStatus="Approved",
        SortBy="CreationTime",
        SortOrder="Descending",
        MaxResults=1,
    )
    assert [item["ModelPackageArn"] for item in approved["ModelPackageSummaryList"]] == [newest]
    assert "NextToken" in approved
    pages = client.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName="models", PaginationConfig={"PageSize": 2}
    )
    versions = [item["ModelPackageVersion"] for page in pages for item in page["ModelPackageSummaryList"]]
    assert versions == sorted(versions, reverse=True)
    assert client.list_model_packages()["ModelPackageSummaryList"] == []


def test_a_group_with_packages_cannot_be_deleted(aws: LocalAws) -> None:
    client = aws.client("sagemaker")
    client.create_model_package_group(ModelPackageGroupName="full")
    arn = client.create_model_package(**package(ModelPackageGroupName="full"))["ModelPackageArn"]
    with pytest.raises(ClientError) as caught:
        client.delete_model_package_group(ModelPackageGroupName="full")
    assert caught.value.response["Error"]["Code"] == "ConflictException"
    client.delete_model_package(ModelPackageName=arn)
    client.delete_model_package_group(ModelPackageGroupName="full")
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_model_package_group(ModelPackageGroupName="full")


TEMPLATE = """
Resources:
  Models:
    Type: AWS::SageMaker::ModelPackageGroup
    Properties:
      ModelPackageGroupName: %s
      ModelPackageGroupDescription: of a stack
      Tags: [{Key: team, Value: %s}]
Outputs:
  Arn: {Value: !Ref Models}
"""


def test_cloudformation_creates_updates_replaces_and_deletes_a_group(aws: LocalAws) -> None:
    client, stacks = aws.client("sagemaker"), aws.client("cloudformation")

    def status() -> str:
        found: str = stacks.describe_stacks(StackName="groups")["Stacks"][0]["StackStatus"]
        return found

    stacks.create_stack(StackName="groups", TemplateBody=TEMPLATE % ("stacked", "a"))
    eventually(lambda: status() == "CREATE_COMPLETE")
    arn = stacks.describe_stacks(StackName="groups")["Stacks"][0]["Outputs"][0]["OutputValue"]
    assert client.describe_model_package_group(ModelPackageGroupName="stacked")["ModelPackageGroupArn"] == arn
    stacks.update_stack(StackName="groups", TemplateBody=TEMPLATE % ("stacked", "b"))
    eventually(lambda: status() == "UPDATE_COMPLETE")
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "b"}]
    stacks.update_stack(StackName="groups", TemplateBody=TEMPLATE % ("renamed", "b"))
    eventually(lambda: client.list_model_package_groups(NameContains="stacked")["ModelPackageGroupSummaryList"] == [])
    assert client.describe_model_package_group(ModelPackageGroupName="renamed")
    stacks.delete_stack(StackName="groups")
    eventually(lambda: client.list_model_package_groups(NameContains="renamed")["ModelPackageGroupSummaryList"] == [])


def approver(aws: LocalAws) -> Any:
    """SageMaker for a role that decides about versions and may change nothing else about them."""
    iam, name = aws.client("iam"), "registry-approver"
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    decide = {"Effect": "Allow", "Action": "sagemaker:UpdateModelPackage", "Resource": "*"}
    statement = {**decide, "Condition": decision_only(["Approved", "Rejected"])}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="person")["Credentials"]
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], "us-east-1")
    return session.client("sagemaker", endpoint_url=aws.endpoint_url)


@pytest.mark.usefixtures("group")
def test_who_decides_about_a_version_cannot_change_its_lineage(aws: LocalAws) -> None:
    client = aws.client("sagemaker")
    lineage = {"training_job": "train-1"}
    arn = client.create_model_package(**package(CustomerMetadataProperties=lineage))["ModelPackageArn"]
    person = approver(aws)
    for change in (
        {"CustomerMetadataProperties": {"training_job": "train-2"}},
        {"CustomerMetadataPropertiesToRemove": ["training_job"]},
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            person.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", **change)
    # IAM cannot forbid this: the deploy workflow compares the container with what the training job made.
    other = {"Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://models/other.tar.gz"}]}
    types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["application/jsonlines"]}
    specification = {**other, **types}
    person.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", InferenceSpecification=specification
    )
    found = client.describe_model_package(ModelPackageName=arn)
    assert found["CustomerMetadataProperties"] == lineage
    assert found["InferenceSpecification"]["Containers"] == other["Containers"]
