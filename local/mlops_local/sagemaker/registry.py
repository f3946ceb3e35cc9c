"""SageMaker model packages and their groups: versions, approval, listing, events."""

from __future__ import annotations

import re
import threading

from ..awsjson import Request, ServiceError
from .account import Account, Record, invalid, now, page

_DESCRIBED = (
    "ModelPackageDescription",
    "ModelPackageRegistrationType",
    "InferenceSpecification",
    "SourceAlgorithmSpecification",
    "CertifyForMarketplace",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "SecurityConfig",
    "ModelCard",
    "ModelLifeCycle",
)
_EVENT_FIELDS = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "InferenceSpecification",
    "ModelPackageStatus",
    "ModelPackageStatusDetails",
    "CertifyForMarketplace",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "LastModifiedTime",
    "ApprovalDescription",
    "CustomerMetadataProperties",
)
_UPDATED = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "ModelCard",
    "ModelLifeCycle",
    "SourceUri",
)
_SUMMARY = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
)
_GROUP_SUMMARY = (
    "ModelPackageGroupName",
    "ModelPackageGroupArn",
    "ModelPackageGroupDescription",
    "CreationTime",
    "ModelPackageGroupStatus",
)


class Registry:
    """Model package groups and their versioned packages."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._groups: dict[str, Record] = {}
        self._packages: dict[str, Record] = {}
        self._versions: dict[str, int] = {}
        self._tokens: dict[str, tuple[Record, str]] = {}
        self._lock = threading.Lock()

    # -- groups -------------------------------------------------------------------------------------------------

    def create_group(self, request: Request) -> Record:
        """CreateModelPackageGroup."""
        parameters = request.parameters
        name = parameters["ModelPackageGroupName"]
        arn = self._account.arn("model-package-group", name)
        self._account.authorize_create(request, arn)
        with self._lock:
            if name in self._groups:
                raise invalid(f"Model Package Group already exists: {arn}")
            self._groups[name] = {
                "ModelPackageGroupName": name,
                "ModelPackageGroupArn": arn,
                "ModelPackageGroupDescription": parameters.get("ModelPackageGroupDescription"),
                "CreationTime": now(),
                "CreatedBy": {},
                "ModelPackageGroupStatus": "Completed",
            }
        self._account.add_tags(arn, parameters.get("Tags", []))
        return {"ModelPackageGroupArn": arn}

    def describe_group(self, request: Request) -> Record:
        """DescribeModelPackageGroup."""
        name = _name(request.parameters["ModelPackageGroupName"])
        self._account.authorize(request, self._account.arn("model-package-group", name))
        return self._group(name)

    def delete_group(self, request: Request) -> Record:
        """DeleteModelPackageGroup; refused while it holds packages."""
        name = _name(request.parameters["ModelPackageGroupName"])
        arn = self._account.arn("model-package-group", name)
        self._account.authorize(request, arn)
        with self._lock:
            self._group(name)
            if any(package["ModelPackageGroupName"] == name for package in self._packages.values()):
                message = f"Cannot delete Model Package Group {arn}: it contains Model Packages. Delete them first."
                raise ServiceError("ConflictException", message)
            del self._groups[name]
            self._versions.pop(name, None)
        self._account.drop_tags(arn)
        return {}

    def list_groups(self, request: Request) -> Record:
        """ListModelPackageGroups."""
        self._account.authorize(request, "*")
        keys = {"Name": "ModelPackageGroupName", "CreationTime": "CreationTime"}
        chosen, token = page(
            list(self._groups.values()),
            request.parameters,
            sort_keys=keys,
            default_sort="CreationTime",
            name_field="ModelPackageGroupName",
        )
        summaries = [{field: record.get(field) for field in _GROUP_SUMMARY} for record in chosen]
        return {"ModelPackageGroupSummaryList": summaries, "NextToken": token}

    # -- packages -----------------------------------------------------------------------------------------------

    def create(self, request: Request) -> Record:
        """CreateModelPackage: the group's next version; the same ClientToken gives the same package."""
        parameters = request.parameters
        if not parameters.get("ModelPackageGroupName") or "ModelPackageName" in parameters:
            raise invalid("the local AWS registers versioned packages only: give ModelPackageGroupName")
        group = _name(parameters["ModelPackageGroupName"])
        status = parameters.get("ModelApprovalStatus", "PendingManualApproval")
        context = {"sagemaker:ModelApprovalStatus": status}
        self._account.authorize_create(request, self._account.arn("model-package", f"{group}/*"), context)
        with self._lock:
            self._group(group)
            token = parameters.get("ClientToken")
            if token in self._tokens:
                return self._same_again(token, parameters)
            version = self._versions.get(group, 0) + 1
            self._versions[group] = version
            arn = self._account.arn("model-package", f"{group}/{version}")
            record = {name: parameters[name] for name in _DESCRIBED if name in parameters}
            done = [{"Name": group, "Status": "NotStarted"}]
            record |= {
                "ModelPackageGroupName": group,
                "ModelPackageVersion": version,
                "ModelPackageArn": arn,
                "ModelApprovalStatus": status,
                "ModelPackageStatus": "Completed",
                "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": done},
                "CertifyForMarketplace": parameters.get("CertifyForMarketplace", False),
                "CreationTime": now(),
                "LastModifiedTime": now(),
            }
            self._packages[arn] = record
            if token:
                self._tokens[token] = (parameters, arn)
        self._account.add_tags(arn, parameters.get("Tags", []))
        self._emit(record)
        return {"ModelPackageArn": arn}

    def _same_again(self, token: str, parameters: Record) -> Record:
        earlier, arn = self._tokens[token]
        if earlier != parameters:
            raise ServiceError("ConflictException", f"ClientToken {token} was used with other parameters, for {arn}")
        return {"ModelPackageArn": arn}

    def describe(self, request: Request) -> Record:
        """DescribeModelPackage."""
        arn = self._package_arn(request.parameters["ModelPackageName"])
        self._account.authorize(request, arn)
        return self._package(arn)

    def update(self, request: Request) -> Record:
        """UpdateModelPackage: approval, its description, containers, customer metadata, model card, life cycle."""
        parameters = request.parameters
        arn = parameters["ModelPackageArn"]
        status = parameters.get("ModelApprovalStatus")
        metadata = parameters.get("CustomerMetadataProperties", {})
        removed = parameters.get("CustomerMetadataPropertiesToRemove", [])
        context = {
            "sagemaker:ModelApprovalStatus": status,
            "sagemaker:CustomerMetadataPropertiesToRemove": removed,
            **{f"sagemaker:CustomerMetadataProperties/{key}": value for key, value in metadata.items()},
        }
        self._account.authorize(request, arn, {key: value for key, value in context.items() if value})
        record = self._package(arn)
        for name in _UPDATED:
            if name in parameters:
                record[name] = parameters[name]
        kept = {**record.get("CustomerMetadataProperties", {}), **metadata}
        record["CustomerMetadataProperties"] = {key: kept[key] for key in kept if key not in removed} or None
        record["LastModifiedTime"] = now()
        self._emit(record)
        return {"ModelPackageArn": arn}

    def delete(self, request: Request) -> Record:
        """DeleteModelPackage; its version number is never given again."""
        arn = self._package_arn(request.parameters["ModelPackageName"])
        self._account.authorize(request, arn)
        with self._lock:
            self._package(arn)
            del self._packages[arn]
            self._tokens = {token: made for token, made in self._tokens.items() if made[1] != arn}
        self._account.drop_tags(arn)
        return {}

    def list_all(self, request: Request) -> Record:
        """ListModelPackages."""
        parameters = request.parameters
        group = parameters.get("ModelPackageGroupName")
        wanted = parameters.get("ModelApprovalStatus")
        found = list(self._packages.values())
        self._account.authorize(request, "*")
        if group:
            group = _name(group)
            self._group(group)
            found = [record for record in found if record["ModelPackageGroupName"] == group]
        elif parameters.get("ModelPackageType", "Unversioned") == "Unversioned":
            found = []
        if wanted:
            found = [record for record in found if record["ModelApprovalStatus"] == wanted]
        keys = {"Name": "ModelPackageArn", "CreationTime": "CreationTime"}
        chosen, token = page(
            found, parameters, sort_keys=keys, default_sort="CreationTime", name_field="ModelPackageArn"
        )
        summaries = [{field: record.get(field) for field in _SUMMARY} for record in chosen]
        return {"ModelPackageSummaryList": summaries, "NextToken": token}

    # -- inside -------------------------------------------------------------------------------------------------

    def _group(self, name: str) -> Record:
        if name not in self._groups:
            arn = self._account.arn("model-package-group", name)
            raise invalid(f"Model Package Group {arn} does not exist.")
        return self._groups[name]

    def _package(self, arn: str) -> Record:
        if arn not in self._packages:
            raise invalid(f"ModelPackage {arn} does not exist.")
        return self._packages[arn]

    def _package_arn(self, name: str) -> str:
        return name if name.startswith("arn:") else self._account.arn("model-package", name)

    def _emit(self, record: Record) -> None:
        self._account.event("SageMaker Model Package State Change", record["ModelPackageArn"], record, _EVENT_FIELDS)

    def find(self, arn: str) -> Record:
        """A package's record, for the services that take one by its ARN."""
        return self._package(arn)


def _name(name_or_arn: str) -> str:
    match = re.fullmatch(r"arn:[^:]+:sagemaker:[^:]*:\d*:model-package-group/(.+)", name_or_arn)
    return match.group(1) if match else name_or_arn
