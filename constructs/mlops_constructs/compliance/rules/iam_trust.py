"""IAM-4: roles trust nobody outside, and services only when they act for this account."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_constructs.compliance.audience import Audience, account_of, openings
from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.identities import ROLE
from mlops_constructs.compliance.policy import Principal, Statement, parse
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

# Services that assume a role inside the account only, or send no source with it: Lambda, EC2, ECS, Glue and EKS pods
# run what was made with iam:PassRole in the same account; a condition on the source would only break them.
SOURCELESS = frozenset(
    {
        "apigateway.amazonaws.com",
        "application-autoscaling.amazonaws.com",
        "autoscaling.amazonaws.com",
        "backup.amazonaws.com",
        "batch.amazonaws.com",
        "ec2.amazonaws.com",
        "ecs-tasks.amazonaws.com",
        "ecs.amazonaws.com",
        "edgelambda.amazonaws.com",
        "eks.amazonaws.com",
        "elasticmapreduce.amazonaws.com",
        "glue.amazonaws.com",
        "lambda.amazonaws.com",
        "monitoring.rds.amazonaws.com",
        "pods.eks.amazonaws.com",
        "spotfleet.amazonaws.com",
    }
)
# What must narrow a trust in the whole account, where every administrator of identities can let anybody in.
_PERSON = ("aws:principalarn", "aws:principaltag/", "aws:userid", "aws:username", "aws:multifactorauthpresent")
# Identity providers built into AWS, and the claims that say for which app or pool a login is.
_CLAIMS = {
    "cognito-identity.amazonaws.com": frozenset({"aud"}),
    "graph.facebook.com": frozenset({"app_id"}),
    "www.amazon.com": frozenset({"app_id"}),
}


def _statements(resource: Resource) -> Iterator[Statement]:
    yield from (each for each in parse(resource.get("AssumeRolePolicyDocument")) if each.allows)


def _nobody_outside(estate: Estate) -> Iterator[Judgement]:
    for role in estate.of(ROLE):
        found = {
            _detail(opening.audience, opening.who): _outside(opening.audience, opening.who)
            for statement in _statements(role)
            for opening in openings(statement, estate.account)
            if opening.audience in (Audience.PUBLIC, Audience.FOREIGN, Audience.UNKNOWN)
        }
        if not found:
            yield Judgement(role, True)
        yield from (Judgement(role, False, detail, message) for detail, message in found.items())


def _detail(audience: Audience, who: str) -> str:
    return who if audience is Audience.FOREIGN else audience.name.lower()


def _outside(audience: Audience, who: str) -> str:
    if audience is Audience.PUBLIC:
        return f"can be assumed by anybody in AWS ({who})"
    if audience is Audience.FOREIGN:
        return f"can be assumed from another account ({who})"
    return f"can be assumed by whoever a value says at deployment ({who})"


def _for_this_account(estate: Estate) -> Iterator[Judgement]:
    for role in estate.of(ROLE):
        found = {
            opening.who
            for statement in _statements(role)
            for opening in openings(statement, estate.account)
            if opening.audience is Audience.DEPUTY and opening.who not in SOURCELESS
        }
        if not found:
            yield Judgement(role, True)
        for service in sorted(found):
            message = f"trusts {service} whoever it acts for: no condition on aws:SourceAccount or aws:SourceArn"
            yield Judgement(role, False, service, message)


def _whole_account(estate: Estate) -> Iterator[Judgement]:
    for role in estate.of(ROLE):
        found = any(
            _is_root(principal, estate.account) and not _names_a_person(statement)
            for statement in _statements(role)
            for principal in statement.principals
        )
        message = "can be assumed by every identity of the account that has sts:AssumeRole" if found else ""
        yield Judgement(role, not found, "account root" if found else "", message)


def _is_root(principal: Principal, account: str) -> bool:
    value = principal.value
    return principal.kind == "AWS" and (value == account or (account_of(value) == account and value.endswith(":root")))


def _names_a_person(statement: Statement) -> bool:
    for condition in statement.conditions:
        if condition.key.startswith(_PERSON) and condition.narrows:
            if condition.operator == "bool" and condition.says("true"):
                return True
            if condition.positive:
                return True
    return False


def _federation(estate: Estate) -> Iterator[Judgement]:
    for role in estate.of(ROLE):
        found: dict[str, str] = {}
        for statement in _statements(role):
            for principal in statement.principals:
                if principal.kind == "Federated" and (missing := _unchecked(principal.value, statement)):
                    found[missing] = f"trusts {principal.value} without a condition on {missing} that names who"
        if not found:
            yield Judgement(role, True)
        yield from (Judgement(role, False, detail, message) for detail, message in found.items())


def _unchecked(provider: str, statement: Statement) -> str:
    """Name the claims of a federated login that no condition pins."""
    saml = ":saml-provider/" in provider
    wanted = frozenset({"aud"}) if saml else _CLAIMS.get(provider, frozenset({"aud", "sub"}))
    # The issuer before the claim may be a value known only at deployment: the claim is what counts.
    pinned = {c.key.rsplit(":", 1)[-1] for c in statement.conditions if c.positive and c.narrows}
    return ", ".join(sorted(wanted - pinned))


RULES: tuple[Rule, ...] = (
    Rule(
        id="IAM-4.nobody-outside",
        title="Roles are assumed only from this account",
        rationale="A role that somebody outside can assume is a door whose key others hold.",
        remedy="Trust one role of this account; a partner gets aws:PrincipalOrgID or a waiver that names him.",
        severity=Severity.CRITICAL,
        phase=Phase.INITIAL,
        check=_nobody_outside,
    ),
    Rule(
        id="IAM-4.for-this-account",
        title="Services assume roles only on behalf of this account",
        rationale="A service that acts for another customer could be made to use this role (confused deputy).",
        remedy='Add the condition StringEquals {"aws:SourceAccount": "<account>"} to the trust policy.',
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_for_this_account,
    ),
    Rule(
        id="IAM-4.no-whole-account",
        title="No role trusts its whole account",
        rationale="Trust in the account's root is trust in everybody who has sts:AssumeRole on the role.",
        remedy="Name the role or person, or add a condition on aws:PrincipalArn, aws:PrincipalTag or MFA.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_whole_account,
    ),
    Rule(
        id="IAM-4.federation-pinned",
        title="Federated logins are pinned to audience and subject",
        rationale="Without them every user or repository of the provider can assume the role.",
        remedy="Add StringEquals on <issuer>:aud and <issuer>:sub (OIDC) or SAML:aud (SAML).",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_federation,
    ),
)
