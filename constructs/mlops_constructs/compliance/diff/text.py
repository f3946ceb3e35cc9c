"""A review of a change as Markdown, for the text of a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlops_constructs.compliance.diff.resources import Change, ResourceChange
from mlops_constructs.compliance.diff.review import Review, Widening

MOST = 40
"""Rows of a list before the rest is only counted: a pull request is read by a person."""


def markdown(reviews: Sequence[Review], most: int | None = MOST) -> str:
    """The text.

    Args:
        reviews: One for each environment.
        most: Rows of a list before the rest is only counted; None for no limit.
    """
    blocked = [review for review in reviews if review.blocking]
    verdict = "**Blocked**: data would be lost." if blocked else "Nothing blocks this change."
    lines = ["# Review of the change", "", verdict, ""]
    for review in reviews:
        lines += [f"## {review.environment}", ""]
        lines += ["No difference.", ""] if review.is_empty else list(_sections(review, most))
    return "\n".join(lines).rstrip() + "\n"


def _sections(review: Review, most: int | None) -> Iterator[str]:
    for title, rows in _lists(review):
        if rows:
            yield from (f"### {title} ({len(rows)})", "", *(f"- {row}" for row in rows[:most]))
            if most is not None and len(rows) > most:
                yield f"- and {len(rows) - most} more, all of them in `review.html`"
            yield ""


def _lists(review: Review) -> Iterator[tuple[str, list[str]]]:
    """Titles and rows: what is new and what is changed stand apart, so that neither hides the other."""
    yield "Loses data (blocks)", [_lost(each) for each in review.blocking]
    unguarded = [each for each in review.resources if each.loses_data and each not in review.blocking]
    yield "Loses data (does not block here)", [_lost(each) for each in unguarded]
    new_first = sorted(review.foreign, key=lambda each: not each.is_new)
    yield "Lets in someone from outside the account", [_widening(each) for each in new_first]
    found = [f"`{each.path}`: {each.finding}: {each.message} ({each.status})" for each in review.exposures]
    yield "New public or cross-account paths", found
    yield "Allows more than before", [_widening(each) for each in review.widened if not each.is_new]
    yield "New, and allows", [_widening(each) for each in review.widened if each.is_new]
    for change in Change:
        waivers = [each for each in review.waivers if each.change is change]
        yield f"Waivers: {change}", [f"`{each.finding}` at `{each.path}`: {each.text}" for each in waivers]
    for change in Change:
        yield f"Resources: {change}", [_resource(each) for each in review.resources if each.change is change]


def _resource(change: ResourceChange) -> str:
    because = f": {', '.join(change.because)}" if change.because else ""
    return f"`{change.resource.path}` ({change.resource.type}){because}"


def _lost(change: ResourceChange) -> str:
    after = "CloudFormation keeps the old one, outside the stack" if change.kept else "CloudFormation deletes it"
    new = "; the new one starts empty" if change.change is Change.REPLACED else ""
    return f"{change.change}: {_resource(change)}. {after}{new}"


def _widening(widening: Widening) -> str:
    new = "new " if widening.is_new else ""
    return f"`{widening.path}` ({new}{widening.kind}): {widening.witness}"
