"""What a run used: the decisions of an IAM-enforcing environment, folded to actions by role of the templates."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.estate import Estate, Resource

Used = Mapping[str, frozenset[str]]
"""Actions (lower case) by the path of the role."""
SUFFIX = 13
"""Characters at the end of a generated role name that are not the stack's or the role's."""


class UsageError(ValueError):
    """A record of usage that cannot be read, or does not fit the templates."""


def read_decisions(path: Path, estate: Estate) -> Used:
    """Fold a file of decisions, one JSON object a line: `role` (ARN), `action`, `resource`, `allowed`.

    Decisions of roles that are in none of the templates (the deployer's own) are left out; so are refusals.

    Raises:
        UsageError: The file cannot be read, or none of its roles is in the templates.
    """
    roles = {arn: role for arn in _arns(path) if (role := role_of(estate, arn)) is not None}
    if not roles:
        raise UsageError(
            f"{path}: no decision of any role of environment {estate.name!r}: is it a run of these templates?"
        )
    found: dict[str, set[str]] = defaultdict(set)
    for decision in _decisions(path):
        role = roles.get(decision["role"])
        if role is not None and decision["allowed"]:
            found[role.path].add(decision["action"].lower())
    return {role: frozenset(actions) for role, actions in found.items()}


def role_of(estate: Estate, arn: str) -> Resource | None:
    """The role of the templates behind an ARN, whose name CloudFormation made up out of stack and logical id.

    Raises:
        UsageError: Several roles could have that name.
    """
    name = arn.rpartition("/")[2]
    named = [each for each in estate.of("AWS::IAM::Role") if each.get("RoleName") == name]
    begun = [
        each for each in estate.of("AWS::IAM::Role") if f"{each.stack}-{each.logical_id}-".startswith(name[:-SUFFIX])
    ]
    found = named or [each for each in begun if name.endswith(_suffix(each))] or begun
    if len(found) > 1:
        raise UsageError(f"{arn} could be each of {', '.join(sorted(each.logical_id for each in found))}")
    return found[0] if found else None


def _suffix(role: Resource) -> str:
    """What the local AWS ends a generated name with, so that long ids cut to the same beginning stay apart."""
    return hashlib.sha256(f"{role.stack}:{role.logical_id}".encode()).hexdigest()[:SUFFIX].upper()


def read_summary(path: Path) -> Used:
    """Read a summary that `write_summary` wrote.

    Raises:
        UsageError: It is none.
    """
    try:
        loaded = json.loads(path.read_text())
        return {role: frozenset(actions) for role, actions in loaded.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"{path}: no summary of used actions by role: {error}") from error


def write_summary(path: Path, used: Used) -> None:
    """Write used actions by role, as small and stable text."""
    path.write_text(json.dumps({role: sorted(used[role]) for role in sorted(used)}, indent=1) + "\n")


def _arns(path: Path) -> Iterable[str]:
    return sorted({decision["role"] for decision in _decisions(path)})


def _decisions(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        try:
            decision = json.loads(line)
        except ValueError as error:
            raise UsageError(f"{path}:{number}: no JSON: {error}") from error
        if not isinstance(decision, dict) or not {"role", "action", "allowed"} <= decision.keys():
            raise UsageError(f"{path}:{number}: a decision has role, action, resource and allowed, got {line[:80]}")
        yield decision
