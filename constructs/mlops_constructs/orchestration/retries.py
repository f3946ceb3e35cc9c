"""Retry rules of tasks: for what is transient, never for what the caller did wrong.

Names of the service errors are of https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    # Lambda takes the network interfaces of a function away that nobody called for weeks; the call that finds out is
    # refused, and it takes up to a minute and a half until the function has new ones. 3 minutes on average.
    _retry(
        "Lambda.ResourceNotReadyException",
        "Lambda.ENINotReadyException",
        "Lambda.ResourceConflictException",
        "Lambda.EC2ThrottledException",
        "Lambda.EC2UnexpectedException",
        interval=15,
        attempts=8,
    ),
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
# What a service has no error of its own for arrives under the name of its base exception: throttling and trouble on the
# server's side, and a request that can never succeed as well. Only the cause's text tells them apart, and Retry knows
# names alone. So these names are retried, but briefly: what is wrong for good is told after 14 seconds at most.
_BRIEFLY = 3

SAGEMAKER_TRANSIENT: tuple[Retry, ...] = (
    _retry("SageMaker.AmazonSageMakerException", "SageMaker.SdkClientException", attempts=_BRIEFLY),
    # A full account quota frees up in minutes, not seconds.
    _retry("SageMaker.ResourceLimitExceededException", interval=60, attempts=10, max_delay=600),
)
# Of a job only so many runs go on at once, and so many of all jobs of an account: the files of a backfill wait here for
# theirs, 6 hours on average, well within the day after which a workflow is stopped. The pauses begin short, so a few
# files too many wait a minute.
GLUE_TRANSIENT: tuple[Retry, ...] = (
    _retry("Glue.AWSGlueException", attempts=_BRIEFLY),
    _retry(
        "Glue.InternalServiceException",
        "Glue.OperationTimeoutException",
        "Glue.SdkClientException",
    ),
    _retry(
        "Glue.ConcurrentRunsExceededException",
        "Glue.ResourceNumberLimitExceededException",
        interval=15,
        attempts=30,
        max_delay=1800,
    ),
)
# Errors of the operations we call that services do name, and that may be gone at the next attempt.
_NAMED: Mapping[str, tuple[str, ...]] = {
    "ApplicationAutoScaling": ("ConcurrentUpdateException", "InternalServiceException"),
    "Glue": ("InternalServiceException", "OperationTimeoutException"),
    "SageMaker": ("ConflictException",),
    "Ssm": ("InternalServerErrorException", "TooManyUpdatesException"),
}


def sdk_transient(service: str) -> tuple[Retry, ...]:
    """Retry rules of an `aws-sdk:` integration: throttling and server-side errors.

    SageMaker, S3 and Systems Manager name neither "slow down" nor most of their own trouble: both arrive as
    `<service>.<service>Exception`, which wrong requests share (see the comment on `_BRIEFLY`).

    Args:
        service: The service's prefix in error names, for example `SageMaker`, `S3`, `Ssm`, `Glue`.
    """
    named = ("SdkClientException", *_NAMED.get(service, ()))
    return (
        _retry(*(f"{service}.{name}" for name in named)),
        _retry(f"{service}.{service}Exception", attempts=_BRIEFLY),
    )
