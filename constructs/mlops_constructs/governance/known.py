"""What the CDK answers the same way every time, asked once.

Every question to the CDK is a hop to its Node process and back, more than half a millisecond of CPU whatever it is
about, and a platform asks for the ARN of its five keys a hundred times. An answer is kept on the construct that was
asked, and goes with it; values that belong to no construct are kept for the process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

from aws_cdk import Duration, Stack, Validations
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import IConstruct

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
More = ParamSpec("More")


def asked_once(question: Callable[Concatenate[Asked, More], Answer]) -> Callable[Concatenate[Asked, More], Answer]:
    """Keep the answers of a function on the object it is asked about: its first argument, all given by position."""

    @wraps(question)
    def ask(asked: Asked, /, *more: More.args, **named: More.kwargs) -> Answer:
        answers: dict[object, Answer] = asked.__dict__.setdefault("_answers", {})
        key = (question, *more)
        if key not in answers:
            answers[key] = question(asked, *more, **named)
        return answers[key]

    return ask


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the resources of a stack are: tokens where the stack leaves it open."""

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource of this account and region, the resource written as its service does: `function:name`."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@asked_once
def stack_of(construct: IConstruct) -> Stack:
    """The stack a construct is in."""
    return Stack.of(construct)


def place_of(construct: IConstruct) -> Place:
    """Where the stack of a construct is deployed."""
    return _place(stack_of(construct))


@asked_once
def validations_of(construct: IConstruct) -> Validations:
    """Where findings of a construct are acknowledged."""
    return Validations.of(construct)


@asked_once
def key_arn(key: kms.IKey) -> str:
    """ARN of a key."""
    return key.key_arn


@asked_once
def bucket_arn(bucket: s3.IBucket) -> str:
    """ARN of a bucket."""
    return bucket.bucket_arn


@asked_once
def key_of(bucket: s3.IBucket) -> kms.IKey | None:
    """Key of a bucket's objects, if it has one that this app knows."""
    return bucket.encryption_key


@asked_once
def alarm_action(topic: sns.ITopic) -> actions.SnsAction:
    """What sends an alarm to a topic."""
    return actions.SnsAction(topic)


@cache
def service(name: str) -> iam.ServicePrincipal:
    """A service that needs no condition, `lambda.amazonaws.com`."""
    return iam.ServicePrincipal(name)


@cache
def days(count: int) -> Duration:
    """A duration in days."""
    return Duration.days(count)


@cache
def minutes(count: int) -> Duration:
    """A duration in minutes."""
    return Duration.minutes(count)


@asked_once
def _place(stack: Stack) -> Place:
    return Place(partition=stack.partition, region=stack.region, account=stack.account)
