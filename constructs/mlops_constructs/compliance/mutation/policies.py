"""Mutants of policies: statements widened, conditions and denies taken away, escalations and strangers added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import escalations
from .model import REMOVED, Corpus, Edit, Mutant, Step

Statement = dict[str, Any]
STRANGER = "999988887777"
SOURCES = ("aws:sourceaccount", "aws:sourcearn", "aws:sourceowner", "aws:sourceorgid")
"""Condition keys that each bind a service to one account."""
STRANGERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("everyone", {"Principal": "*"}),
    ("every AWS principal", {"Principal": {"AWS": "*"}}),
    ("another account", {"Principal": {"AWS": f"arn:aws:iam::{STRANGER}:root"}}),
    ("another account's number", {"Principal": {"AWS": STRANGER}}),
    ("a role of another account", {"Principal": {"AWS": f"arn:aws:iam::{STRANGER}:role/Admin"}}),
)
WEAKER_TRANSPORT: dict[str, Any] = {"aws:SecureTransport": "true", "s3:TlsVersion": 1.0}
FEDERATIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "any repository of a public identity provider",
        {"Principal": {"Federated": "arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com"}},
    ),
    ("any user of a public identity provider", {"Principal": {"Federated": "accounts.google.com"}}),
)


@dataclass(frozen=True)
class Document:
    """One policy document in a template."""

    template: str
    logical_id: str
    type: str
    path: tuple[Step, ...]
    role: str
    statements: tuple[Statement, ...]


def documents(corpus: Corpus) -> Iterator[Document]:
    """Yield every policy document of the corpus; `role` is `identity`, `trust`, `resource`, `endpoint` or `ceiling`."""
    for template, logical_id, resource in corpus.resources():
        for path, value in _find(resource.get("Properties", {})):
            statements = value["Statement"]
            role = _role(resource["Type"], path, logical_id, statements)
            where = ("Properties", *path, "Statement")
            yield Document(template, logical_id, resource["Type"], where, role, tuple(statements))


def mutants(corpus: Corpus, account: str) -> Iterator[Mutant]:
    """Yield the mutants of every policy document.

    Args:
        corpus: The templates.
        account: Account of the environment.
    """
    for document in documents(corpus):
        for index, statement in enumerate(document.statements):
            if not isinstance(statement, dict):
                continue
            yield from _denies(document, index, statement)
            if statement["Effect"] == "Allow":
                yield from _conditions(document, index, statement)
                if document.role == "identity":
                    yield from _wider(document, index, statement)
                if document.role == "resource":
                    yield from _opened(document, index, statement)
        yield from _added(document, account)


def _denies(document: Document, index: int, statement: Statement) -> Iterator[Mutant]:
    if statement["Effect"] != "Deny":
        return
    name = statement.get("Sid") or " ".join(keys_of(statement)) or _services(statement)
    control = "ENC-3" if WEAKER_TRANSPORT.keys() & set(keys_of(statement)) else "IAM-1"
    if document.role == "resource" and control == "IAM-1":
        control = "PUB-1"
    yield _mutant(document, "drop deny", str(name), control, (index,), REMOVED)
    yield _mutant(document, "allow instead of deny", str(name), control, (index, "Effect"), "Allow")
    for operator, tests in statement.get("Condition", {}).items():
        for key, wanted in tests.items():
            worse = WEAKER_TRANSPORT.get(key, wanted)
            if worse != wanted:
                place = (index, "Condition", operator, key)
                yield _mutant(document, f"set {worse}", f"deny {key}", control, place, worse)


def _conditions(document: Document, index: int, statement: Statement) -> Iterator[Mutant]:
    control = {"identity": "IAM-1", "trust": "IAM-4", "resource": "PUB-1", "endpoint": "NET-2"}.get(document.role)
    if control is None or not statement.get("Condition"):
        return
    control = "IAM-3" if "iam:PassedToService" in keys_of(statement) else control
    who = _services(statement) if document.role == "identity" else _principals(statement)
    name = f"{who} if {' '.join(keys_of(statement))}"
    yield _mutant(document, "drop condition", name, control, (index, "Condition"), REMOVED)
    for operator, tests in statement["Condition"].items():
        for key in tests:
            others = [each for each in keys_of(statement) if each != key and each.lower() in SOURCES]
            beside = f" beside {others[0]}" if others and key.lower() in SOURCES else ""
            value = _loosened(statement, operator, key)
            place = (index, "Condition")
            yield _mutant(document, "any value", f"{who} if {key}{beside}", control, place, value)


def _loosened(statement: Statement, operator: str, key: str) -> dict[str, Any]:
    """The condition with one key that any value meets."""
    rest = {
        each: {name: value for name, value in tests.items() if (each, name) != (operator, key)}
        for each, tests in statement["Condition"].items()
    }
    kept = {each: tests for each, tests in rest.items() if tests}
    return {**kept, "StringLike": {**kept.get("StringLike", {}), key: "*"}}


def _wider(document: Document, index: int, statement: Statement) -> Iterator[Mutant]:
    actions = _list(statement.get("Action"))
    services = sorted({action.split(":")[0] for action in actions})
    name = " ".join(services)
    for service in services:
        widened = [*actions, f"{service}:*"]
        yield _mutant(document, "whole service", service, "IAM-1", (index, "Action"), widened)
        yield _mutant(document, "verb wildcard", service, "IAM-1", (index, "Action"), [*actions, f"{service}:D*"])
    yield _mutant(document, "every action", "Action", "IAM-1", (index, "Action"), "*")
    if statement.get("Resource") != "*":
        yield _mutant(document, "every resource", name, "IAM-1", (index, "Resource"), "*")
        for service in services:
            arn = f"arn:aws:{service}:*:*:*" if service != "s3" else "arn:aws:s3:::*"
            yield _mutant(document, "whole service's resources", service, "IAM-1", (index, "Resource"), arn)
        excluded = {key: value for key, value in statement.items() if key != "Resource"}
        yield _mutant(
            document, "all resources but", name, "IAM-1", (index,), {**excluded, "NotResource": "arn:aws:s3:::x"}
        )
    rest = {key: value for key, value in statement.items() if key != "Action"}
    yield _mutant(document, "all actions but", "NotAction", "IAM-1", (index,), {**rest, "NotAction": "iam:CreateUser"})


def _opened(document: Document, index: int, statement: Statement) -> Iterator[Mutant]:
    if "Principal" not in statement:
        return
    bare = {key: value for key, value in statement.items() if key not in ("Principal", "Condition")}
    for name, stranger in STRANGERS[:3]:
        yield _mutant(document, f"open to {name}", _principals(statement), "PUB-1", (index,), {**bare, **stranger})


def _added(document: Document, account: str) -> Iterator[Mutant]:
    end = (len(document.statements),)
    if document.role == "identity":
        for name, control, statements in escalations.statements(account):
            edits = tuple(
                Edit(document.logical_id, (*document.path, end[0] + offset), each)
                for offset, each in enumerate(statements)
            )
            yield Mutant(
                operator="add escalation",
                type=document.type,
                about=name,
                control=control,
                template=document.template,
                logical_id=document.logical_id,
                edits=edits,
            )
    if document.role == "trust":
        for name, stranger in STRANGERS:
            added = {"Effect": "Allow", "Action": "sts:AssumeRole", **stranger}
            yield _mutant(document, "trust", name, "IAM-4", end, added)
        for name, stranger in FEDERATIONS:
            principal = {key: value.format(account=account) for key, value in stranger["Principal"].items()}
            added = {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": principal}
            yield _mutant(document, "trust", name, "IAM-4", end, added)
    if document.role == "resource":
        service = _services(document.statements[0]).split()[0] if document.statements else "s3"
        for name, stranger in STRANGERS:
            added = {"Effect": "Allow", "Action": f"{service}:*", "Resource": "*", **stranger}
            yield _mutant(document, "let in", name, "PUB-1", end, added)
        but = {"Effect": "Allow", "Action": f"{service}:*", "Resource": "*"}
        yield _mutant(document, "let in", "all but one", "PUB-1", end, {**but, "NotPrincipal": {"AWS": STRANGER}})
        added = {**but, "Principal": {"Service": "serverlessrepo.amazonaws.com"}}
        yield _mutant(document, "let in", "a service for any account", "PUB-1", end, added)
    if document.role == "endpoint":
        added = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
        yield _mutant(document, "let through", "everyone", "NET-2", end, added)
    if document.role == "ceiling":
        added = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        yield _mutant(document, "raise the ceiling", "everything", "IAM-5", end, added)


def keys_of(statement: Statement) -> list[str]:
    """Condition keys of a statement, sorted."""
    return sorted({key for tests in statement.get("Condition", {}).values() for key in tests})


def _mutant(document: Document, operator: str, name: str, control: str, place: tuple[Step, ...], value: Any) -> Mutant:
    return Mutant(
        operator=operator,
        type=document.type,
        about=f"{document.role}: {name}",
        control=control,
        template=document.template,
        logical_id=document.logical_id,
        edits=(Edit(document.logical_id, (*document.path, *place), value),),
    )


def _find(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Any]]:
    if isinstance(value, dict) and isinstance(value.get("Statement"), list):
        yield path, value
    elif isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _find(inner, (*path, step))


def _role(kind: str, path: tuple[Step, ...], logical_id: str, statements: list[Statement]) -> str:
    if "AssumeRolePolicyDocument" in path:
        return "trust"
    if kind == "AWS::EC2::VPCEndpoint":
        return "endpoint"
    if kind.startswith(("AWS::IAM::", "AWS::SSO::")):
        return "ceiling" if "boundary" in logical_id.lower() else "identity"
    return "resource" if any("Principal" in each or "NotPrincipal" in each for each in statements) else "other"


def _services(statement: Statement) -> str:
    actions = _list(statement.get("Action", statement.get("NotAction")))
    return " ".join(sorted({str(action).split(":")[0] for action in actions}))


def _principals(statement: Statement) -> str:
    principal = statement.get("Principal", "nobody")
    if isinstance(principal, str):
        return principal
    return " ".join(f"{kind}={_text(each)}" for kind, values in sorted(principal.items()) for each in _list(values))


def _text(principal: Any) -> str:
    return principal.split(":")[-1] if isinstance(principal, str) else "computed"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
