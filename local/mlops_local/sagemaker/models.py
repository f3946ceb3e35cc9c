"""SageMaker models and endpoint configurations: what endpoints are made of."""

from __future__ import annotations

import threading
from typing import Any

from ..awsjson import Request
from .account import Account, Record, invalid, now, page, refuse_unsupported
from .registry import Registry

_MODEL_FIELDS = (
    "ModelName",
    "PrimaryContainer",
    "Containers",
    "ExecutionRoleArn",
    "VpcConfig",
    "EnableNetworkIsolation",
)
_CONFIG_FIELDS = ("EndpointConfigName", "ProductionVariants", "DataCaptureConfig", "KmsKeyId", "MetricsConfig")


class Named:
    """Resources of one kind by name: Describe, Delete and List, which are the same for models and configurations.

    Args:
        account: The SageMaker account.
        kind: Name of the kind in the API, for example `EndpointConfig`.
        title: Name of the kind in messages.
        resource: Name of the kind in ARNs.
    """

    def __init__(self, account: Account, kind: str, title: str, resource: str) -> None:
        self._account, self._kind, self._title, self._resource = account, kind, title, resource
        self._records: dict[str, Record] = {}
        self._lock = threading.Lock()

    def describe(self, request: Request) -> Record:
        """DescribeModel, DescribeEndpointConfig."""
        name = request.parameters[f"{self._kind}Name"]
        self._account.authorize(request, self._arn(name))
        return self.find(name)

    def delete(self, request: Request) -> Record:
        """DeleteModel, DeleteEndpointConfig; endpoints that run keep what they were made from."""
        name = request.parameters[f"{self._kind}Name"]
        self._account.authorize(request, self._arn(name))
        with self._lock:
            self.find(name)
            del self._records[name]
        self._account.drop_tags(self._arn(name))
        return {}

    def list_all(self, request: Request) -> Record:
        """ListModels, ListEndpointConfigs."""
        self._account.authorize(request, "*")
        name = f"{self._kind}Name"
        chosen, token = page(
            list(self._records.values()),
            request.parameters,
            sort_keys={"Name": name, "CreationTime": "CreationTime"},
            default_sort="CreationTime",
            name_field=name,
        )
        return {f"{self._kind}s": chosen, "NextToken": token}

    def find(self, name: str) -> Record:
        """The record of one resource.

        Raises:
            ServiceError: there is none.
        """
        if name not in self._records:
            raise invalid(f'Could not find {self._title} "{self._arn(name)}".')
        return self._records[name]

    def _add(self, name: str, record: Record, tags: list[Record]) -> None:
        with self._lock:
            if name in self._records:
                raise invalid(f'Cannot create already existing {self._title} "{self._arn(name)}".')
            self._records[name] = record
        self._account.add_tags(self._arn(name), tags)

    def _arn(self, name: str) -> str:
        return self._account.arn(self._resource, name)


