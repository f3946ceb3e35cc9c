"""IAM-2: no identity can get more rights than it was given."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_constructs.compliance.conditions import Condition
from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.identities import Graph, graph_of
from mlops_constructs.compliance.policy import Statement, is_wild, matches
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.iam_primitives import ONLY_TAKES_AWAY, TAKES_OVER, TAMED_BY, WORST
from mlops_constructs.compliance.rules.iam_wildcards import actions_of
from mlops_constructs.compliance.wildcards import REVIEWED

_PERMISSIONS = "iam_actions_permissions.json"
_IDENTITY_SERVICES = ("iam:", "sso:", "sso-directory:")
Findings = dict[Resource, dict[str, str]]


def tame(action: str, statement: Statement) -> bool:
    """Whether conditions of the statement take the danger out of an action."""
    keys = TAMED_BY.get(action.lower(), frozenset())
    if any(_tames(condition, keys) for condition in statement.conditions):
        return True
    # A policy variable names the caller's own: `user-profile/d-1/${aws:PrincipalTag/studio}`.
    presigned = "presigned" in action.lower()
    return presigned and bool(statement.resources) and all("${aws:" in each for each in statement.resources)


def _tames(condition: Condition, keys: frozenset[str]) -> bool:
    if not any(condition.key == key or (key.endswith("/") and condition.key.startswith(key)) for key in keys):
        return False
    if condition.operator == "bool":
        return condition.says("true") and not condition.optional
    return condition.positive and condition.narrows


def judged(graph: Graph, findings: Findings) -> Iterator[Judgement]:
    """Yield a finding per policy and detail, and a pass for every identity policy without one."""
    for resource in graph.policies:
        found = findings.get(resource, {})
        if not found:
            yield Judgement(resource, True)
        yield from (Judgement(resource, False, detail, message) for detail, message in found.items())


def _dangerous(graph: Graph, actions: dict[str, str]) -> Findings:
    """Find the statements that allow one of the actions, whatever resource they name."""
    findings: Findings = {}
    known = {action.lower(): action for action in actions}
    for resource, statements in graph.policies.items():
        for statement in statements:
            if not statement.allows or statement.not_actions:
                continue  # an Allow by exclusion is IAM-1.no-exclusion
            for action in _named(statement, known):
                if tame(action, statement) or _reviewed(action, statement) or _denied(graph, resource, action):
                    continue
                where = ", ".join(statement.resources)
                message = f"may {action} on {where}: {actions[action]}{_bound(graph, resource, action)}"
                findings.setdefault(resource, {}).setdefault(_written(action, statement), message)
    return findings


def _named(statement: Statement, known: dict[str, str]) -> Iterator[str]:
    """Which actions, by their lower case, a statement allows; one without wildcard is looked up, not searched."""
    for written in {each.lower() for each in statement.actions}:
        if is_wild(written):
            yield from sorted((known[lower] for lower in known if matches(written, lower)), key=_worst_first)
        elif written in known:
            yield known[written]


def _worst_first(action: str) -> tuple[bool, str]:
    return action not in WORST, action


def _written(action: str, statement: Statement) -> str:
    """The action as the policy has it, so that `iam:*` is one finding and not sixty."""
    return next(each for each in statement.actions if matches(each.lower(), action.lower()))


def _denied(graph: Graph, resource: Resource, action: str) -> bool:
    holders = graph.holders(resource)
    return bool(holders) and not any(list(holder.allowing(action)) for holder in holders)


def _reviewed(action: str, statement: Statement) -> bool:
    return all(
        any(kind.accepts(action, pattern, statement.keys()) for kind in REVIEWED) for pattern in statement.resources
    )


def _bound(graph: Graph, resource: Resource, action: str) -> str:
    holders = graph.holders(resource)
    stopped = bool(holders) and all(holder.bounded(action) for holder in holders)
    return " (only its permissions boundary stops that)" if stopped else ""


def _identity_administration(estate: Estate) -> Iterator[Judgement]:
    actions = {
        action: "it can give itself, or a role it can use, any right"
        for action in sorted(actions_of(_PERMISSIONS) - ONLY_TAKES_AWAY)
        if action.startswith(_IDENTITY_SERVICES)
    }
    graph = graph_of(estate)
    yield from judged(graph, _dangerous(graph, actions))


def _opens_resources(estate: Estate) -> Iterator[Judgement]:
    actions = {
        action: "it can open the resource to anybody, itself included"
        for action in sorted(actions_of(_PERMISSIONS))
        if not action.startswith(_IDENTITY_SERVICES)
    }
    graph = graph_of(estate)
    yield from judged(graph, _dangerous(graph, actions))


def _takes_over_code(estate: Estate) -> Iterator[Judgement]:
    graph = graph_of(estate)
    yield from judged(graph, _dangerous(graph, TAKES_OVER))


_PHASE = Phase.REPEATABLE
RULES: tuple[Rule, ...] = (
    Rule(
        id="IAM-2.identity-administration",
        title="No identity here changes identities",
        rationale="Who can write a policy, a trust, a key or a boundary has every right those can give.",
        remedy="Leave identities to the deployment; if it must be, force a boundary with the condition "
        "iam:PermissionsBoundary, or name the policy with iam:PolicyARN.",
        severity=Severity.CRITICAL,
        phase=_PHASE,
        check=_identity_administration,
        waivable_in_prod=False,
    ),
    Rule(
        id="IAM-2.opens-resources",
        title="No identity here changes who may reach a resource",
        rationale="Who can write a resource policy, a grant or an ACL can let anybody in, itself first.",
        remedy="Set resource policies in templates; give kms:CreateGrant only with kms:GrantIsForAWSResource true.",
        severity=Severity.HIGH,
        phase=_PHASE,
        check=_opens_resources,
    ),
    Rule(
        id="IAM-2.takes-over-code",
        title="No identity here changes code that runs as somebody else",
        rationale="New code in a function, job, build or shell has the rights of the role it runs as.",
        remedy="Deploy code through the pipeline; limit presigned Studio URLs to the caller's own profile.",
        severity=Severity.HIGH,
        phase=_PHASE,
        check=_takes_over_code,
    ),
)
