"""IAM-2: what an identity reaches through roles, by starting something under one or by assuming one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.identities import Grant, Graph, Identity, graph_of
from mlops_constructs.compliance.policy import Statement, is_wild, matches
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.iam_escalation import Findings, judged
from mlops_constructs.compliance.rules.iam_primitives import ASSUMES, RUNS
from mlops_constructs.compliance.rules.iam_wildcards import nameless


def _pass_and_run(estate: Estate) -> Iterator[Judgement]:
    graph, findings = graph_of(estate), Findings()
    for identity in graph.identities.values():
        for grant in identity.allowing("iam:PassRole"):
            for service, action in _started(identity, grant):
                if not _in_its_workflow(estate, identity, action) and (more := _gain(graph, identity, grant, service)):
                    message = f"passes {more} to {service} and may {action}: it runs its own code with those rights"
                    findings.setdefault(grant.resource, {}).setdefault(f"{action} with iam:PassRole", message)
    yield from judged(graph, findings)


def _started(identity: Identity, grant: Grant) -> Iterator[tuple[str, str]]:
    """What the identity can start under a role it may pass: service and action."""
    for service, actions in RUNS.items():
        if passes_to(grant.statement, service):
            yield from ((service, action) for action in actions if any(identity.allowing(action)))


def passes_to(statement: Statement, service: str) -> bool:
    """Whether a PassRole statement covers a service."""
    services = [c for c in statement.conditions if c.key == "iam:passedtoservice" and c.positive]
    return all(any(matches(value, service) for value in condition.values) for condition in services)


def _gain(graph: Graph, identity: Identity, grant: Grant, service: str) -> str:
    """Name what the identity can pass and gains by, or nothing if it can do all that already."""
    if wild := [pattern for pattern in grant.statement.resources if is_wild(pattern)]:
        return f"any role of {wild[0]}"
    for role in graph.roles_matching(grant.statement):
        if service in role.services and not _within(role, identity):
            return f"role {role.resource.logical_id}, which may do more than it,"
    known = [pattern for pattern in grant.statement.resources if graph.role(pattern)]
    unknown = [pattern for pattern in grant.statement.resources if pattern not in known]
    return f"{unknown[0]}, a role nobody here can judge," if unknown else ""


def _within(role: Identity, identity: Identity) -> bool:
    """Whether an identity already has every right of a role."""
    mine = [grant.statement for grant in identity.grants if grant.statement.allows and not grant.statement.conditions]
    theirs = [grant.statement for grant in role.grants if grant.statement.allows]
    return set(role.managed) <= set(identity.managed) and all(
        any(s.covers_action(action) and any(matches(mine_, resource) for mine_ in s.resources) for s in mine)
        for statement in theirs
        for action in statement.actions
        for resource in statement.resources
    )


def _in_its_workflow(estate: Estate, identity: Identity, action: str) -> bool:
    """Whether only fixed workflows can use the identity, and one of them has a task for exactly this action."""
    if identity.services != {"states.amazonaws.com"} or any(
        principal.kind != "Service" for statement in identity.trust for principal in statement.principals
    ):
        return False
    service, name = action.split(":")
    task = re.compile(rf"arn:[^\"']*:states:::(?:aws-sdk:)?{service}:{name}\b", re.IGNORECASE)
    return any(
        task.search(str(machine.get("DefinitionString") or machine.get("Definition") or ""))
        for machine in estate.of("AWS::StepFunctions::StateMachine")
        if estate.find(machine.get("RoleArn")) is identity.resource
    )


def _assume_any_role(estate: Estate) -> Iterator[Judgement]:
    graph, findings = graph_of(estate), Findings()
    for resource, statements in graph.policies.items():
        for statement in statements:
            if not statement.allows or not any(statement.covers_action(action) for action in ASSUMES):
                continue
            for pattern in statement.resources:
                if is_wild(pattern) and (statement.actions and not statement.not_actions):
                    message = f"may assume every role of {pattern} that trusts its account"
                    shape = nameless(pattern) or "a pattern of roles"
                    findings.setdefault(resource, {})[f"sts:AssumeRole on {shape}"] = message
                elif (role := graph.role(pattern)) and (why := _administers(role)):
                    message = f"may assume role {role.resource.logical_id}, which {why}"
                    findings.setdefault(resource, {})["sts:AssumeRole of an administrator"] = message
    yield from judged(graph, findings)


def _administers(role: Identity) -> str:
    """Say why a role amounts to administration of the account, if it does."""
    if broad := [arn for arn in role.managed if re.search(r"AdministratorAccess|IAMFullAccess|PowerUser", arn)]:
        return f"has {broad[0].rsplit('/', 1)[-1]}"
    for action in ("iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:CreatePolicyVersion", "iam:CreateAccessKey"):
        if any(role.allowing(action)) and not role.bounded(action):
            return f"may {action}"
    return ""


RULES: tuple[Rule, ...] = (
    Rule(
        id="IAM-2.pass-and-run",
        title="Nobody starts code of its choice under a role that may do more",
        rationale="iam:PassRole with the right to create a job, function or instance is every right of that role.",
        remedy="Start it from a workflow whose definition is fixed, or pass only a role without further rights.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_pass_and_run,
        also=("IAM-3",),
    ),
    Rule(
        id="IAM-2.assume-any-role",
        title="Nobody assumes roles by pattern, or an administrator",
        rationale="sts:AssumeRole on a pattern reaches every role that trusts the account, today's and tomorrow's.",
        remedy="Name the role.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_assume_any_role,
    ),
)
