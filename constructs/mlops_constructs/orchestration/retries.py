"""Retry rules of tasks: for what is transient, never for what the caller did wrong.

Names of the service errors are of https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html.
"""

from __future__ import annotations

from typing import TypeAlias

Retry: TypeAlias = "dict[str, str | int | list[str]]"


def _retry(*errors: str, interval: int = 2, attempts: int = 5, max_delay: int = 60) -> Retry:
    """Retry rule: exponential back-off with full jitter, so retries of parallel executions do not march in step."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": interval,
        "MaxAttempts": attempts,
        "BackoffRate": 2,
        "MaxDelaySeconds": max_delay,
        "JitterStrategy": "FULL",
    }


LAMBDA_TRANSIENT: tuple[Retry, ...] = (
    _retry(
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
        "Lambda.ClientExecutionTimeoutException",
        # Errors that our own functions declare transient (mlops_runtime.errors).
        "Transient",
        "EventNotDelivered",
        "EndpointUnavailable",
        "GateContended",
    ),
)
# The optimized SageMaker integration reports throttling under the service's base exception; three attempts keep the
# price of a request that can never succeed at a few seconds. A full account quota frees up in minutes, not seconds.
SAGEMAKER_TRANSIENT: tuple[Retry, ...] = (
    _retry("SageMaker.AmazonSageMakerException", "SageMaker.SdkClientException", attempts=3),
    _retry("SageMaker.ResourceLimitExceededException", interval=60, attempts=10, max_delay=600),
)
# Of a job only so many runs go on at once, and the files of a backfill wait here for theirs: 6 hours on average, well
# within the day after which a workflow is stopped. The pauses begin short, so a few files too many wait a minute.
GLUE_TRANSIENT: tuple[Retry, ...] = (
    _retry("Glue.InternalServiceException", "Glue.OperationTimeoutException", "Glue.SdkClientException"),
    _retry("Glue.ConcurrentRunsExceededException", interval=15, attempts=30, max_delay=1800),
)
EVENTS_TRANSIENT: tuple[Retry, ...] = (_retry("EventBridge.InternalException", "EventBridge.SdkClientException"),)


def sdk_transient(service: str) -> tuple[Retry, ...]:
    """Retry rules of an `aws-sdk:` integration: throttling and server-side errors, nothing the caller did wrong.

    Args:
        service: The service's prefix in error names, for example `SageMaker`, `S3`, `Ssm`, `Glue`.
    """
    names = (
        "ThrottlingException",
        "TooManyRequestsException",
        "ServiceUnavailableException",
        "InternalServerException",
        "InternalServiceException",
        "InternalServerErrorException",
        "SlowDownException",
        "SdkClientException",
    )
    return (_retry(*(f"{service}.{name}" for name in names)),)
