"""PUB-1: conditions of resource policies that must be there, and that no other statement makes useless."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_constructs.compliance.audience import account_of
from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.policy import Principal, Statement, documents, matches
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.resource_policies import statements_of

_KEYS = ("AWS::KMS::Key", "AWS::KMS::ReplicaKey")
_USES = (
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:CreateGrant",
)
_NAMES = ("aws:principalarn", "aws:principaltag/", "aws:userid", "kms:viaservice", "kms:encryptioncontext")


def _is_account(principal: Principal, account: str) -> bool:
    value = principal.value
    return value == account or (account_of(value) == account and value.endswith(":root"))


def _use_is_named(estate: Estate) -> Iterator[Judgement]:
    for key in estate.of(*_KEYS):
        found = {
            action: f"lets every identity of the account {action} that has it in its own policy: nothing says which"
            for statement in statements_of(key)
            if statement.allows and _delegates(statement, estate.account) and not _names(statement)
            for action in _USES
            # `kms:*` for the root hands over the whole key, which is what AWS does by default.
            if action.lower() in {each.lower() for each in statement.actions}
        }
        if not found:
            yield Judgement(key, True)
        yield from (Judgement(key, False, detail, message) for detail, message in found.items())


def _delegates(statement: Statement, account: str) -> bool:
    return any(_is_account(principal, account) for principal in statement.principals)


def _names(statement: Statement) -> bool:
    return any(c.positive and c.narrows and c.key.startswith(_NAMES) for c in statement.conditions)


def _not_shadowed(estate: Estate) -> Iterator[Judgement]:
    for resource in estate.resources:
        allows = [statement for statement in statements_of(resource) if statement.allows]
        narrow = [statement for statement in allows if statement.conditions]
        found = {
            _named(statement): "has a condition that another statement without one makes useless"
            for statement in narrow
            if any(_covers(other, statement, estate.account) for other in allows if not other.conditions)
        }
        if allows and not found:
            yield Judgement(resource, True)
        yield from (Judgement(resource, False, detail, f"{detail} {message}") for detail, message in found.items())


def _named(statement: Statement) -> str:
    return statement.sid or ", ".join(statement.actions)


def _covers(wide: Statement, narrow: Statement, account: str) -> bool:
    """Whether one statement allows all that another does, to the same principals, so that its condition is void."""
    return (
        bool(narrow.actions and narrow.principals)
        and all(_may(principal, wide, account) for principal in narrow.principals)
        and all(wide.covers_action(action) for action in narrow.actions)
        and all(any(matches(each, resource) for each in wide.resources) for resource in narrow.resources)
    )


def _may(principal: Principal, wide: Statement, account: str) -> bool:
    if principal in wide.principals:
        return True
    return _is_account(principal, account) and any(_is_account(each, account) for each in wide.principals)


def _conditions_narrow(estate: Estate) -> Iterator[Judgement]:
    for resource in estate.resources:
        documented = resource.type == "AWS::EC2::VPCEndpoint"
        written = [s for _, each in documents(resource.properties) for s in each] if documented else []
        statements = [statement for statement in (*statements_of(resource), *written) if statement.allows]
        found = {
            condition.key: f"has a condition on {condition.key} that any value meets: {', '.join(condition.values)}"
            for statement in statements
            for condition in statement.conditions
            if condition.void
        }
        if statements and not found:
            yield Judgement(resource, True)
        yield from (Judgement(resource, False, detail, message) for detail, message in found.items())


RULES: tuple[Rule, ...] = (
    Rule(
        id="PUB-1.condition-narrows",
        title="No condition that every request meets",
        rationale="A condition on * reads like a limit in every review and is none.",
        remedy="Write the values that are meant: the account, the source, the organisation.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_conditions_narrow,
    ),
    Rule(
        id="PUB-1.key-use-is-named",
        title="A key policy that hands use to the account says to which of its identities",
        rationale="Use handed to the whole account is decided by any policy anybody ever attaches to any role.",
        remedy="Condition the statement on aws:PrincipalArn, kms:ViaService or the encryption context.",
        severity=Severity.MEDIUM,
        phase=Phase.RELIABLE,
        check=_use_is_named,
        also=("ENC-2",),
    ),
    Rule(
        id="PUB-1.no-void-condition",
        title="No statement makes the condition of another one useless",
        rationale="Allow statements add up: next to the same permission without condition, a condition is decoration.",
        remedy="Remove the statement without condition, or take the condition over.",
        severity=Severity.MEDIUM,
        phase=Phase.RELIABLE,
        check=_not_shadowed,
        also=("ENC-2",),
    ),
)
