"""IAM-1: identity policies name their actions and their resources."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.identities import graph_of
from mlops_constructs.compliance.policy import Statement, is_wild
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.wildcards import REVIEWED

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_DATA = Path(__file__).parents[1] / "data"
_SHORTEST_NAME = 3  # letters and digits before the first wildcard


@cache
def actions_of(file: str) -> frozenset[str]:
    """Read a data file of IAM actions, as AWS writes them."""
    table: dict[str, list[str]] = json.loads((_DATA / file).read_text())["actions"]
    return frozenset(f"{service}:{action}" for service, names in table.items() for action in names)


@cache
def _without_resource() -> frozenset[str]:
    return frozenset(action.lower() for action in actions_of("iam_actions_without_resource.json"))


def _judged(estate: Estate, findings: dict[Resource, list[tuple[str, str]]]) -> Iterator[Judgement]:
    """Yield a finding per resource and detail, and a pass for every identity policy without one."""
    for resource in graph_of(estate).policies:
        found = dict(findings.get(resource, ()))
        if not found:
            yield Judgement(resource, True)
        yield from (Judgement(resource, False, detail, message) for detail, message in found.items())


def _allows(estate: Estate) -> Iterator[tuple[Resource, Statement]]:
    for resource, statements in graph_of(estate).policies.items():
        yield from ((resource, statement) for statement in statements if statement.allows)


def _no_administrator(estate: Estate) -> Iterator[Judgement]:
    findings: dict[Resource, list[tuple[str, str]]] = {}
    for resource, statement in _allows(estate):
        if any(re.fullmatch(r"\*+(:\*+)?", action) for action in statement.actions):
            where = "on everything" if "*" in statement.resources else f"on {', '.join(statement.resources)}"
            findings.setdefault(resource, []).append(("*", f"allows every action of every service {where}"))
    yield from _judged(estate, findings)


def _named_actions(estate: Estate) -> Iterator[Judgement]:
    findings: dict[Resource, list[tuple[str, str]]] = {}
    for resource, statement in _allows(estate):
        for action in statement.actions:
            if is_wild(action) and not re.fullmatch(r"\*+(:\*+)?", action):
                message = f"allows {action}: what that covers grows with the service, unseen by any review"
                findings.setdefault(resource, []).append((action, message))
    yield from _judged(estate, findings)


def _no_dead_grant(estate: Estate) -> Iterator[Judgement]:
    findings: dict[Resource, list[tuple[str, str]]] = {}
    for resource, statement in _allows(estate):
        if statement.resources and "*" not in statement.resources:
            for action in statement.actions:
                if action.lower() in _without_resource():
                    message = f"allows {action} on {', '.join(statement.resources)}: it knows no resource, so nothing"
                    findings.setdefault(resource, []).append((action, message))
    yield from _judged(estate, findings)


def _no_exclusion(estate: Estate) -> Iterator[Judgement]:
    findings: dict[Resource, list[tuple[str, str]]] = {}
    for resource, statement in _allows(estate):
        for name, values in (("NotAction", statement.not_actions), ("NotResource", statement.not_resources)):
            if values:
                message = f"allows everything but {', '.join(values)} ({name})"
                findings.setdefault(resource, []).append((name, message))
    yield from _judged(estate, findings)


def _named_resources(estate: Estate) -> Iterator[Judgement]:
    findings: dict[Resource, list[tuple[str, str]]] = {}
    for resource, statement in _allows(estate):
        for pattern in statement.resources:
            shape = nameless(pattern, statement.actions) or _needless(estate, pattern)
            if shape is None or _tagged(statement):
                continue
            for action in statement.actions:
                if not _unavoidable(action, pattern, statement):
                    message = f"allows {action} on {pattern}: it reaches {_reached(shape)}"
                    findings.setdefault(resource, []).append((f"{action} on {shape}", message))
    yield from _judged(estate, findings)


def nameless(pattern: str, actions: tuple[str, ...] = ()) -> str | None:
    """Return what a resource pattern spans when it does not begin with a name, in words without names; else None.

    `arn:aws:s3:::bucket/prefix/*` and `table/orders/index/*` begin with a name; `*`, `function:*`, `bucket/*` do not.
    """
    if not is_wild(pattern):
        return None
    text = _VARIABLE.sub("variable", pattern)
    parts = text.split(":", 5)
    if parts[0] != "arn" or len(parts) < 6:
        if text.endswith("/*") and any(action.lower().startswith("s3:") for action in actions):
            return _objects(text.removeprefix("*"))
        return None if _is_name(text) else "*"
    _, _, service, _, account, rest = parts
    if is_wild(service) or is_wild(account):
        return f"{service}:{'any account' if is_wild(account) else account}"
    return _objects(rest) if service == "s3" and not account else _inside(service, rest)


def _needless(estate: Estate, pattern: str) -> str | None:
    """A wildcard right after the whole ARN of a resource that is defined here covers only others."""
    known = pattern.endswith("*") and pattern[-2:-1] not in ("/", ":") and estate.find(pattern[:-1])
    return f"{known.type.replace('::', ' ')} and what is named like it" if known else None


def _objects(rest: str) -> str | None:
    bucket, slash, key = rest.partition("/")
    if is_wild(bucket):
        return None if bucket.count("*") == 1 and _is_name(bucket) and _is_name(key) else "s3 bucket *"
    return "s3 every object of a bucket" if slash and not _is_name(key) and is_wild(key) else None


def _inside(service: str, rest: str) -> str | None:
    parts = re.split(r"([:/])", rest.lstrip("/"), maxsplit=1)
    kind, separator, name = parts if len(parts) > 1 else ["", "", parts[0]]
    if is_wild(kind):
        return f"{service} *"
    return f"{service} {kind}{separator}*" if is_wild(name) and not _is_name(name) else None


def _is_name(text: str) -> bool:
    """Whether enough stands before the first wildcard to tell whose it is."""
    begin = re.split(r"[*?]", text, maxsplit=1)[0]
    return len(re.sub(r"[^A-Za-z0-9]", "", begin)) >= _SHORTEST_NAME


def _tagged(statement: Statement) -> bool:
    """Whether the statement names its resources by a tag they must have."""
    return any(c.positive and c.narrows and "resourcetag/" in c.key for c in statement.conditions)


def _unavoidable(action: str, pattern: str, statement: Statement) -> bool:
    if pattern == "*" and action.lower() in _without_resource():
        return True
    return any(kind.accepts(action, pattern, statement.keys()) for kind in REVIEWED)


def _reached(shape: str) -> str:
    return "every resource there is" if shape == "*" else f"more than it names ({shape})"


_RATIONALE = "A permission without a name covers what exists today and whatever anybody makes tomorrow."
RULES: tuple[Rule, ...] = (
    Rule(
        id="IAM-1.no-administrator",
        title="No identity policy allows every action",
        rationale="Whoever takes over one such identity owns the account, data and audit trail included.",
        remedy="List the actions the identity needs; keep break-glass outside these templates.",
        severity=Severity.CRITICAL,
        phase=Phase.INITIAL,
        check=_no_administrator,
        waivable_in_prod=False,
    ),
    Rule(
        id="IAM-1.named-actions",
        title="Identity policies name each action",
        rationale=_RATIONALE,
        remedy="Replace the wildcard by the actions that are used.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_named_actions,
    ),
    Rule(
        id="IAM-1.named-resources",
        title="Identity policies name their resources, or are in the reviewed list",
        rationale=_RATIONALE,
        remedy="Name the resource or a prefix of its name; if the action has no resource level, review it into "
        "compliance/wildcards.py with its pattern and condition.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_named_resources,
    ),
    Rule(
        id="IAM-1.no-dead-grant",
        title="Actions that know no resource are allowed on *",
        rationale="AWS never matches such an action with a named resource: what needs the permission fails on the day "
        "it is needed.",
        remedy="Allow the action on *, in a statement of its own; remove it if nothing needs it.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_no_dead_grant,
    ),
    Rule(
        id="IAM-1.no-exclusion",
        title="No Allow with NotAction or NotResource",
        rationale="An Allow by exclusion grants every service and action that AWS will ever add.",
        remedy="List what is allowed (Action, Resource); use NotAction only in Deny statements.",
        severity=Severity.HIGH,
        phase=Phase.INITIAL,
        check=_no_exclusion,
    ),
)
