"""The types this local AWS adds to the emulator's CloudFormation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import policies, resolver_logs, security_groups, supplements
from .generic import Properties, ResourceType
from .registry import on_worker_threads

if TYPE_CHECKING:
    from ..runtime import Runtime


def _as_text(*names: str) -> Any:
    """Objects of the template that the API takes as JSON text."""

    def prepare(properties: Properties) -> Properties:
        return {
            key: json.dumps(value) if key in names and not isinstance(value, str) else value
            for key, value in properties.items()
        }

    return prepare


def _archive(properties: Properties) -> Properties:
    prepared = dict(_as_text("EventPattern")(properties))
    prepared["EventSourceArn"] = prepared.pop("SourceArn", None)
    return {key: value for key, value in prepared.items() if value is not None}


def _without(*names: str) -> Any:
    return lambda properties: {key: value for key, value in properties.items() if key not in names}


def _tag_map(properties: Properties) -> Properties:
    tags = properties.get("Tags")
    return {**properties, "Tags": {tag["Key"]: tag["Value"] for tag in tags}} if isinstance(tags, list) else properties


def _glue_security(properties: Properties) -> Properties:
    encryption = dict(properties["EncryptionConfiguration"])
    if "S3Encryptions" in encryption:  # the API's name is singular, and always a list
        found = encryption.pop("S3Encryptions")
        encryption["S3Encryption"] = found if isinstance(found, list) else [found]
    return {**properties, "EncryptionConfiguration": encryption}


def _flow_log(properties: Properties) -> Properties:
    prepared = {key: value for key, value in properties.items() if key not in ("ResourceId", "Tags")}
    if properties.get("Tags"):
        prepared["TagSpecifications"] = [{"ResourceType": "vpc-flow-log", "Tags": properties["Tags"]}]
    return {**prepared, "ResourceIds": [properties["ResourceId"]]}


TYPES = (
    ResourceType(
        name="AWS::Events::Archive",
        service="events",
        create="CreateArchive",
        update="UpdateArchive",
        delete="DeleteArchive",
        named_by="ArchiveName",
        name_limit=48,
        immutable=("SourceArn",),
        prepare=_archive,
        prepare_update=lambda properties: _without("EventSourceArn")(_archive(properties)),
        identify=lambda properties, _: properties["ArchiveName"],
        address=lambda name: {"ArchiveName": name},
        attributes=lambda name, response: {"Arn": response["ArchiveArn"], "ArchiveName": name},
    ),
    ResourceType(
        name="AWS::EventSchemas::Registry",
        service="schemas",
        create="CreateRegistry",
        update="UpdateRegistry",
        delete="DeleteRegistry",
        named_by="RegistryName",
        prepare=_tag_map,
        prepare_update=_without("Tags"),
        identify=lambda _, response: response["RegistryArn"],
        address=lambda arn: {"RegistryName": arn.rpartition("/")[2]},
        attributes=lambda arn, _: {"RegistryArn": arn, "RegistryName": arn.rpartition("/")[2]},
    ),
    ResourceType(
        name="AWS::EventSchemas::Schema",
        service="schemas",
        create="CreateSchema",
        update="UpdateSchema",
        delete="DeleteSchema",
        named_by="SchemaName",
        immutable=("RegistryName", "Type"),
        prepare=_tag_map,
        prepare_update=_without("Tags"),
        identify=lambda _, response: response["SchemaArn"],
        address=lambda arn: dict(
            zip(("RegistryName", "SchemaName"), arn.partition("schema/")[2].split("/", 1), strict=True)
        ),
        attributes=lambda arn, response: {
            "SchemaArn": arn,
            "SchemaName": arn.rpartition("/")[2],
            "SchemaVersion": response["SchemaVersion"],
        },
    ),
    ResourceType(
        name="AWS::Glue::SecurityConfiguration",
        service="glue",
        create="CreateSecurityConfiguration",
        delete="DeleteSecurityConfiguration",
        named_by="Name",
        prepare=_glue_security,
        identify=lambda properties, _: properties["Name"],
        address=lambda name: {"Name": name},
    ),
    ResourceType(
        name="AWS::Athena::NamedQuery",
        service="athena",
        create="CreateNamedQuery",
        delete="DeleteNamedQuery",
        named_by="Name",
        name_limit=128,
        identify=lambda _, response: response["NamedQueryId"],
        address=lambda query_id: {"NamedQueryId": query_id},
        attributes=lambda query_id, _: {"NamedQueryId": query_id},
    ),
    ResourceType(
        name="AWS::EC2::FlowLog",
        service="ec2",
        create="CreateFlowLogs",
        delete="DeleteFlowLogs",
        prepare=_flow_log,
        identify=lambda _, response: response["FlowLogIds"][0],
        address=lambda flow_log: {"FlowLogIds": [flow_log]},
        attributes=lambda flow_log, _: {"Id": flow_log},
    ),
    ResourceType(
        name="AWS::CloudWatch::CompositeAlarm",
        service="cloudwatch",
        create="PutCompositeAlarm",
        update="PutCompositeAlarm",
        delete="DeleteAlarms",
        named_by="AlarmName",
        name_limit=255,
        identify=lambda properties, _: properties["AlarmName"],
        address=lambda name: {"AlarmNames": [name]},
        address_update=lambda name: {"AlarmName": name},
        attributes=lambda name, _: {"Arn": f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"},
    ),
    ResourceType(
        name="AWS::Scheduler::Schedule",
        service="scheduler",
        create="CreateSchedule",
        update="UpdateSchedule",
        delete="DeleteSchedule",
        located_by=("GroupName",),
        named_by="Name",
        immutable=("GroupName",),
        identify=lambda properties, _: properties["Name"],
        address=lambda name: {"Name": name},
        attributes=lambda _, response: {"Arn": response["ScheduleArn"]},
    ),
    ResourceType(
        name="AWS::Logs::QueryDefinition",
        service="logs",
        create="PutQueryDefinition",
        update="PutQueryDefinition",
        delete="DeleteQueryDefinition",
        identify=lambda _, response: response["queryDefinitionId"],
        address=lambda query_id: {"queryDefinitionId": query_id},
        attributes=lambda query_id, _: {"QueryDefinitionId": query_id},
    ),
)


def register(runtime: Runtime) -> None:
    """Registers every type of this package."""
    on_worker_threads()
    for kind in TYPES:
        kind.register(runtime)
    supplements.register(runtime)
    security_groups.register(runtime)
    policies.register(runtime)
    resolver_logs.register(runtime)
