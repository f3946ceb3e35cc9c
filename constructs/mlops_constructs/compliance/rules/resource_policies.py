"""PUB-1: what a resource's own policy, permission or share lets in.

A policy is found by its shape in any property of any type, so this holds for every policy-bearing type there is
and will be: `Principal` in a statement makes it the resource's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from mlops_constructs.compliance.audience import Audience, account_of, openings
from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.policy import Statement, documents, is_wild
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.direct_grants import direct_grants

_ENDPOINT, _KEYS = "AWS::EC2::VPCEndpoint", ("AWS::KMS::Key", "AWS::KMS::ReplicaKey")
# Policies of identities and of organisations; endpoints are judged on their own.
_NO_RESOURCE = frozenset({"AWS::Organizations::Policy", _ENDPOINT})
_TRUST = "AssumeRolePolicyDocument"
# Services whose endpoint carries data to whatever resource the caller names, and what keeps them at home.
_STORES = frozenset({"s3", "s3express", "dynamodb", "sqs", "sns", "kinesis-streams", "kinesis-firehose"})
_HOME = frozenset({"aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths"})
_EVERYTHING = re.compile(r"(?P<service>[\w-]+:)?\*+")


@lru_cache(maxsize=4096)
def statements_of(resource: Resource) -> tuple[Statement, ...]:
    """Return what a resource lets others do, from its policy documents and from its properties."""
    if resource.type in _NO_RESOURCE:
        return ()
    written = [s for path, each in documents(resource.properties) if path != _TRUST for s in each if s.names_principals]
    return (*written, *direct_grants(resource))


def _let_in(estate: Estate, *audiences: Audience) -> Iterator[tuple[Resource, dict[str, str]]]:
    """Every resource with statements, and who of these audiences it lets in: name and what they may do."""
    for resource in estate.resources:
        if statements := statements_of(resource):
            found: dict[str, str] = {}
            for statement in statements:
                for opening in openings(statement, estate.account):
                    if opening.audience in audiences:
                        found.setdefault(opening.who, ", ".join(statement.actions) or "use it")
            yield resource, found


def _public(estate: Estate) -> Iterator[Judgement]:
    for resource, found in _let_in(estate, Audience.PUBLIC):
        if not found:
            yield Judgement(resource, True)
        for who, what in found.items():
            yield Judgement(resource, False, who, f"lets everybody ({who}) {what}: no condition narrows it")


def _foreign(estate: Estate) -> Iterator[Judgement]:
    for resource, found in _let_in(estate, Audience.FOREIGN, Audience.UNKNOWN):
        if not found:
            yield Judgement(resource, True)
        for who, what in found.items():
            named = "${" in who
            message = f"lets {who} {what}: " + ("known only at deployment" if named else "that is not this account")
            yield Judgement(resource, False, who, message)


def _deputy(estate: Estate) -> Iterator[Judgement]:
    for resource, found in _let_in(estate, Audience.DEPUTY):
        if not found:
            yield Judgement(resource, True)
        for who, what in found.items():
            message = f"lets {who} {what} for any customer: no aws:SourceAccount or aws:SourceArn of this account"
            yield Judgement(resource, False, who, message)


def _whole_service(estate: Estate) -> Iterator[Judgement]:
    for resource in estate.resources:
        if not (statements := statements_of(resource)):
            continue
        found = {
            f"{action} for {kind}": f"lets {who} do {action}: administration and use in one hand"
            for statement in statements
            if statement.allows
            for action in statement.actions
            if _EVERYTHING.fullmatch(action)
            for kind, who in _receivers(resource, statement, estate.account)
        }
        if not found:
            yield Judgement(resource, True)
        yield from (Judgement(resource, False, detail, message) for detail, message in found.items())


def _receivers(resource: Resource, statement: Statement, account: str) -> Iterator[tuple[str, str]]:
    for principal in statement.principals:
        root = account_of(principal.value) == account and principal.value.endswith((":root", account))
        if root and resource.type in _KEYS and not statement.conditions:
            continue  # hands the key over to the account's IAM policies: without it nobody could manage it
        yield principal.value.rsplit("/", 1)[0] if "/" in principal.value else principal.value, principal.value


def _excluding(estate: Estate) -> Iterator[Judgement]:
    for resource in estate.resources:
        if not (statements := statements_of(resource)):
            continue
        found = {
            name: f"allows everything but {', '.join(values)} ({name})"
            for statement in statements
            if statement.allows
            for name, values in (("NotAction", statement.not_actions), ("NotResource", statement.not_resources))
            if values
        }
        if any(statement.allows and statement.not_principals for statement in statements):
            found["NotPrincipal"] = "lets everybody in but some (NotPrincipal)"
        if not found:
            yield Judgement(resource, True)
        yield from (Judgement(resource, False, detail, message) for detail, message in found.items())


def _endpoints(estate: Estate) -> Iterator[Judgement]:
    for endpoint in estate.of(_ENDPOINT):
        holds_data = str(endpoint.get("ServiceName", "")).rsplit(".", 1)[-1] in _STORES
        found: dict[str, str] = {}
        for _, statements in documents(endpoint.properties):
            for statement in statements:
                if statement.allows and any(_anywhere(resource) for resource in statement.resources or ("*",)):
                    found |= _beyond(statement, estate.account, holds_data)
        if not found:
            yield Judgement(endpoint, True)
        yield from (Judgement(endpoint, False, detail, message) for detail, message in found.items())


def _beyond(statement: Statement, account: str, holds_data: bool) -> dict[str, str]:
    """What a statement of an endpoint policy lets through: whose identities, and into whose resources."""
    actions, found = ", ".join(statement.actions), {}
    if public := [o.who for o in openings(statement, account) if o.audience >= Audience.FOREIGN]:
        found[f"{actions} for {public[0]}"] = f"lets {public[0]} {actions} anywhere through the network"
    if holds_data and not any(c.positive and c.narrows and c.key in _HOME for c in statement.conditions):
        found[f"{actions} anywhere"] = (
            f"lets {actions} into resources of any account: no condition on aws:ResourceAccount"
        )
    return found


def _anywhere(resource: str) -> bool:
    """Whether a resource pattern of an endpoint policy names no bucket, table or account of its own."""
    named = resource.split(":", 5)
    return len(named) < 6 or (is_wild(named[5].split("/")[0]) if named[2] == "s3" else named[4] in ("", "*"))


RULES: tuple[Rule, ...] = (
    Rule(
        id="PUB-1.nobody-public",
        title="No resource policy is open to everybody",
        rationale="A principal * without a condition that narrows it is the whole world.",
        remedy="Name the principal, or add aws:PrincipalOrgID, aws:PrincipalAccount or aws:SourceArn.",
        severity=Severity.CRITICAL,
        phase=Phase.INITIAL,
        check=_public,
        waivable_in_prod=False,
    ),
    Rule(
        id="PUB-1.no-foreign-account",
        title="No resource policy names another account",
        rationale="Data shared with another account follow that account's rules, not ours.",
        remedy="Share through the organisation, or waive with the partner's name and contract.",
        severity=Severity.HIGH,
        phase=Phase.INITIAL,
        check=_foreign,
    ),
    Rule(
        id="PUB-1.no-confused-deputy",
        title="Services reach a resource only on behalf of this account",
        rationale="A service that acts for another customer could be made to use this resource (confused deputy).",
        remedy='Add the condition StringEquals {"aws:SourceAccount": "<account>"} or ArnLike on aws:SourceArn.',
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_deputy,
    ),
    Rule(
        id="PUB-1.no-whole-service",
        title="No resource policy gives all actions of a service",
        rationale="Who may do everything with a key or bucket may also change its policy and delete it.",
        remedy="List the actions; in key policies only the account's root keeps kms:*.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_whole_service,
        also=("ENC-2",),
    ),
    Rule(
        id="PUB-1.no-exclusion",
        title="No resource policy allows by exclusion",
        rationale="An Allow with NotPrincipal, NotAction or NotResource covers whatever nobody thought of.",
        remedy="Say who may do what on which resource.",
        severity=Severity.CRITICAL,
        phase=Phase.INITIAL,
        check=_excluding,
    ),
    Rule(
        id="PUB-1.endpoint-policy",
        title="Endpoint policies let only our identities reach only our resources",
        rationale="An open endpoint policy is the way out of a network without internet: into anybody's bucket.",
        remedy="Add aws:PrincipalAccount and aws:ResourceAccount (or the organisation's) to every statement.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_endpoints,
        also=("NET-2",),
    ),
)
