"""CloudFormation types of SageMaker that the templates use."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from ..runtime import Runtime

GROUP = "AWS::SageMaker::ModelPackageGroup"
_ARN = "ModelPackageGroupArn"


def register(runtime: Runtime) -> None:
    """Teaches CloudFormation the model package group."""

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        accepted = ("ModelPackageGroupName", "ModelPackageGroupDescription", "Tags")
        given = {key: properties[key] for key in accepted if properties.get(key)}
        arn = runtime.client("sagemaker").create_model_package_group(**given)[_ARN]
        return arn, _attributes(runtime, arn)

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        client = runtime.client("sagemaker")
        tags = {tag["Key"]: tag["Value"] for tag in new.get("Tags", [])}
        gone = [tag["Key"] for tag in old.get("Tags", []) if tag["Key"] not in tags]
        if gone:
            client.delete_tags(ResourceArn=physical_id, TagKeys=gone)
        if tags:
            client.add_tags(ResourceArn=physical_id, Tags=new["Tags"])
        return physical_id, _attributes(runtime, physical_id)

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        try:
            runtime.client("sagemaker").delete_model_package_group(ModelPackageGroupName=physical_id)
        except ClientError as error:
            if "does not exist" not in error.response["Error"]["Message"]:
                raise

    def replaces(old: dict[str, Any], new: dict[str, Any]) -> bool:
        return any(old.get(key) != new.get(key) for key in ("ModelPackageGroupName", "ModelPackageGroupDescription"))

    runtime.register_cfn_type(GROUP, create, update, delete, replaces)


def _attributes(runtime: Runtime, arn: str) -> dict[str, Any]:
    group = runtime.client("sagemaker").describe_model_package_group(ModelPackageGroupName=arn)
    return {
        _ARN: arn,
        "CreationTime": group["CreationTime"].isoformat(),
        "ModelPackageGroupStatus": group["ModelPackageGroupStatus"],
    }
