"""What the emulator underneath would answer without doing the work is refused by name.

A list of what is vouched for, not of what is refused: a service that a new release adds stays refused.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .runtime import Handler, Response, Runtime

logger = logging.getLogger("mlops_local")

# Services of the emulator that do what they answer, or keep a control plane and say nothing else.
SERVICES = frozenset(
    [
        "athena",
        "cloudformation",
        "dynamodb",
        "dynamodbstreams",
        "ec2",
        "ecr",
        "events",
        "iam",
        "kinesis",
        "kms",
        "lambda",
        "logs",
        "monitoring",
        "s3",
        "scheduler",
        "secretsmanager",
        "sns",
        "sqs",
        "ssm",
        "states",
        "sts",
        "tagging",
    ]
)
# EC2 is here for networks. A machine would be a record that says it runs.
EC2_OPERATIONS = frozenset(
    {"RunInstances", "StartInstances", "CreateFleet", "RequestSpotInstances", "RequestSpotFleet", "CreateImage"}
)


class Vouched(dict[str, Any]):
    """Handlers by service; asking for another service gives a handler that refuses."""

    def get(self, name: str, default: Any = None) -> Any:
        """The handler of a service, or one that refuses it by name."""
        return super().get(name) or refusing(name, f"the local AWS does not run the service {name}")


def register(runtime: Runtime) -> None:
    """Takes away what nobody vouches for; must come after every other module."""
    from ministack import app

    ours = {name for name, handler in app.SERVICE_HANDLERS.items() if handler.__module__.startswith("mlops_local")}
    kept = {name: handler for name, handler in app.SERVICE_HANDLERS.items() if name in SERVICES | ours}
    kept["ec2"] = _networks_only(kept["ec2"])
    app.SERVICE_HANDLERS = Vouched(kept)


def refusing(service: str, message: str) -> Handler:
    """A handler that answers every request with an error in the service's own protocol."""

    async def handler(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        from ministack.core.iam_actions import access_denied_response

        logger.warning("refused: %s", message)
        _, answer_headers, answer = access_denied_response(
            service, "", "", "refused", error_code="NotImplementedException", message=message, headers=headers
        )
        return 400, answer_headers, answer  # not 5xx: clients retry those

    return handler


def _networks_only(original: Handler) -> Handler:
    from .iam.resources import parameters

    async def handler(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        action = str(parameters(headers, body, query).get("Action", ""))
        if action in EC2_OPERATIONS:
            refuse = refusing("ec2", f"the local AWS has networks, not machines: ec2:{action} is not supported")
            return await refuse(method, path, headers, body, query)
        return await original(method, path, headers, body, query)

    return handler
