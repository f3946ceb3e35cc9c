"""Who a statement of a resource or trust policy lets in, after the conditions that really narrow it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from mlops_constructs.compliance.conditions import Condition
from mlops_constructs.compliance.policy import Principal, Statement


class Audience(IntEnum):
    """How far outside the account somebody is, nearest first."""

    OWN = 0  # the account itself, or what only it can send
    ORGANISATION = 1
    SERVICE = 2  # an AWS service, acting for this account
    FEDERATED = 3
    UNKNOWN = 4  # decided at deployment
    FOREIGN = 5  # a named other account
    DEPUTY = 6  # an AWS service, acting for whoever asks it to
    PUBLIC = 7


@dataclass(frozen=True)
class Opening:
    """One principal let in: how far outside it is, and its name."""

    audience: Audience
    who: str


_ACCOUNTS = frozenset(
    {"aws:principalaccount", "aws:sourceaccount", "aws:sourceowner", "kms:calleraccount", "s3:dataaccesspointaccount"}
)
_ORGANISATIONS = frozenset(
    {"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths", "aws:vpceorgid"}
)
_NETWORKS = frozenset({"aws:sourcevpc", "aws:sourcevpce", "aws:vpceaccount", "aws:sourceip", "aws:userid"})
_ARNS = ("aws:principalarn", "aws:sourcearn", "lambda:sourcefunctionarn")
_CONTEXT = "kms:encryptioncontext:"
# What a condition must speak of to say for whom a service acts.
_SOURCES = _ACCOUNTS | _ORGANISATIONS | {*_ARNS, "aws:sourcevpc", "aws:sourcevpce", "lambda:eventsourcetoken"}
_ACCOUNT_ID = re.compile(r"\d{12}")
# Nothing can be read or written this way: looking at a key before there is a resource that could be named, and making
# a stream, which CloudWatch Logs asks of EventBridge in nobody's name.
HARMLESS = frozenset({"kms:describekey", "logs:createlogstream"})


def openings(statement: Statement, account: str) -> Iterator[Opening]:
    """Say for each principal of an Allow statement who that is, seen from the account; nothing for a Deny."""
    if not statement.allows:
        return
    if statement.not_principals:
        names = ", ".join(principal.value for principal in statement.not_principals)
        yield Opening(Audience.PUBLIC, f"everybody but {names}")
    for principal in statement.principals:
        yield Opening(_audience(principal, statement, account), principal.value)


def _audience(principal: Principal, statement: Statement, account: str) -> Audience:
    if principal.kind == "Federated":
        return Audience.FEDERATED
    if principal.kind == "Service":
        return _service(principal.value, statement, account)
    if principal.kind == "CanonicalUser":
        return Audience.FOREIGN
    if principal.value == "*" or "*" in principal.value:
        return _narrowed(statement, account, Audience.PUBLIC)
    owner = account_of(principal.value)
    if owner == account:
        return Audience.OWN
    if owner == "cloudfront":  # an origin access identity of CloudFront
        return Audience.SERVICE
    # A named stranger stays one, whatever else the request must have, unless it must come from the organisation.
    organisation = any(c.key in _ORGANISATIONS and _reach(c, account) < Audience.PUBLIC for c in statement.conditions)
    named = Audience.FOREIGN if _ACCOUNT_ID.fullmatch(owner) else Audience.UNKNOWN
    return Audience.ORGANISATION if organisation else named


def _service(name: str, statement: Statement, account: str) -> Audience:
    if "*" in name:
        return Audience.DEPUTY
    if statement.actions and all(action.lower() in HARMLESS for action in statement.actions):
        return Audience.SERVICE
    sources = [c for c in statement.conditions if c.key in _SOURCES or c.key.startswith(_CONTEXT)]
    reach = min((_reach(condition, account) for condition in sources), default=Audience.DEPUTY)
    return Audience.SERVICE if reach <= Audience.ORGANISATION else min(reach, Audience.DEPUTY)


def _narrowed(statement: Statement, account: str, otherwise: Audience) -> Audience:
    return min((otherwise, *(_reach(condition, account) for condition in statement.conditions)))


def _reach(condition: Condition, account: str) -> Audience:
    """How far a condition alone lets requests come from."""
    if not condition.narrows or condition.quantifier == "forallvalues":
        return Audience.PUBLIC
    if condition.operator == "ipaddress":
        return Audience.OWN if condition.key == "aws:sourceip" else Audience.PUBLIC
    if not condition.positive:
        return Audience.PUBLIC
    if condition.key in _ACCOUNTS:
        return max(_account(value, account) for value in condition.values)
    if condition.key in _ORGANISATIONS:
        return Audience.ORGANISATION
    if condition.key in _NETWORKS or condition.key == "lambda:eventsourcetoken":
        return Audience.OWN
    if condition.key in _ARNS or condition.key.startswith(_CONTEXT):
        return max(_account(account_of(value, anonymous=account), account) for value in condition.values)
    return Audience.PUBLIC


def _account(value: str, account: str) -> Audience:
    if value == account:
        return Audience.OWN
    if _ACCOUNT_ID.fullmatch(value):
        return Audience.FOREIGN
    return Audience.UNKNOWN if "${" in value else Audience.PUBLIC


def account_of(principal: str, *, anonymous: str = "") -> str:
    """Return the account of an ARN or account id.

    Args:
        principal: ARN, account id or anything else (which is returned as it is).
        anonymous: Account to assume for ARNs of buckets, which carry none; only a bucket without wildcard counts.
    """
    parts = principal.split(":", 5)
    if len(parts) < 6:
        return principal
    if not parts[4] and parts[2] == "s3":
        return anonymous if "*" not in parts[5].split("/")[0] else "*"
    return parts[4]