class Models(Named):
    """CreateModel and its siblings."""

    def __init__(self, account: Account, registry: Registry) -> None:
        super().__init__(account, "Model", "model", "model")
        self._registry = registry

    def create(self, request: Request) -> Record:
        """CreateModel: from an image and a model archive, or from a model package."""
        parameters = request.parameters
        refuse_unsupported(parameters, (*_MODEL_FIELDS, "Tags"), "CreateModel")
        name = parameters["ModelName"]
        arn = self._account.arn("model", name)
        vpc = parameters.get("VpcConfig", {})
        context = {
            "sagemaker:NetworkIsolation": str(parameters.get("EnableNetworkIsolation", False)).lower(),
            **({"sagemaker:VpcSubnets": vpc["Subnets"]} if vpc else {}),
            **({"sagemaker:VpcSecurityGroupIds": vpc["SecurityGroupIds"]} if vpc else {}),
        }
        self._account.authorize_create(request, arn, context)
        if "ExecutionRoleArn" not in parameters:
            raise invalid("ExecutionRoleArn is required for a model the local AWS serves")
        self._account.role(request, parameters["ExecutionRoleArn"], arn)
        record = {field: parameters[field] for field in _MODEL_FIELDS if field in parameters}
        record.setdefault("EnableNetworkIsolation", False)
        record |= {"ModelArn": arn, "CreationTime": now(), "serves": self._container(parameters)}
        self._add(name, record, parameters.get("Tags", []))
        self._account.event("SageMaker Model State Change", arn, record, ("ModelName", "ModelArn", "CreationTime"))
        return {"ModelArn": arn}

    def _container(self, parameters: Record) -> Record:
        """What a server runs: image, archive and environment, resolved from the package when one is named."""
        given = parameters.get("Containers") or (
            [parameters["PrimaryContainer"]] if "PrimaryContainer" in parameters else []
        )
        if len(given) != 1:
            raise invalid(f"the local AWS serves models of one container, got {len(given)}")
        container: Record = dict(given[0])
        refuse_unsupported(
            container,
            (
                "Image",
                "ModelDataUrl",
                "ModelDataSource",
                "Environment",
                "ModelPackageName",
                "Mode",
                "ContainerHostname",
            ),
            "CreateModel's container",
        )
        if container.get("Mode", "SingleModel") != "SingleModel":
            raise invalid("the local AWS serves containers of Mode SingleModel only")
        environment = dict(container.get("Environment", {}))
        if package_arn := container.get("ModelPackageName"):
            package = self._registry.find(package_arn)
            if package["ModelApprovalStatus"] == "Rejected":
                raise invalid(f"Model package {package_arn} is rejected and can't be used for a model")
            container = dict(package["InferenceSpecification"]["Containers"][0])
            environment = {**container.get("Environment", {}), **environment}
        if not container.get("Image"):
            raise invalid("the container needs an Image or a ModelPackageName")
        return {"Image": container["Image"], "ModelDataUrl": _archive(container), "Environment": environment}


def _archive(container: Record) -> str | None:
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source is None:
        url: str | None = container.get("ModelDataUrl")
        return url
    if source.get("CompressionType") != "Gzip" or source.get("S3DataType") != "S3Object":
        raise invalid("the local AWS reads ModelDataSource of S3Object and Gzip only")
    uri: str = source["S3Uri"]
    return uri


class EndpointConfigs(Named):
    """CreateEndpointConfig and its siblings."""

    def __init__(self, account: Account, models: Models) -> None:
        super().__init__(account, "EndpointConfig", "endpoint configuration", "endpoint-config")
        self._models = models

    def create(self, request: Request) -> Record:
        """CreateEndpointConfig."""
        parameters = request.parameters
        refuse_unsupported(parameters, (*_CONFIG_FIELDS, "Tags"), "CreateEndpointConfig")
        name = parameters["EndpointConfigName"]
        arn = self._account.arn("endpoint-config", name)
        variants = parameters["ProductionVariants"]
        self._account.authorize_create(request, arn, _config_context(parameters))
        names = [variant["VariantName"] for variant in variants]
        if len(set(names)) != len(names):
            raise invalid(f"VariantName must be unique in an endpoint configuration, got {names}")
        for variant in variants:
            if "ServerlessConfig" in variant or "ModelName" not in variant:
                raise invalid(f"variant {variant['VariantName']}: the local AWS serves instance-based models only")
            if variant.get("InitialInstanceCount", 0) < 1:
                raise invalid(f"variant {variant['VariantName']} needs an InitialInstanceCount of at least 1")
            self._models.find(variant["ModelName"])
        record = {field: parameters[field] for field in _CONFIG_FIELDS if field in parameters}
        record["ProductionVariants"] = [{"InitialVariantWeight": 1.0, **variant} for variant in variants]
        record |= {"EndpointConfigArn": arn, "CreationTime": now(), "EnableNetworkIsolation": False}
        self._add(name, record, parameters.get("Tags", []))
        return {"EndpointConfigArn": arn}


def _config_context(parameters: Record) -> dict[str, Any]:
    variants = parameters["ProductionVariants"]
    context: dict[str, Any] = {
        "sagemaker:InstanceTypes": [variant["InstanceType"] for variant in variants if "InstanceType" in variant],
        "sagemaker:ModelArn": [variant["ModelName"] for variant in variants if "ModelName" in variant],
    }
    if "KmsKeyId" in parameters:
        context["sagemaker:VolumeKmsKey"] = parameters["KmsKeyId"]
    return context
