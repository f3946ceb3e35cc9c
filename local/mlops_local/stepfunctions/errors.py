"""Names of task errors, as Step Functions gives them for SDK and optimized integrations."""

from __future__ import annotations

import re

# The SDK for Java 1 names of what a service did not model: optimized integrations still show these.
_OPTIMIZED_GENERIC = {
    "lambda": "Lambda.AWSLambdaException",
    "sagemaker": "SageMaker.AmazonSageMakerException",
    "glue": "Glue.AWSGlueException",
    "sqs": "SQS.AmazonSQSException",
    "sns": "SNS.AmazonSNSException",
    "dynamodb": "DynamoDB.AmazonDynamoDBException",
    "events": "EventBridge.AmazonEventBridgeException",
    "states": "StepFunctions.AWSStepFunctionsException",
}
_WORD = re.compile(r"[A-Z]+[0-9]+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+[0-9]*|[0-9]+")


class TaskError(Exception):
    """A task failed with an error name and a cause."""

    def __init__(self, error: str, cause: str) -> None:
        self.error, self.cause = error, cause
        super().__init__(f"{error}: {cause}")


def sdk_prefix(service_id: str) -> str:
    """The service's part of an SDK integration's error: `SageMaker`, `Ssm`, `DynamoDb`, `Sfn`.

    Args:
        service_id: As in the service's model, for example `Application Auto Scaling`.
    """
    return "".join(word[0].upper() + word[1:].lower() for word in _WORD.findall(service_id))


def sdk_error(service_id: str, code: str, modelled: frozenset[str]) -> str:
    """The error name of an `aws-sdk:` integration: the exception class of the SDK for Java 2.

    Args:
        service_id: As in the service's model.
        code: The code the service answered with.
        modelled: Names of the operation's modelled errors; other codes become `<Service>.<Service>Exception`.
    """
    prefix = sdk_prefix(service_id)
    name = code.rpartition(".")[2]
    known = next((error for error in modelled if error in (name, name + "Exception")), None)
    if known is None:
        return f"{prefix}.{prefix}Exception"
    name = known.removesuffix("Fault") if known.endswith("Fault") else known
    return f"{prefix}.{name if name.endswith('Exception') else name + 'Exception'}"


def optimized_error(service: str, code: str, modelled: frozenset[str]) -> str:
    """The error name of an optimized integration, for example `SageMaker.ResourceInUseException`."""
    generic = _OPTIMIZED_GENERIC[service]
    name = code.rpartition(".")[2]
    known = next((error for error in modelled if error in (name, name + "Exception")), None)
    if known is None:
        return generic
    return f"{generic.partition('.')[0]}.{known if known.endswith('Exception') else known + 'Exception'}"
