"""One status out of many: the worst one counts, and nothing judged is not the same as nothing wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

WORST_FIRST = ("ERROR", "NON_COMPLIANT", "WAIVER_EXPIRED", "NOT_EVALUATED", "WAIVED", "COMPLIANT")
"""What a control or a requirement can be."""

OF_CHECK = {
    "PASS": "COMPLIANT",
    "FAIL": "NON_COMPLIANT",
    "WAIVED": "WAIVED",
    "WAIVER_EXPIRED": "WAIVER_EXPIRED",
    "NOT_EVALUATED": "NOT_EVALUATED",
    "ERROR": "ERROR",
}
"""Status of one check, in the words of a reviewer."""

FAILING = frozenset({"FAIL", "ERROR", "WAIVER_EXPIRED"})
"""Statuses of a check that fail the review."""


def worst(statuses: Iterable[str]) -> str:
    """The worst of the statuses; `NOT_EVALUATED` of none."""
    found = set(statuses)
    return next((each for each in WORST_FIRST if each in found), "NOT_EVALUATED")


def counted(statuses: Iterable[str]) -> dict[str, int]:
    """How often each status occurs, worst first, those that do not occur left out."""
    found = Counter(statuses)
    return {each: found[each] for each in WORST_FIRST if found[each]}
