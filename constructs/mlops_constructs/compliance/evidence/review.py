"""The review of one environment: read the templates, ask every checker, lay the waivers over, put it together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from mlops_constructs.compliance.estate import Estate, TemplateError, load
from mlops_constructs.compliance.evidence.accepted import read_accepted
from mlops_constructs.compliance.evidence.document import Document, build
from mlops_constructs.compliance.evidence.gather import Say, gather, quiet, step
from mlops_constructs.compliance.evidence.ledger.own import own_ledger, own_rules
from mlops_constructs.compliance.evidence.records import Row, mutation_row, usage_rows
from mlops_constructs.compliance.evidence.waiving import lay
from mlops_constructs.compliance.run import waivers_of
from mlops_constructs.compliance.usage.record import read_summary
from mlops_constructs.compliance.usage.unused import read_reasons
from mlops_constructs.compliance.waivers import PACK, AppliedWaiver, Unreadable, parse_reason, read_file


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to review, and what to judge it with.

    Args:
        path: A `cdk.out` folder, a folder of templates, or one template.
        date: Day of the review; waivers expire by it.
        environment: Which environment of an assembly that holds several.
        waivers: File with waivers, for templates without a cloud assembly.
        accepted: File with accepted findings of the second checkers.
        checkov: The checkov program; None leaves it out.
        usage: Recorded use of permissions by role, as `unused --record` writes it.
        reasons: Why permissions that were not used stay.
        mutation: Mutation score of the checkers, as JSON.
    """

    path: Path
    date: dt.date
    environment: str | None = None
    waivers: Path | None = None
    accepted: Path | None = None
    checkov: Path | None = None
    usage: Path | None = None
    reasons: Path | None = None
    mutation: Path | None = None


@dataclass(frozen=True)
class Review:
    """A finished review and the template files it read."""

    document: Document
    templates: tuple[Path, ...]

    @property
    def passed(self) -> bool:
        """Whether the verdict is PASSED."""
        return bool(self.document["verdict"]["status"] == "PASSED")


def review(request: Request, say: Say = quiet) -> Review:
    """Review one environment.

    Raises:
        TemplateError: The path holds no template, or several environments and none is named.
        ValueError: A waiver or an accepted finding cannot be read.
    """
    estate = _choose(load(request.path), request)
    templates = template_files(request.path, estate)
    ours = [*waivers_of(estate), *(read_file(request.waivers) if request.waivers else [])]
    foreign = _foreign_waivers(estate)
    accepted = read_accepted(request.accepted)
    usage, mutation = _usage(request, estate), mutation_row(request.mutation)
    ledgers = gather(estate, templates, lambda: own_ledger(estate, ours, request.date), request.checkov, say)
    with step(say, f"{estate.name}: statuses and inventories"):
        laid, rows = lay(ledgers, distinct([*ours, *foreign]), accepted, request.date)
        document = build(
            estate,
            templates,
            laid,
            rows,
            ours=own_rules(),
            date=request.date,
            usage=usage,
            mutation=mutation,
        )
    return Review(document, tuple(templates))


def template_files(path: Path, estate: Estate) -> list[Path]:
    """The files of an estate's templates, by name.

    Raises:
        TemplateError: Two files of one name are below the path, so that nobody can tell which one was read.
    """
    if path.is_file():
        return [path]
    found = []
    for name in sorted({template.file for template in estate.templates}):
        files = list(path.rglob(name))
        if len(files) != 1:
            raise TemplateError(f"{path}: {len(files)} files are called {name}; one was expected")
        found += files
    return found


def _choose(estates: Sequence[Estate], request: Request) -> Estate:
    names = ", ".join(sorted(each.name for each in estates))
    if request.environment is not None:
        found = [each for each in estates if each.name == request.environment]
        if not found:
            raise TemplateError(f"{request.path}: no environment {request.environment!r}; there are {names}")
        return found[0]
    if len(estates) != 1:
        raise TemplateError(f"{request.path}: holds {names}; name one with --environment")
    return estates[0]


def _foreign_waivers(estate: Estate) -> list[AppliedWaiver]:
    """Acknowledgements of other packs that are waivers; one without owner and date leaves its finding open."""
    noted = sorted({each for template in estate.templates for each in template.acknowledged})
    return [
        AppliedWaiver(path=path, waiver=waiver)
        for path, finding, reason in noted
        if not finding.startswith(f"{PACK}::") and (waiver := parse_reason(finding, reason))
    ]


def _usage(request: Request, estate: Estate) -> Row | None:
    if request.usage is None:
        return None
    reasons = read_reasons(request.reasons) if request.reasons else []
    return usage_rows(estate, read_summary(request.usage), reasons)


def distinct(waivers: Iterable[AppliedWaiver | Unreadable]) -> list[AppliedWaiver]:
    """Valid waivers, each once, in an order that depends on nothing but what they say."""
    valid = {each for each in waivers if isinstance(each, AppliedWaiver)}
    return sorted(valid, key=lambda each: (each.waiver.finding, each.path, *astuple(each.waiver)))


__all__ = ["Request", "Review", "distinct", "review", "template_files"]
