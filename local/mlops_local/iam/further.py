"""What a request needs besides the permission for its own operation: for every name it gives, and to pass a role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import AccessDenied
from . import resources

if TYPE_CHECKING:
    from ..runtime import Handler, Response, Runtime


SERVICES = (
    "athena",
    "cloudformation",
    "ec2",
    "ecr",
    "events",
    "lambda",
    "logs",
    "monitoring",
    "scheduler",
    "ssm",
    "states",
)
# Operations that hand a role to a service: where the role is in the parameters, and which service gets it.
# Those of SageMaker and Glue ask by themselves.
PASSING: dict[str, tuple[str, str]] = {
    "cloudformation:CreateChangeSet": ("RoleARN", "cloudformation.amazonaws.com"),
    "cloudformation:CreateStack": ("RoleARN", "cloudformation.amazonaws.com"),
    "cloudformation:DeleteStack": ("RoleARN", "cloudformation.amazonaws.com"),
    "cloudformation:UpdateStack": ("RoleARN", "cloudformation.amazonaws.com"),
    "ec2:CreateFlowLogs": ("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),
    "events:PutRule": ("RoleArn", "events.amazonaws.com"),
    "events:PutTargets": ("Targets.RoleArn", "events.amazonaws.com"),
    "lambda:CreateFunction": ("Role", "lambda.amazonaws.com"),
    "lambda:UpdateFunctionConfiguration": ("Role", "lambda.amazonaws.com"),
    "logs:PutDestination": ("roleArn", "logs.amazonaws.com"),
    "logs:PutSubscriptionFilter": ("roleArn", "logs.amazonaws.com"),
    "scheduler:CreateSchedule": ("Target.RoleArn", "scheduler.amazonaws.com"),
    "scheduler:UpdateSchedule": ("Target.RoleArn", "scheduler.amazonaws.com"),
    "states:CreateStateMachine": ("roleArn", "states.amazonaws.com"),
    "states:UpdateStateMachine": ("roleArn", "states.amazonaws.com"),
}
# Operations that name several resources; the emulator asks for the first.
SEVERAL = frozenset(
    {
        "athena:BatchGetQueryExecution",
        "cloudwatch:DeleteAlarms",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:DisableAlarmActions",
        "cloudwatch:EnableAlarmActions",
        "ecr:DescribeRepositories",
        "logs:StartQuery",
        "ssm:DeleteParameters",
        "ssm:GetParameters",
    }
)


def register(runtime: Runtime) -> None:
    """Puts the checks in front of the services; must come after every module that replaces one of their handlers."""
    from ministack import app

    for service in SERVICES:
        app.SERVICE_HANDLERS[service] = _guarded(runtime, service, app.SERVICE_HANDLERS[service])


def _guarded(runtime: Runtime, service: str, original: Handler) -> Handler:
    from ministack.core.iam_actions import access_denied_response, extract_iam_action

    async def handler(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        action = extract_iam_action(service, method, path, headers, body, query)
        if action in PASSING or action in SEVERAL:
            given = resources.parameters(headers, body, query)
            try:
                if action in PASSING:
                    where, principal = PASSING[action]
                    for role in _at(given, where.split(".")):
                        runtime.pass_role(headers, role, principal)
                else:
                    for arn in resources.of_request(runtime, service, path, headers, body, query)[1:]:
                        runtime.authorize(headers, action, arn)
            except AccessDenied as denied:
                refusal: Response = access_denied_response(
                    service,
                    denied.action,
                    denied.principal,
                    "",
                    message=denied.message,
                    headers=headers,
                    resource_arn=denied.resource,
                    explicit_deny=denied.explicit,
                )
                return refusal
        return await original(method, path, headers, body, query)

    return handler


def _at(value: Any, path: list[str]) -> Iterator[str]:
    """Every text at a path of member names; lists on the way are gone through."""
    if isinstance(value, list):
        for item in value:
            yield from _at(item, path)
    elif not path:
        if isinstance(value, str) and value:
            yield value
    elif isinstance(value, dict):
        yield from _at(value.get(path[0]), path[1:])
