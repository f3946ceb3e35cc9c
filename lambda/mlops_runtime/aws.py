"""AWS clients, made on first use and kept for the life of the execution environment.

boto3 is imported inside the functions: it is the largest part of a cold start, and a function that answers
without AWS should not pay for it.
"""

# ruff: noqa: D103 -- each function's name and return type say everything.

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_inspector2 import Inspector2Client
    from mypy_boto3_macie2 import Macie2Client
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

INVOKE_TIMEOUT_SECONDS = 60
_CONNECT_TIMEOUT_SECONDS = 3
_READ_TIMEOUT_SECONDS = 20


@cache
def _session() -> boto3.Session:
    import boto3

    return boto3.Session()


@cache
def _config(read_timeout: int = _READ_TIMEOUT_SECONDS) -> Config:
    from botocore.config import Config

    return Config(
        connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": 4},
    )


@cache
def s3() -> S3Client:
    return _session().client("s3", config=_config())


@cache
def dynamodb() -> DynamoDBClient:
    return _session().client("dynamodb", config=_config())


@cache
def events() -> EventBridgeClient:
    return _session().client("events", config=_config())


@cache
def ssm() -> SSMClient:
    return _session().client("ssm", config=_config())


@cache
def stepfunctions() -> SFNClient:
    return _session().client("stepfunctions", config=_config())


@cache
def glue() -> GlueClient:
    return _session().client("glue", config=_config())


@cache
def cloudwatch() -> CloudWatchClient:
    return _session().client("cloudwatch", config=_config())


@cache
def sagemaker() -> SageMakerClient:
    return _session().client("sagemaker", config=_config())


@cache
def sagemaker_runtime() -> SageMakerRuntimeClient:
    return _session().client("sagemaker-runtime", config=_config(INVOKE_TIMEOUT_SECONDS))


@cache
def application_autoscaling() -> ApplicationAutoScalingClient:
    return _session().client("application-autoscaling", config=_config())


def error_code(error: Exception) -> str:
    """The AWS error code of a botocore ClientError, or an empty text for any other error."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


@cache
def inspector2() -> Inspector2Client:
    return _session().client("inspector2", config=_config())


@cache
def macie2() -> Macie2Client:
    return _session().client("macie2", config=_config())
