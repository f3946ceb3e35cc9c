"""Accepted findings of checkers that cannot be acknowledged in the app (checkov, cloudformation-validate), as data.

A file of entries, each with the exact rule, the construct paths it is accepted at, a reason, an owner, a review date:

    - finding: checkov::CKV_AWS_116
      paths: ["*/Functions/*"]
      reason: Step Functions calls these and waits, so a failure is its own and nothing is queued.
      owner: platform-security
      review: "2027-11-30"
      compensating_control: every workflow ends in a failure event that an alarm watches (OPS-1)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.evidence.ledger import Check

SHORTEST_REASON = 20


class AcceptedError(ValueError):
    """An entry that is no acceptance: something is missing, misspelt, or says nothing."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """One accepted finding of a second checker.

    Args:
        finding: Qualified id as the review prints it: `checkov::CKV_AWS_116`.
        paths: Construct paths it is accepted at; `*` stands for any text.
        reason: Why, in a sentence a reviewer can judge.
        owner: Who answers for it.
        review: Day it must be looked at again (ISO date).
        compensating_control: What keeps the risk small instead.
        ticket: Where it was decided.
    """

    finding: str
    paths: tuple[str, ...]
    reason: str
    owner: str
    review: str
    compensating_control: str = ""
    ticket: str = ""

    def covers(self, check: Check) -> bool:
        """Whether this is the finding, at one of the paths."""
        return self.finding == check.finding and any(fnmatchcase(check.path, pattern) for pattern in self.paths)


def read_accepted(file: Path | None) -> list[Accepted]:
    """The entries of a file; none without a file.

    Raises:
        AcceptedError: The file is missing or an entry is not what it must be.
    """
    if file is None:
        return []
    import yaml  # only those who bring a file need it

    if not file.is_file():
        raise AcceptedError(f"{file}: there is no such file")
    entries = yaml.safe_load(file.read_text(encoding="utf-8")) or []
    if not isinstance(entries, list):
        raise AcceptedError(f"{file}: a list of accepted findings is expected, got {type(entries).__name__}")
    return [_entry(file, number, entry) for number, entry in enumerate(entries, 1)]


def _entry(file: Path, number: int, entry: object) -> Accepted:
    where = f"{file}: entry {number}"
    if not isinstance(entry, Mapping):
        raise AcceptedError(f"{where}: a mapping is expected, got {entry!r}")
    known = {each.name for each in fields(Accepted)}
    optional = {"compensating_control", "ticket"}
    if wrong := (set(entry) - known) | (known - optional - set(entry)):
        raise AcceptedError(f"{where}: missing or unknown: {', '.join(sorted(map(str, wrong)))}")
    values: dict[str, Any] = {**entry, "paths": tuple(entry["paths"])}
    if not values["paths"] or "*" in values["paths"]:
        raise AcceptedError(f"{where}: paths must name constructs; {list(values['paths'])} is everything or nothing")
    if len(str(values["reason"]).strip()) < SHORTEST_REASON:
        raise AcceptedError(f"{where}: reason must be a sentence a reviewer can judge, got {values['reason']!r}")
    try:
        dt.date.fromisoformat(str(values["review"]))
    except ValueError as error:
        raise AcceptedError(f"{where}: review must be a day like 2027-06-30, got {values['review']!r}") from error
    return Accepted(**{**values, "review": str(values["review"])})
