"""IAM-3: a role is passed only by name, and only to a named service."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.identities import graph_of
from mlops_constructs.compliance.policy import Statement, is_wild
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.iam_wildcards import nameless

_ACTION, _KEY = "iam:PassRole", "iam:passedtoservice"


def _passes(estate: Estate) -> Iterator[tuple[Judgement, tuple[Statement, ...]]]:
    """Every identity policy, as a pass to be replaced by findings, with its statements that pass roles."""
    for resource, statements in graph_of(estate).policies.items():
        passing = tuple(s for s in statements if s.allows and not s.not_actions and s.covers_action(_ACTION))
        yield Judgement(resource, True), passing


def _named_service(estate: Estate) -> Iterator[Judgement]:
    for judgement, passing in _passes(estate):
        if all(_limited(statement) for statement in passing):
            yield judgement
        for statement in passing:
            if not _limited(statement):
                roles = ", ".join(statement.resources) or "roles"
                message = f"passes {roles} to any service: no condition on iam:PassedToService that names one"
                yield Judgement(judgement.resource, False, _shape(statement), message)


def _limited(statement: Statement) -> bool:
    return any(
        condition.key == _KEY and condition.positive and not any(is_wild(value) for value in condition.values)
        for condition in statement.conditions
    )


def _shape(statement: Statement) -> str:
    """What is passed in words that hold no generated name."""
    wild = [nameless(pattern) or "a pattern of roles" for pattern in statement.resources if is_wild(pattern)]
    return ", ".join(wild) or "named roles"


def _named_role(estate: Estate) -> Iterator[Judgement]:
    for judgement, passing in _passes(estate):
        wild = {
            nameless(pattern) or "a pattern of roles": pattern
            for statement in passing
            for pattern in statement.resources
            if is_wild(pattern)
        }
        excluded = [statement for statement in passing if statement.not_resources]
        if not wild and not excluded:
            yield judgement
        for shape, pattern in wild.items():
            message = f"may pass {pattern}: every role that matches, today's and tomorrow's"
            yield Judgement(judgement.resource, False, shape, message)
        if excluded:
            yield Judgement(judgement.resource, False, "NotResource", "may pass every role but some (NotResource)")


RULES: tuple[Rule, ...] = (
    Rule(
        id="IAM-3.named-service",
        title="iam:PassRole names the service",
        rationale="A role passed to another service than the one it was made for works there with the same rights.",
        remedy='Add the condition StringEquals {"iam:PassedToService": "<service>.amazonaws.com"}.',
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_named_service,
        also=("IAM-2",),
    ),
    Rule(
        id="IAM-3.named-role",
        title="iam:PassRole names the role",
        rationale="Who may pass any role can start a job with the rights of the strongest one.",
        remedy="Put the ARN of the one role into Resource.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_named_role,
        also=("IAM-2",),
    ),
)
