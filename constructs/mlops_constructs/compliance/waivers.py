"""Waivers: findings that somebody accepted, with a reason, an owner and a date, as data.

Beside a construct a waiver is written as acknowledgement of the CDK (`governance.waive`), whose reason ends in the
fields; the CDK notes it in the assembly, where `read_waivers` finds it. Templates that others wrote bring a YAML file.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.template import Acknowledgement
from mlops_constructs.compliance.templates import TemplateError, acknowledgements, parse, read_text

PACK = "MLOps"
SHORTEST_REASON = 20
_FIELDS = re.compile(
    r"(?P<reason>.*) \(owner (?P<owner>[^,()]+), review (?P<review>\d{4}-\d{2}-\d{2})"
    r"(?:, compensated by (?P<compensating_control>.+?))?(?:, ticket (?P<ticket>[^,()]+))?\)",
    re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One accepted finding.

    Args:
        finding: Qualified id, rule and detail: `AwsSolutions::AwsSolutions-IAM5[Resource::*]`.
        reason: Why the finding is acceptable here, in a sentence a reviewer can judge.
        owner: Who answers for it.
        review: Day it must be looked at again (ISO date); after it the build fails.
        compensating_control: What keeps the risk small instead; the gate asks for it where the finding is serious.
        ticket: Where the decision was taken, if there is such a place.

    Raises:
        ValueError: The finding lacks its pack, the reason says nothing, the date is not a date, or a field holds
            what cannot be read back out of an acknowledgement.
    """

    finding: str
    reason: str
    owner: str
    review: str
    compensating_control: str = ""
    ticket: str = ""

    def __post_init__(self) -> None:
        if "::" not in self.finding.split("[")[0]:
            raise ValueError(f"finding must be qualified as Pack::Rule or Pack::Rule[detail], got {self.finding!r}")
        if len(self.reason.strip()) < SHORTEST_REASON:
            raise ValueError(f"reason of {self.finding} must be a sentence a reviewer can judge, got {self.reason!r}")
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", self.review):
            raise ValueError(f"review of {self.finding} must be a day like 2027-06-30, got {self.review!r}")
        dt.date.fromisoformat(self.review)
        if _fields(self.text) != {name: value for name, value in asdict(self).items() if name != "finding"}:
            raise ValueError(
                f"waiver of {self.finding}: owner and ticket must be names without commas and brackets, and nothing "
                f"else may look like a field; got {self.text!r}"
            )

    @property
    def text(self) -> str:
        """The fields as the reason of an acknowledgement."""
        control = f", compensated by {self.compensating_control}" if self.compensating_control else ""
        ticket = f", ticket {self.ticket}" if self.ticket else ""
        return f"{self.reason} (owner {self.owner}, review {self.review}{control}{ticket})"


@dataclass(frozen=True, kw_only=True)
class AppliedWaiver:
    """A waiver and the path of the construct it covers."""

    path: str
    waiver: Waiver

    @property
    def finding(self) -> str:
        """The finding that is waived."""
        return self.waiver.finding

    def covers(self, finding: str, path: str) -> bool:
        """Whether the finding at this construct path is the one waived here (the construct itself or one below it)."""
        return finding == self.waiver.finding and self.reaches(path)

    def reaches(self, path: str) -> bool:
        """Whether the path is the one of the waiver, or below it."""
        return self.path in (path, f"{path}/Resource") or path.startswith(f"{self.path}/")


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """What was meant as a waiver and is none: no reason, no owner, no date."""

    path: str
    finding: str
    problem: str


def parse_reason(finding: str, written: str) -> Waiver | None:
    """Return the waiver in the reason of an acknowledgement, None if it holds no owner and date.

    Raises:
        ValueError: It does, and breaks a rule of `Waiver`.
    """
    found = _fields(written)
    return None if found is None else Waiver(finding=finding, **found)


