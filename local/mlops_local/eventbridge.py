"""EventBridge and Scheduler targets: delivered with the target's role or the resource's policy, else to the DLQ."""

from __future__ import annotations

import contextvars
import json
import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from .errors import AccessDenied, LocalAwsError
from .iam.enforcement import resource_policy_allows
from .patches import replace

if TYPE_CHECKING:
    from .runtime import Runtime

logger = logging.getLogger("mlops_local")

MODULE = "ministack.services.eventbridge"
_ATTEMPTS = 3
_RETRIED = ("Throttling", "TooManyRequests", "ServiceUnavailable", "InternalFailure", "InternalError")


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one target.

    Args:
        target: As in PutTargets or CreateSchedule.
        source_arn: ARN of the rule or schedule.
        principal: `events.amazonaws.com` or `scheduler.amazonaws.com`.
        event_id: Names the execution a state machine target gets.
    """

    target: dict[str, Any]
    source_arn: str
    principal: str
    event_id: str


_current: contextvars.ContextVar[Delivery] = contextvars.ContextVar("mlops_local_delivery")


def register(runtime: Runtime) -> None:
    """Replaces the emulator's dispatch, which asks for no permission and drops what fails."""
    deliveries = Deliveries(runtime)

    def invoking(original: Any) -> Any:
        def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
            scheduled = event.get("Source") == "aws.scheduler"
            principal = "scheduler.amazonaws.com" if scheduled else "events.amazonaws.com"
            delivery = Delivery(target, rule.get("Arn", ""), principal, event.get("EventId", ""))
            token = _current.set(delivery)
            try:
                original(target, event, rule, view)
            finally:
                _current.reset(token)

        return invoke

    replace(MODULE, "_invoke_target", invoking)
    replace(MODULE, "_dispatch_to_stepfunctions", lambda _: deliveries.to_state_machine)
    replace(MODULE, "_dispatch_to_lambda", lambda _: deliveries.to_function)
    replace(MODULE, "_dispatch_to_sqs", lambda _: deliveries.to_queue)
    replace(MODULE, "_dispatch_to_sns", lambda _: deliveries.to_topic)
    replace(MODULE, "_dispatch_to_event_bus", deliveries.to_bus)


