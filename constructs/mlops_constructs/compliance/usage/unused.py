"""Granted against used: what nobody needed in the run, and for which of it there is a reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.grants import granted
from mlops_constructs.compliance.policy import Statement, matches
from mlops_constructs.compliance.usage.record import UsageError, Used

SHORTEST_REASON = 20


@dataclass(frozen=True)
class Unused:
    """A permission of a role that the run did not need."""

    role: str
    action: str
    resources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why permissions stay although a run does not use them.

    Args:
        role: Regular expression on the whole path of the role.
        action: Regular expression on the whole action, lower case.
        reason: A sentence a reviewer can judge.
    """

    role: str
    action: str
    reason: str

    def covers(self, unused: Unused) -> bool:
        """Whether it speaks of this permission."""
        return bool(re.fullmatch(self.role, unused.role) and re.fullmatch(self.action, unused.action.lower()))


def unused(estate: Estate, used: Used) -> list[Unused]:
    """Permissions granted by the templates that the run did not use, by role and action.

    An action with wildcards counts as used when one of the actions it stands for was; denies grant nothing.
    """
    found = [
        Unused(role, action, resources)
        for role, statements in granted(estate).items()
        for action, resources in _by_action(statements).items()
        if not any(matches(action.lower(), each) for each in used.get(role, ()))
    ]
    return sorted(found, key=lambda each: (each.role, each.action))


def _by_action(statements: Iterable[Statement]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for statement in statements:
        if statement.allows:
            for action in statement.actions or (f"all but {' '.join(statement.not_actions)}",):
                found.setdefault(action, set()).update(statement.resources)
    return {action: tuple(sorted(resources)) for action, resources in found.items()}


def read_reasons(path: Path) -> list[Reason]:
    """Read the reviewed list.

    Raises:
        UsageError: It cannot be read, or a row has no reason worth the name.
    """
    try:
        reasons = [Reason(**row) for row in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{path}: no list of role, action and reason: {error}") from error
    for each in reasons:
        if len(each.reason) < SHORTEST_REASON:
            raise UsageError(f"{path}: {each.action} of {each.role} needs a sentence as reason, got {each.reason!r}")
    return reasons


def unexplained(found: Sequence[Unused], reasons: Sequence[Reason]) -> list[Unused]:
    """Unused permissions for which nobody gave a reason."""
    return [each for each in found if not any(reason.covers(each) for reason in reasons)]


def stale(found: Sequence[Unused], reasons: Sequence[Reason]) -> list[Reason]:
    """Reasons for permissions that are gone, or used."""
    return [reason for reason in reasons if not any(reason.covers(each) for each in found)]
