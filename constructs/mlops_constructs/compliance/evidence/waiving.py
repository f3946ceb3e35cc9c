"""Waivers laid over the ledgers: what is accepted, by whom, until when, and what a waiver covers at all."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlops_constructs.compliance.evidence.accepted import Accepted
from mlops_constructs.compliance.evidence.ledger import Check, Ledger
from mlops_constructs.compliance.waivers import AppliedWaiver

_OPEN = ("FAIL", "ERROR")
_ANSWERED = ("WAIVED", "WAIVER_EXPIRED")


@dataclass(frozen=True)
class _Entry:
    """A waiver of either kind, in the words of the review."""

    row: dict[str, Any]
    covers: Callable[[Check], bool]
    idle: str = "STALE"
    """State when it covers nothing."""


def lay(
    ledgers: Sequence[Ledger], waivers: Sequence[AppliedWaiver], accepted: Sequence[Accepted], today: dt.date
) -> tuple[list[Ledger], list[dict[str, Any]]]:
    """Return the ledgers with waived findings marked, and one row per waiver with its state and what it covers.

    The findings of our own rules come with their status from the gate; here they only learn which waiver it was.
    A waiver of a checker that did not run is neither used nor stale: nobody can tell.
    """
    entries = [_applied(each, today) for each in waivers] + [_accepted(each, today) for each in accepted]
    by_finding: dict[str, list[int]] = {}
    for index, entry in enumerate(entries):
        by_finding.setdefault(entry.row["finding"], []).append(index)
    covering = {
        check: found
        for ledger in ledgers
        for check in ledger.checks
        if check.status in (*_OPEN, *_ANSWERED)
        if (found := _covering(check, entries, by_finding))
    }
    laid = [
        replace(ledger, checks=tuple(_laid(check, entries, covering.get(check, [])) for check in ledger.checks))
        for ledger in ledgers
    ]
    used = Counter(index for found in covering.values() for index in found)
    absent = {ledger.tool for ledger in ledgers if not ledger.ran}
    # One decision may stand on several stacks (a waiver by rule): it is stale when it covers nothing in any of them.
    alive = {_decision(entry.row) for index, entry in enumerate(entries) if used[index]}
    return laid, [
        {**entry.row, "covers": used[index], "state": _state(entry, _decision(entry.row) in alive, absent)}
        for index, entry in enumerate(entries)
    ]


def _covering(check: Check, entries: Sequence[_Entry], by_finding: Mapping[str, list[int]]) -> list[int]:
    candidates = [index for name in (check.finding, *check.twin) for index in by_finding.get(name, ())]
    return [index for index in candidates if entries[index].covers(check)]


def _laid(check: Check, entries: Sequence[_Entry], found: Sequence[int]) -> Check:
    if not found:
        return check
    # The one with the latest review date counts, as in the gate: an old waiver does not undo a renewed one.
    best = max(found, key=lambda index: entries[index].row["review"])
    if check.status in _ANSWERED:
        return replace(check, waiver=best)
    if check.tool == "mlops":
        return check
    expired = entries[best].row["days_left"] < 0
    return replace(check, waiver=best, status="WAIVER_EXPIRED" if expired else "WAIVED")


def _applied(applied: AppliedWaiver, today: dt.date) -> _Entry:
    waiver = applied.waiver
    row = {
        "finding": waiver.finding,
        "path": applied.path,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "review": waiver.review,
        "days_left": (dt.date.fromisoformat(waiver.review) - today).days,
        "compensating_control": waiver.compensating_control,
        "ticket": waiver.ticket,
    }

    def covers(check: Check) -> bool:
        return any(applied.covers(name, check.path) for name in (check.finding, *check.twin))

    return _Entry(row, covers)


def _accepted(entry: Accepted, today: dt.date) -> _Entry:
    row = {
        "finding": entry.finding,
        "path": ", ".join(entry.paths),
        "reason": entry.reason,
        "owner": entry.owner,
        "review": entry.review,
        "days_left": (dt.date.fromisoformat(entry.review) - today).days,
        "compensating_control": entry.compensating_control,
        "ticket": entry.ticket,
    }
    # One file serves every environment, and not every one has every resource: a test sees to it that each is used.
    return _Entry(row, entry.covers, idle="UNUSED")


def _decision(row: dict[str, Any]) -> tuple[str, ...]:
    return row["finding"], row["reason"], row["owner"], row["review"]


def _state(entry: _Entry, alive: bool, absent: set[str]) -> str:
    if entry.row["days_left"] < 0:
        return "EXPIRED"
    if alive:
        return "ACTIVE"
    return "NOT_JUDGED" if entry.row["finding"].split("::")[0] in absent else entry.idle