class Deliveries:
    """Delivers in the background; a failed delivery goes to the target's dead-letter queue with its reason."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._pool = ThreadPoolExecutor(max_workers=32, thread_name_prefix="delivery")

    def to_state_machine(self, arn: str, payload: str) -> None:
        """Starts an execution with the target's role (`states:StartExecution`)."""
        delivery = _current.get()

        def send() -> None:
            name = f"{delivery.event_id}_{uuid.uuid4()}"[:80]
            states = self._client("stepfunctions", delivery)
            states.start_execution(stateMachineArn=arn, name=name, input=payload)

        self._deliver(delivery, payload, send)

    def to_function(self, arn: str, payload: str) -> None:
        """Invokes asynchronously: by role for schedules, by the function's own policy for rules."""
        delivery = _current.get()

        def send() -> None:
            client = self._client("lambda", delivery, "lambda:InvokeFunction", arn)
            client.invoke(FunctionName=arn, InvocationType="Event", Payload=payload.encode())

        self._deliver(delivery, payload, send)

    def to_queue(self, spec: Any, payload: str, parameters: dict[str, Any] | None = None) -> None:
        """Sends a message: by role for schedules, by the queue's own policy for rules."""
        delivery, arn = _current.get(), str(spec)

        def send() -> None:
            client = self._client("sqs", delivery, "sqs:SendMessage", arn)
            options = {key: value for key, value in (parameters or {}).items() if value}
            client.send_message(QueueUrl=self._queue_url(arn), MessageBody=payload, **options)

        self._deliver(delivery, payload, send)

    def to_topic(self, arn: str, payload: str) -> None:
        """Publishes: by role for schedules, by the topic's own policy for rules."""
        delivery = _current.get()

        def send() -> None:
            client = self._client("sns", delivery, "sns:Publish", arn)
            client.publish(TopicArn=arn, Message=payload)

        self._deliver(delivery, payload, send)

    def to_bus(self, original: Callable[..., None]) -> Callable[..., None]:
        """Forwards to a bus of the account; a role on the target needs `events:PutEvents`."""

        def forward(spec: Any, event: Any, rule: Any, path: Any, payload: str | None = None) -> None:
            delivery = _current.get()
            role = delivery.target.get("RoleArn")

            def send() -> None:
                if role:
                    headers = self._headers(delivery)
                    self._runtime.authorize(headers, "events:PutEvents", str(spec))
                original(spec, event, rule, path, payload)

            self._deliver(delivery, payload or json.dumps(event, default=str), send)

        return forward

    def _client(self, service: str, delivery: Delivery, action: str = "", arn: str = "") -> Any:
        role = delivery.target.get("RoleArn")
        if role:
            session = self._runtime.session_for_role(
                role, delivery.principal, delivery.event_id or "delivery", source_arn=delivery.source_arn
            )
            return self._runtime.client(service, session)
        if not action:
            raise AccessDenied(delivery.principal, f"{service}:*", arn, message="the target has no RoleArn")
        self._require_policy(service, action, arn, delivery)
        return self._runtime.client(service)

    def _require_policy(self, service: str, action: str, arn: str, delivery: Delivery) -> None:
        account = self._runtime.account
        if not resource_policy_allows(service, action, arn, delivery.principal, delivery.source_arn, account):
            raise AccessDenied(
                delivery.principal,
                action,
                arn,
                message=f"the policy of {arn} does not let {delivery.principal} do {action} for {delivery.source_arn}",
            )
        context = {"aws:sqs:arn" if service == "sqs" else "aws:sns:topicArn": arn}
        for key in self._customer_keys(service, arn):
            for needed in ("kms:GenerateDataKey", "kms:Decrypt"):
                if not resource_policy_allows(
                    "kms", needed, key, delivery.principal, delivery.source_arn, account, context
                ):
                    raise AccessDenied(
                        delivery.principal,
                        needed,
                        key,
                        message=f"{arn} is encrypted with {key}, which does not let {delivery.principal} do {needed}",
                    )

    def _customer_keys(self, service: str, arn: str) -> list[str]:
        from .iam.kms import key_arn

        key = ""
        if service == "sqs":
            attributes = self._runtime.client("sqs").get_queue_attributes(
                QueueUrl=self._queue_url(arn), AttributeNames=["KmsMasterKeyId"]
            )
            key = attributes.get("Attributes", {}).get("KmsMasterKeyId", "")
        if service == "sns":
            key = self._runtime.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"].get("KmsMasterKeyId", "")
        found = key_arn(key) if key and not key.startswith("alias/aws/") else None
        return [found] if found else []

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        session = self._runtime.session_for_role(
            delivery.target["RoleArn"], delivery.principal, delivery.event_id or "delivery", delivery.source_arn
        )
        return self._runtime.headers_for(session, "events")

    def _queue_url(self, arn: str) -> str:
        return f"{self._runtime.endpoint_url}/{arn.split(':')[4]}/{arn.split(':')[5]}"

    def _deliver(self, delivery: Delivery, payload: str, send: Callable[[], None]) -> None:
        # A fresh context: the request that caused the event belongs to somebody else.
        self._pool.submit(contextvars.Context().run, self._attempt, delivery, payload, send)

    def _attempt(self, delivery: Delivery, payload: str, send: Callable[[], None]) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                send()
                return
            except (ClientError, AccessDenied, LocalAwsError) as error:
                code, message = _explain(error)
                if attempt < _ATTEMPTS and any(code.startswith(word) for word in _RETRIED):
                    time.sleep(0.1 * 2**attempt)
                    continue
                self._dead_letter(delivery, payload, code, message)
                return
            except Exception as error:
                logger.exception("delivery to %s failed", delivery.target.get("Arn"))
                self._dead_letter(delivery, payload, "InternalFailure", str(error))
                return

    def _dead_letter(self, delivery: Delivery, payload: str, code: str, message: str) -> None:
        queue = delivery.target.get("DeadLetterConfig", {}).get("Arn", "")
        what = f"{delivery.source_arn} -> {delivery.target.get('Arn')}: {code}: {message}"
        if not queue:
            logger.error("event lost, no dead-letter queue: %s", what)
            return
        attributes = {
            "ERROR_CODE": code,
            "ERROR_MESSAGE": message or "-",
            "RULE_ARN": delivery.source_arn,
            "TARGET_ARN": delivery.target.get("Arn", ""),
        }
        try:
            client = self._dead_letter_client(delivery, queue)
            client.send_message(
                QueueUrl=self._queue_url(queue),
                MessageBody=payload,
                MessageAttributes={k: {"DataType": "String", "StringValue": v} for k, v in attributes.items()},
            )
            logger.warning("event to dead-letter queue: %s", what)
        except (ClientError, AccessDenied) as error:
            logger.error("event lost, the dead-letter queue refused it (%s): %s", error, what)

    def _dead_letter_client(self, delivery: Delivery, queue: str) -> Any:
        # Rules write their dead letters by the queue's policy, schedules by the target's role.
        if delivery.principal == "scheduler.amazonaws.com":
            return self._client("sqs", delivery, "sqs:SendMessage", queue)
        self._require_policy("sqs", "sqs:SendMessage", queue, delivery)
        return self._runtime.client("sqs")


def _explain(error: Exception) -> tuple[str, str]:
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if isinstance(error, AccessDenied):
        return "NO_PERMISSIONS", error.message
    return "SDK_CLIENT_ERROR", str(error)
