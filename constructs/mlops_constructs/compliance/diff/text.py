"""A review of a change as Markdown, for the text of a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlops_constructs.compliance.diff.resources import Change, ResourceChange
from mlops_constructs.compliance.diff.review import Review, Widening

MOST = 40
"""Rows of a list before the rest is only counted: a pull request is read by a person."""


def markdown(reviews: Sequence[Review]) -> str:
    """The whole text."""
    blocked = [review for review in reviews if review.blocking]
    verdict = "**Blocked**: data would be lost." if blocked else "Nothing blocks this change."
    lines = ["# Review of the change", "", verdict, ""]
    for review in reviews:
        lines += [f"## {review.environment}", ""]
        lines += ["No difference.", ""] if review.is_empty else list(_sections(review))
    return "\n".join(lines).rstrip() + "\n"


def _sections(review: Review) -> Iterator[str]:
    yield from _section("Loses data (blocks)", [_lost(each) for each in review.blocking])
    unguarded = [each for each in review.resources if each.loses_data and each not in review.blocking]
    yield from _section("Loses data (does not block here)", [_lost(each) for each in unguarded])
    yield from _section("Lets in someone from outside the account", [_widening(each) for each in review.foreign])
    found = [f"`{each.path}`: {each.finding}: {each.message} ({each.status})" for each in review.exposures]
    yield from _section("New public or cross-account paths", found)
    yield from _section("Allows more than before", [_widening(each) for each in review.widened])
    waivers = [f"{each.change} `{each.finding}` at `{each.path}`: {each.text}" for each in review.waivers]
    yield from _section("Waivers", waivers)
    for change in (Change.ADDED, Change.REMOVED, Change.REPLACED, Change.UPDATED):
        listed = [_resource(each) for each in review.resources if each.change is change]
        yield from _section(f"Resources: {change}", listed)


def _section(title: str, rows: Sequence[str]) -> Iterator[str]:
    if not rows:
        return
    yield f"### {title} ({len(rows)})"
    yield ""
    yield from (f"- {row}" for row in rows[:MOST])
    if len(rows) > MOST:
        yield f"- and {len(rows) - MOST} more"
    yield ""


def _resource(change: ResourceChange) -> str:
    because = f": {', '.join(change.because)}" if change.because else ""
    return f"`{change.resource.path}` ({change.resource.type}){because}"


def _lost(change: ResourceChange) -> str:
    after = "CloudFormation keeps the old one, outside the stack" if change.kept else "CloudFormation deletes it"
    new = "; the new one starts empty" if change.change is Change.REPLACED else ""
    return f"{change.change}: {_resource(change)}. {after}{new}"


def _widening(widening: Widening) -> str:
    return f"`{widening.path}` ({widening.kind}): {widening.witness}"
