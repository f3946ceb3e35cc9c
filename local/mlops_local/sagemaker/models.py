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


class Models:
    """CreateModel and its siblings."""

    def __init__(self, account: Account, registry: Registry) -> None:
        self._account, self._registry = account, registry
        self._records: dict[str, Record] = {}
        self._lock = threading.Lock()

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
        with self._lock:
            if name in self._records:
                raise invalid(f'Cannot create already existing model "{arn}".')
            self._records[name] = record
        self._account.add_tags(arn, parameters.get("Tags", []))
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

    def describe(self, request: Request) -> Record:
        """DescribeModel."""
        name = request.parameters["ModelName"]
        self._account.authorize(request, self._account.arn("model", name))
        return self.find(name)

    def delete(self, request: Request) -> Record:
        """DeleteModel."""
        name = request.parameters["ModelName"]
        arn = self._account.arn("model", name)
        self._account.authorize(request, arn)
        with self._lock:
            self.find(name)
            del self._records[name]
        self._account.drop_tags(arn)
        return {}

    def list_all(self, request: Request) -> Record:
        """ListModels."""
        self._account.authorize(request, "*")
        keys = {"Name": "ModelName", "CreationTime": "CreationTime"}
        chosen, token = page(
            list(self._records.values()),
            request.parameters,
            sort_keys=keys,
            default_sort="CreationTime",
            name_field="ModelName",
        )
        return {"Models": chosen, "NextToken": token}

    def find(self, name: str) -> Record:
        """A model's record.

        Raises:
            ServiceError: no such model.
        """
        if name not in self._records:
            raise invalid(f'Could not find model "{self._account.arn("model", name)}".')
        return self._records[name]


def _archive(container: Record) -> str | None:
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source is None:
        url: str | None = container.get("ModelDataUrl")
        return url
    if source.get("CompressionType") != "Gzip" or source.get("S3DataType") != "S3Object":
        raise invalid("the local AWS reads ModelDataSource of S3Object and Gzip only")
    uri: str = source["S3Uri"]
    return uri


class EndpointConfigs:
    """CreateEndpointConfig and its siblings."""

    def __init__(self, account: Account, models: Models) -> None:
        self._account, self._models = account, models
        self._records: dict[str, Record] = {}
        self._lock = threading.Lock()

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
        with self._lock:
            if name in self._records:
                raise invalid(f'Cannot create already existing endpoint configuration "{arn}".')
            self._records[name] = record
        self._account.add_tags(arn, parameters.get("Tags", []))
        return {"EndpointConfigArn": arn}

    def describe(self, request: Request) -> Record:
        """DescribeEndpointConfig."""
        name = request.parameters["EndpointConfigName"]
        self._account.authorize(request, self._account.arn("endpoint-config", name))
        return self.find(name)

    def delete(self, request: Request) -> Record:
        """DeleteEndpointConfig; endpoints that run keep what they were made from."""
        name = request.parameters["EndpointConfigName"]
        arn = self._account.arn("endpoint-config", name)
        self._account.authorize(request, arn)
        with self._lock:
            self.find(name)
            del self._records[name]
        self._account.drop_tags(arn)
        return {}

    def list_all(self, request: Request) -> Record:
        """ListEndpointConfigs."""
        self._account.authorize(request, "*")
        keys = {"Name": "EndpointConfigName", "CreationTime": "CreationTime"}
        chosen, token = page(
            list(self._records.values()),
            request.parameters,
            sort_keys=keys,
            default_sort="CreationTime",
            name_field="EndpointConfigName",
        )
        return {"EndpointConfigs": chosen, "NextToken": token}

    def find(self, name: str) -> Record:
        """A configuration's record.

        Raises:
            ServiceError: no such configuration.
        """
        if name not in self._records:
            arn = self._account.arn("endpoint-config", name)
            raise invalid(f'Could not find endpoint configuration "{arn}".')
        return self._records[name]


def _config_context(parameters: Record) -> dict[str, Any]:
    variants = parameters["ProductionVariants"]
    context: dict[str, Any] = {
        "sagemaker:InstanceTypes": [variant["InstanceType"] for variant in variants if "InstanceType" in variant],
        "sagemaker:ModelArn": [variant["ModelName"] for variant in variants if "ModelName" in variant],
    }
    if "KmsKeyId" in parameters:
        context["sagemaker:VolumeKmsKey"] = parameters["KmsKeyId"]
    return context
