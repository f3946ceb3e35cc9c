"""Properties that the emulator's own types drop silently; they are applied through the service's API afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import buckets, coerce
from .registry import register_native

if TYPE_CHECKING:
    from ..runtime import Created, Runtime

Properties = dict[str, Any]
Apply = Callable[["Runtime", str, Properties, Properties], None]
Remove = Callable[["Runtime", str], None]


def register(runtime: Runtime) -> None:
    """Wraps the emulator's handlers of the types in `SUPPLEMENTS`."""
    for type_name, apply in SUPPLEMENTS.items():
        _wrap(runtime, type_name, apply)


def _wrap(runtime: Runtime, type_name: str, apply: Apply) -> None:
    from ministack.services.cloudformation import provisioners

    native = dict(provisioners._RESOURCE_HANDLERS[type_name])

    def create(logical_id: str, properties: Properties, stack: str) -> Created:
        physical_id, attributes = native["create"](logical_id, properties, stack)
        apply(runtime, physical_id, {}, properties)
        return physical_id, attributes

    def update(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
        rest = (logical_id,) if native.get("update_with_logical_id") else ()
        changed, attributes = native["update"](physical_id, old, new, stack, *rest)
        apply(runtime, changed, old if changed == physical_id else {}, new)
        return changed, attributes

    handlers = {**native, "create": create, "update": update, "update_with_logical_id": True}
    if type_name in REMOVALS:
        handlers["delete"] = lambda physical_id, properties: REMOVALS[type_name](runtime, physical_id)
    register_native(type_name, handlers)


def _changed(old: Properties, new: Properties, *names: str) -> bool:
    return any(old.get(name) != new.get(name) for name in names)


def _role(runtime: Runtime, name: str, old: Properties, new: Properties) -> None:
    if not _changed(old, new, "PermissionsBoundary"):
        return
    iam = runtime.client("iam")
    if new.get("PermissionsBoundary"):
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=new["PermissionsBoundary"])
    else:
        iam.delete_role_permissions_boundary(RoleName=name)


def _function(runtime: Runtime, name: str, old: Properties, new: Properties) -> None:
    functions = runtime.client("lambda")
    reserved = new.get("ReservedConcurrentExecutions")
    if _changed(old, new, "ReservedConcurrentExecutions"):
        if reserved is None:
            functions.delete_function_concurrency(FunctionName=name)
        else:
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(reserved))
    if not _changed(old, new, "DeadLetterConfig", "KmsKeyArn", "VpcConfig"):
        return
    network = new.get("VpcConfig") or {}
    functions.update_function_configuration(
        FunctionName=name,
        DeadLetterConfig={"TargetArn": (new.get("DeadLetterConfig") or {}).get("TargetArn", "")},
        KMSKeyArn=new.get("KmsKeyArn", ""),
        VpcConfig={"SubnetIds": network.get("SubnetIds", []), "SecurityGroupIds": network.get("SecurityGroupIds", [])},
    )


def _topic(runtime: Runtime, arn: str, old: Properties, new: Properties) -> None:
    if _changed(old, new, "KmsMasterKeyId"):
        runtime.client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=new.get("KmsMasterKeyId", "")
        )


def _table(runtime: Runtime, name: str, old: Properties, new: Properties) -> None:
    dynamodb = runtime.client("dynamodb")
    if _changed(old, new, "SSESpecification"):
        wanted = new.get("SSESpecification") or {}
        specification: Properties = {"Enabled": str(wanted.get("SSEEnabled", False)).lower() == "true"}
        if wanted.get("KMSMasterKeyId"):
            specification |= {"SSEType": "KMS", "KMSMasterKeyId": wanted["KMSMasterKeyId"]}
        dynamodb.update_table(TableName=name, SSESpecification=specification)
    if _changed(old, new, "PointInTimeRecoverySpecification"):
        recovery = new.get("PointInTimeRecoverySpecification") or {}
        enabled = str(recovery.get("PointInTimeRecoveryEnabled", False)).lower() == "true"
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled}
        )
    expiry, before = new.get("TimeToLiveSpecification") or {}, old.get("TimeToLiveSpecification") or {}
    if expiry != before:
        attribute = expiry.get("AttributeName") or before["AttributeName"]
        enabled = str(expiry.get("Enabled", False)).lower() == "true"
        dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute}
        )


def _bus(runtime: Runtime, name: str, old: Properties, new: Properties) -> None:
    if not _changed(old, new, "Description", "KmsKeyIdentifier", "DeadLetterConfig"):
        return
    runtime.client("events").update_event_bus(
        Name=name,
        Description=new.get("Description", ""),
        KmsKeyIdentifier=new.get("KmsKeyIdentifier", ""),
        DeadLetterConfig=new.get("DeadLetterConfig") or {},
    )


def _machine(runtime: Runtime, arn: str, old: Properties, new: Properties) -> None:
    # The emulator keeps the logging as the template spells it, which no client can read.
    client = runtime.client("stepfunctions")
    given = {
        "loggingConfiguration": new.get("LoggingConfiguration") or {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": new.get("TracingConfiguration") or {"enabled": False},
    }
    shape = client.meta.service_model.operation_model("UpdateStateMachine").input_shape
    client.update_state_machine(
        stateMachineArn=arn, **coerce.to_request(shape, given, "AWS::StepFunctions::StateMachine")
    )


def _dashboard(runtime: Runtime, name: str, old: Properties, new: Properties) -> None:
    if not _changed(old, new, "Tags"):
        return
    arn, cloudwatch = f"arn:aws:cloudwatch::{runtime.account}:dashboard/{name}", runtime.client("cloudwatch")
    gone = {tag["Key"] for tag in old.get("Tags", [])} - {tag["Key"] for tag in new.get("Tags", [])}
    if gone:
        cloudwatch.untag_resource(ResourceARN=arn, TagKeys=sorted(gone))
    if new.get("Tags"):
        cloudwatch.tag_resource(ResourceARN=arn, Tags=new["Tags"])


def _bucket(runtime: Runtime, name: str, old: Properties, new: Properties) -> None:
    buckets.configure(runtime.client("s3"), name, old, new)


def _delete_function(runtime: Runtime, name: str) -> None:
    # By the API, which ends the function's processes and removes what they were unpacked to.
    functions = runtime.client("lambda")
    with contextlib.suppress(functions.exceptions.ResourceNotFoundException):
        functions.delete_function(FunctionName=name)


REMOVALS: dict[str, Remove] = {
    "AWS::Lambda::Function": _delete_function,
    "AWS::S3::Bucket": buckets.remove,
}
SUPPLEMENTS: dict[str, Apply] = {
    "AWS::CloudWatch::Dashboard": _dashboard,
    "AWS::DynamoDB::Table": _table,
    "AWS::Events::EventBus": _bus,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Function": _function,
    "AWS::S3::Bucket": _bucket,
    "AWS::SNS::Topic": _topic,
    "AWS::StepFunctions::StateMachine": _machine,
}
