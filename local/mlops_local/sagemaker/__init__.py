"""The local SageMaker: jobs, registry and endpoints as child processes of the images; see docs/local-aws.md."""

from __future__ import annotations

from typing import Any

from ..awsjson import JsonService, Operation
from ..runtime import Response, Runtime
from . import cloudformation
from .account import Account
from .endpoints import Endpoints
from .invocation import Invocations
from .models import EndpointConfigs, Models
from .processing import ProcessingJobs
from .registry import Registry
from .training import TrainingJobs

__all__ = ["register"]

_INVOCATION_THREADS = 48


def register(runtime: Runtime) -> None:
    """Serves SageMaker and SageMaker Runtime, and registers the CloudFormation types."""
    account = Account(runtime)
    registry = Registry(account)
    models = Models(account, registry)
    configs = EndpointConfigs(account, models)
    endpoints = Endpoints(account, models, configs)
    invocations = Invocations(account, endpoints)
    operations = {**_jobs(account), **_registry(registry), **_hosting(models, configs, endpoints)}
    operations |= dict.fromkeys(("AddTags", "DeleteTags", "ListTags"), account.tag_operation)
    service = JsonService(runtime, "sagemaker", operations)
    data_plane = JsonService(runtime, "sagemaker-runtime", {}, threads=_INVOCATION_THREADS)

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        if method == "POST" and invocations.matches(path):
            return await data_plane.off_loop(invocations.invoke, path, headers, body)
        invocations.refuse_others(path)
        return await service.handle(method, path, headers, body, query)

    runtime.register_service("sagemaker", handle)
    cloudformation.register(runtime)


def _jobs(account: Account) -> dict[str, Operation]:
    training, processing = TrainingJobs(account), ProcessingJobs(account)
    return {
        "CreateTrainingJob": training.create,
        "DescribeTrainingJob": training.jobs.describe,
        "StopTrainingJob": training.jobs.stop,
        "ListTrainingJobs": training.jobs.list_all,
        "CreateProcessingJob": processing.create,
        "DescribeProcessingJob": processing.jobs.describe,
        "StopProcessingJob": processing.jobs.stop,
        "ListProcessingJobs": processing.jobs.list_all,
    }


def _registry(registry: Registry) -> dict[str, Operation]:
    return {
        "CreateModelPackageGroup": registry.create_group,
        "DescribeModelPackageGroup": registry.describe_group,
        "DeleteModelPackageGroup": registry.delete_group,
        "ListModelPackageGroups": registry.list_groups,
        "CreateModelPackage": registry.create,
        "DescribeModelPackage": registry.describe,
        "UpdateModelPackage": registry.update,
        "DeleteModelPackage": registry.delete,
        "ListModelPackages": registry.list_all,
    }


def _hosting(models: Models, configs: EndpointConfigs, endpoints: Endpoints) -> dict[str, Operation]:
    return {
        "CreateModel": models.create,
        "DescribeModel": models.describe,
        "DeleteModel": models.delete,
        "ListModels": models.list_all,
        "CreateEndpointConfig": configs.create,
        "DescribeEndpointConfig": configs.describe,
        "DeleteEndpointConfig": configs.delete,
        "ListEndpointConfigs": configs.list_all,
        "CreateEndpoint": endpoints.create,
        "UpdateEndpoint": endpoints.update,
        "UpdateEndpointWeightsAndCapacities": endpoints.update_weights,
        "DescribeEndpoint": endpoints.describe,
        "DeleteEndpoint": endpoints.delete,
        "ListEndpoints": endpoints.list_all,
    }
