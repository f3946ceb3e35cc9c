"""The review of a change of one environment: what a person must look at before it is merged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlops_constructs.compliance.diff.access import Witness, newly_allowed
from mlops_constructs.compliance.diff.resources import Change, ResourceChange, changes
from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.finding import Finding, Status
from mlops_constructs.compliance.grants import granted
from mlops_constructs.compliance.policy import Statement, documents
from mlops_constructs.compliance.run import evaluate, waivers_of

EXPOSURE = ("PUB-", "IAM-4")
"""Controls whose findings are public or cross-account paths."""
Statements = tuple[Statement, ...]


@dataclass(frozen=True)
class Widening:
    """A policy that allows something it did not allow before, or that was not there before."""

    path: str
    kind: str
    witness: Witness
    is_new: bool


@dataclass(frozen=True)
class WaiverChange:
    """A waiver that comes, goes or says something else."""

    change: Change
    path: str
    finding: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Review:
    """What two versions of one environment differ in.

    Args:
        environment: Its name.
        guarded: Whether losing data blocks the change: staging, prod, and where nobody says.
        resources: Resources that differ.
        exposures: Findings about public or cross-account paths that were not there before.
        foreign: Policies that let in someone from outside the account who was not let in before.
        widened: Policies that allow more than before, new ones among them.
        waivers: Waivers that differ.
    """

    environment: str
    guarded: bool
    resources: tuple[ResourceChange, ...] = ()
    exposures: tuple[Finding, ...] = ()
    foreign: tuple[Widening, ...] = ()
    widened: tuple[Widening, ...] = ()
    waivers: tuple[WaiverChange, ...] = ()

    @property
    def blocking(self) -> tuple[ResourceChange, ...]:
        """Changes that lose data where data count."""
        return tuple(each for each in self.resources if self.guarded and each.loses_data)

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs that this review speaks of."""
        return not (self.resources or self.exposures or self.foreign or self.widened or self.waivers)


def review(old: Estate, new: Estate, today: dt.date) -> Review:
    """Compare two versions of one environment.

    Args:
        old: As it is.
        new: As it would be.
        today: Day on which waivers are judged.
    """
    return Review(
        environment=new.name,
        guarded=new.guarded,
        resources=tuple(changes(old, new)),
        exposures=tuple(_exposures(old, new, today)),
        foreign=tuple(_widenings(_resource_policies(old), _resource_policies(new), outside=new.account)),
        widened=(
            *_widenings(_labelled(granted(old), "role"), _labelled(granted(new), "role")),
            *_widenings(_resource_policies(old), _resource_policies(new)),
            *_widenings(_ceilings(old), _ceilings(new)),
        ),
        waivers=tuple(_waivers(old, new)),
    )


def _exposures(old: Estate, new: Estate, today: dt.date) -> Iterator[Finding]:
    before = {(each.finding, each.path) for each in _open(old, today)}
    yield from (each for each in _open(new, today) if (each.finding, each.path) not in before)


def _open(estate: Estate, today: dt.date) -> list[Finding]:
    if not estate.resources:  # an environment that is new or gone
        return []
    findings = evaluate(estate, waivers_of(estate), today)
    shown = (Status.FAIL, Status.WAIVED, Status.WAIVER_EXPIRED)
    return [each for each in findings if each.rule.startswith(EXPOSURE) and each.status in shown]


Policies = dict[tuple[str, str], Statements]


def _widenings(old: Policies, new: Policies, outside: str = "") -> Iterator[Widening]:
    for (path, kind), statements in sorted(new.items()):
        witness = newly_allowed(old.get((path, kind), ()), statements, outside=outside)
        if witness:
            yield Widening(path, kind, witness, is_new=(path, kind) not in old)


def _labelled(found: dict[str, Statements], kind: str) -> Policies:
    return {(path, kind): statements for path, statements in found.items()}


def _resource_policies(estate: Estate) -> Policies:
    """Policies of resources and trust policies of roles; an endpoint's policy opens no resource, it narrows."""
    found: Policies = {}
    for resource in estate.resources:
        if resource.type == "AWS::EC2::VPCEndpoint":
            continue
        for place, statements in documents(resource.properties):
            if any(each.names_principals for each in statements):
                kind = "trust" if place.endswith("AssumeRolePolicyDocument") else f"{resource.type} policy"
                found[resource.path, kind] = statements
    return found


def _ceilings(estate: Estate) -> Policies:
    """What limits others: endpoint policies, and managed policies no role of these templates holds (boundaries)."""
    found: Policies = {}
    for resource in estate.of("AWS::EC2::VPCEndpoint", "AWS::IAM::ManagedPolicy"):
        for _, statements in documents(resource.properties):
            found[resource.path, "limit"] = statements
    return found


def _waivers(old: Estate, new: Estate) -> Iterator[WaiverChange]:
    before, after = _acknowledged(old), _acknowledged(new)
    for key in sorted(before.keys() | after.keys()):
        path, finding = key
        if key not in before:
            yield WaiverChange(Change.ADDED, path, finding, after[key])
        elif key not in after:
            yield WaiverChange(Change.REMOVED, path, finding, before[key])
        elif before[key] != after[key]:
            yield WaiverChange(Change.UPDATED, path, finding, after[key])


def _acknowledged(estate: Estate) -> dict[tuple[str, str], str]:
    noted = [each for template in estate.templates for each in template.acknowledged]
    return {(each.path, each.finding): each.reason for each in noted}


def reviews(old: Sequence[Estate], new: Sequence[Estate], today: dt.date) -> list[Review]:
    """Compare two versions of an app, environment by environment; one that is gone or new is compared with nothing.

    Two single environments are compared whatever they are called: their names may be those of folders.
    """
    if len(old) == len(new) == 1:
        return [review(old[0], new[0], today)]
    before, after = {each.name: each for each in old}, {each.name: each for each in new}
    return [
        review(
            before.get(name) or Estate(name, [], stage=after[name].stage),
            after.get(name) or Estate(name, [], stage=before[name].stage),
            today,
        )
        for name in sorted(before.keys() | after.keys())
    ]