def read_waivers(path: Path) -> list[AppliedWaiver]:
    """All waivers of a synthesized assembly, nested stages included; what is no waiver is left out.

    Raises:
        ValueError: An acknowledgement with owner and date breaks another rule of `Waiver`.
    """
    noted = sorted({each for manifest in sorted(path.rglob("manifest.json")) for each in acknowledgements(manifest)})
    return [
        AppliedWaiver(path=path, waiver=waiver)
        for path, finding, reason in noted
        if (waiver := parse_reason(finding, reason))
    ]


def noted_waivers(noted: Iterable[Acknowledgement]) -> Iterator[AppliedWaiver | Unreadable]:
    """Yield the waivers of our own pack among acknowledgements, and what was meant as one and is none."""
    for path, finding, reason in sorted(set(noted)):
        if not finding.startswith(f"{PACK}::"):
            continue
        try:
            waiver = parse_reason(finding, reason)
        except ValueError as error:
            yield Unreadable(path=path, finding=finding, problem=str(error))
            continue
        if waiver:
            yield AppliedWaiver(path=path, waiver=waiver)
        else:
            yield Unreadable(path=path, finding=finding, problem="acknowledged without an owner and a review date")


def read_file(path: Path) -> list[AppliedWaiver | Unreadable]:
    """Read the waivers of templates that others wrote: a YAML or JSON list, or one under the key `waivers`.

    Raises:
        TemplateError: There is no such file, or it holds no list of mappings.
    """
    loaded = parse(path, read_text(path))
    entries = loaded.get("waivers") if isinstance(loaded, Mapping) else loaded
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise TemplateError(f"{path}: must be a list of waivers, each with {', '.join(_KEYS)}")
    return [_entry(path, number, entry) for number, entry in enumerate(entries, 1)]


def expired(waivers: Iterable[AppliedWaiver], today: dt.date) -> list[AppliedWaiver]:
    """Waivers whose review date has passed."""
    return [applied for applied in waivers if dt.date.fromisoformat(applied.waiver.review) < today]


def unused(waivers: Iterable[AppliedWaiver], findings: Iterable[tuple[str, str]]) -> list[AppliedWaiver]:
    """Waivers that cover nothing. A waiver by rule (`RULE_WAIVERS`) counts as used when the rule fires anywhere.

    Args:
        waivers: From `read_waivers`.
        findings: (qualified finding, construct path) pairs of the validation report, acknowledged ones included.
    """
    by_finding: dict[str, list[str]] = {}
    for finding, path in findings:
        by_finding.setdefault(finding, []).append(path)
    rules = {waiver.finding for waiver in RULE_WAIVERS}
    return [
        applied
        for applied in waivers
        for name in [applied.waiver.finding]
        if not (
            by_finding.get(name) if name in rules else any(applied.covers(name, p) for p in by_finding.get(name, []))
        )
    ]


_KEYS = ("path", *(each.name for each in fields(Waiver)))


def _fields(written: str) -> dict[str, str] | None:
    found = _FIELDS.fullmatch(written)
    return None if found is None else found.groupdict(default="")


def _entry(file: Path, number: int, entry: Mapping[str, Any]) -> AppliedWaiver | Unreadable:
    path, finding = str(entry.get("path") or ""), str(entry.get("finding") or "")
    values = {key: str(entry.get(key) or "") for key in _KEYS[1:]}
    strange = ", ".join(sorted(set(map(str, entry)) - set(_KEYS)))
    try:
        if strange:
            raise ValueError(f"no such field: {strange}; known are {', '.join(_KEYS)}")
        if not path:
            raise ValueError(f"waiver of {finding or 'nothing'} names no path")
        return AppliedWaiver(path=path, waiver=Waiver(**values))
    except ValueError as error:
        return Unreadable(path=path, finding=finding, problem=f"{file.name}, waiver {number}: {error}")


RULE_WAIVERS: tuple[Waiver, ...] = tuple(
    Waiver(
        finding=f"{pack}::{pack}-IAMNoInlinePolicy",
        reason="The rule fires on every policy the CDK attaches to one role; it lives and dies with its role.",
        owner="platform-security",
        review="2027-11-30",
    )
    for pack in ("NIST.800.53.R5", "HIPAA.Security")
)
"""Findings waived by rule for a whole stack, because they speak of a CDK convention and not of a resource."""
