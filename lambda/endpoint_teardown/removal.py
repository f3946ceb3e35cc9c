"""Removing an endpoint and everything the deploy workflow made for it. Doing it twice is no error."""

from __future__ import annotations

import re
import time
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from mlops_runtime import aws
from mlops_runtime.errors import TeardownFailed
from mlops_runtime.observability import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from endpoint_teardown.settings import Settings

POLL_SECONDS = 5
_GONE = "ValidationException"


def remove_all(config: Settings, *, deadline: float) -> None:
    """Remove scaling targets, endpoint, configurations, models and, unless retained, model package versions.

    Args:
        config: What to remove.
        deadline: `time.monotonic()` value at which to give up waiting for the endpoint.

    Raises:
        TeardownFailed: The endpoint is still there at the deadline.
    """
    _remove_scaling(config.endpoint)
    _remove_endpoint(config.endpoint, deadline)
    client = aws.sagemaker()
    # `<endpoint>-v<version>-<execution>`: another environment's name may begin with ours.
    ours = re.compile(rf"{re.escape(config.endpoint)}-v\d+-")
    for page in client.get_paginator("list_endpoint_configs").paginate(NameContains=config.endpoint):
        for item in page["EndpointConfigs"]:
            if ours.match(name := item["EndpointConfigName"]):
                _unless_gone(partial(client.delete_endpoint_config, EndpointConfigName=name))
    for models in client.get_paginator("list_models").paginate(NameContains=config.endpoint):
        for model in models["Models"]:
            if ours.match(name := model["ModelName"]):
                _unless_gone(partial(client.delete_model, ModelName=name))
    if not config.retain_models:
        _remove_versions(config.model_package_group)


def _remove_scaling(endpoint: str) -> None:
    client = aws.application_autoscaling()
    pages = client.get_paginator("describe_scalable_targets").paginate(ServiceNamespace="sagemaker")
    targets = [target for page in pages for target in page["ScalableTargets"]]
    for target in targets:
        if target["ResourceId"].startswith(f"endpoint/{endpoint}/"):
            logger.info("deregistering", extra={"target": target["ResourceId"]})
            client.deregister_scalable_target(
                ServiceNamespace="sagemaker",
                ResourceId=target["ResourceId"],
                ScalableDimension=target["ScalableDimension"],
            )


def _remove_endpoint(endpoint: str, deadline: float) -> None:
    client = aws.sagemaker()
    _unless_gone(partial(client.delete_endpoint, EndpointName=endpoint))
    while _exists(endpoint):
        if time.monotonic() >= deadline:
            raise TeardownFailed(f"endpoint {endpoint} is still being deleted: delete the stack again in a few minutes")
        time.sleep(POLL_SECONDS)


def _exists(endpoint: str) -> bool:
    try:
        aws.sagemaker().describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if _is_gone(error):
            return False
        raise
    return True


def _remove_versions(group: str) -> None:
    client = aws.sagemaker()
    pages = client.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, ModelPackageType="Versioned"
    )
    arns = [item["ModelPackageArn"] for page in pages for item in page["ModelPackageSummaryList"]]
    for arn in arns:
        _unless_gone(partial(client.delete_model_package, ModelPackageName=arn))


def _unless_gone(call: Callable[[], object]) -> None:
    try:
        call()
    except ClientError as error:
        if not _is_gone(error):
            raise


def _is_gone(error: ClientError) -> bool:
    """SageMaker has no not-found code: it says ValidationException and `Could not find`."""
    return aws.error_code(error) == _GONE and "could not find" in str(error).lower()
