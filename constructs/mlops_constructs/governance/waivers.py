"""Waivers: findings of the checkers that we accept, as data beside the resource, with an owner and a date.

A waiver is cdk-nag 3's qualified acknowledgement, its owner and date at the end of the reason. The CDK writes
acknowledgements into the assembly, where `read_waivers` finds them: the review bundle and the tests work from
`cdk.out`. An acknowledgement without owner and date is no waiver.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

ACKNOWLEDGED = "aws:cdk:acknowledged-rules"
_REASON = re.compile(r"(?P<reason>.*) \(owner (?P<owner>.*), review (?P<review>.*)\)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One accepted finding.

    Args:
        finding: Qualified id, rule and detail: `AwsSolutions::AwsSolutions-IAM5[Resource::*]`.
        reason: Why the finding is acceptable here, in a sentence a reviewer can judge.
        owner: Who answers for it.
        review: Day it must be looked at again (ISO date); after it the build fails.

    Raises:
        ValueError: The finding lacks its pack, the reason says nothing, or the date is not a date.
    """

    finding: str
    reason: str
    owner: str
    review: str

    def __post_init__(self) -> None:
        if "::" not in self.finding.split("[")[0]:
            raise ValueError(f"finding must be qualified as Pack::Rule or Pack::Rule[detail], got {self.finding!r}")
        if len(self.reason) < 20:
            raise ValueError(f"reason of {self.finding} must be a sentence a reviewer can judge, got {self.reason!r}")
        dt.date.fromisoformat(self.review)


@dataclass(frozen=True, kw_only=True)
class AppliedWaiver:
    """A waiver and the path of the construct it covers, as found in an assembly."""

    path: str
    waiver: Waiver

    def covers(self, finding: str, path: str) -> bool:
        """Whether the finding at this construct path is the one waived here (the construct itself or one below it)."""
        return finding == self.waiver.finding and (path == self.path or path.startswith(f"{self.path}/"))


def waive(construct: IConstruct, *waivers: Waiver) -> None:
    """Accept findings for a construct and everything below it, with owner and date."""
    if not waivers:
        return
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=w.finding, reason=f"{w.reason} (owner {w.owner}, review {w.review})") for w in waivers)
    )


def read_waivers(assembly: Path) -> list[AppliedWaiver]:
    """All waivers of a synthesized assembly, nested stages included."""
    return [
        AppliedWaiver(path=path, waiver=Waiver(finding=finding, **written.groupdict()))
        for path, finding, reason in sorted(set(_acknowledgements(assembly)))
        if (written := _REASON.fullmatch(reason))
    ]


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


def _acknowledgements(assembly: Path) -> Iterator[tuple[str, str, str]]:
    for manifest in sorted(assembly.rglob("manifest.json")):
        for artifact in json.loads(manifest.read_text()).get("artifacts", {}).values():
            metadata = artifact.get("metadata", {})
            if name := artifact.get("additionalMetadataFile"):
                metadata = {**metadata, **json.loads((manifest.parent / name).read_text())}
            for path, entries in metadata.items():
                for entry in entries:
                    if entry["type"] == ACKNOWLEDGED:
                        yield from ((path.lstrip("/"), finding, reason) for finding, reason in entry["data"].items())


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
