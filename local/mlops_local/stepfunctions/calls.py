"""One call to a service for a Task: validated by botocore, made as the role, errors named as the service would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

from . import shapes
from .errors import TaskError, optimized_error, sdk_error

if TYPE_CHECKING:
    import boto3

    from ..runtime import Runtime

# Service names of Step Functions that are not the boto3 name without hyphens.
_SDK_NAMES = {
    "sfn": "stepfunctions",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "costexplorer": "ce",
    "elasticloadbalancingv2": "elbv2",
}


@dataclass(frozen=True)
class Caller:
    """Who makes a call.

    Args:
        runtime: The local AWS.
        session: Credentials of the state machine's role.
    """

    runtime: Runtime
    session: boto3.Session

    def call(self, service: str, operation: str, arguments: Any, *, optimized: str = "") -> dict[str, Any]:
        """Makes the call and returns the response with PascalCase members.

        Args:
            service: boto3 name.
            operation: In the spelling of the state machine, for example `describeModelPackage`.
            arguments: The Task's arguments, PascalCase members.
            optimized: Name of the optimized integration, for its error names; SDK names otherwise.

        Raises:
            TaskError: with the name a Retry or Catch of the real service would see.
        """
        client = self.runtime.client(service, self.session)
        model = client.meta.service_model
        name = operation[:1].upper() + operation[1:]
        where = f"{service}:{operation}"
        if name not in model.operation_names:
            raise TaskError("States.Runtime", f"the service {service} has no operation {operation}")
        shape = model.operation_model(name)
        request = shapes.to_request(shape.input_shape, arguments or {}, where) if shape.input_shape else {}
        if service == "s3" and isinstance(request.get("CopySource"), str):
            request["CopySource"] = unquote(request["CopySource"])  # boto3 encodes it, workflows write it encoded
        try:
            answer = getattr(client, xform_name(name))(**request)
        except ParamValidationError as error:
            raise TaskError("States.Runtime", f"{where}: {error}") from None
        except ClientError as error:
            code, cause = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
            modelled = frozenset(
                str(candidate) for item in shape.error_shapes for candidate in (item.name, item.error_code)
            )
            failure = (
                optimized_error(optimized, code, modelled)
                if optimized
                else sdk_error(model.metadata.get("serviceId", service), code, modelled)
            )
            raise TaskError(failure, f"{cause} (Service: {service}, Code: {code})") from None
        result: dict[str, Any] = shapes.pascal_result(shape.output_shape, answer) if shape.output_shape else {}
        return result


def boto3_name(sdk_name: str, available: list[str]) -> str:
    """The boto3 name of a service as `aws-sdk:` integrations spell it, for example `cloudwatchlogs`.

    Raises:
        TaskError: no such service.
    """
    if sdk_name in _SDK_NAMES:
        return _SDK_NAMES[sdk_name]
    for name in available:
        if name.replace("-", "") == sdk_name:
            return name
    raise TaskError("States.Runtime", f"aws-sdk:{sdk_name} is not a service boto3 knows")
