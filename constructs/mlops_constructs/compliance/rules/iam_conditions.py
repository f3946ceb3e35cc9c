"""IAM-1 and IAM-2: permissions that are small only as long as their condition is there."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.identities import Graph, Identity, graph_of
from mlops_constructs.compliance.policy import Statement
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.iam_escalation import Findings, judged

# Action -> the condition keys of which one must narrow it, and what it reaches without.
NARROWED: dict[str, tuple[tuple[str, ...], str]] = {
    "s3:ListBucket": (("s3:prefix",), "lists every object of the bucket, whoever it belongs to"),
    "s3:ListBucketVersions": (("s3:prefix",), "lists every version of every object of the bucket"),
    "s3:ListBucketMultipartUploads": (("s3:prefix",), "lists the uploads of everybody"),
    "iam:CreateServiceLinkedRole": (("iam:awsservicename",), "creates the role of any service"),
}
_STATUS, _APPROVED = "sagemaker:modelapprovalstatus", "approved"
_LAMBDA = "lambda.amazonaws.com"
# Services that pass references on and open no data themselves, other than their own executions.
_PASSES_ON = ({"states.amazonaws.com"}, {"events.amazonaws.com"})
_INTERFACES = "ec2:CreateNetworkInterface"
_OPENS = ("kms:Decrypt", "kms:GenerateDataKey")


def _narrowed(estate: Estate) -> Iterator[Judgement]:
    graph, findings = graph_of(estate), Findings()
    for resource, statement in _allowing(graph):
        for action, (keys, reach) in NARROWED.items():
            # A wildcard in the action is a finding of its own.
            if action.lower() in {each.lower() for each in statement.actions} and not _has(statement, keys):
                message = f"may {action} without a condition on {' or '.join(keys)}: it {reach}"
                findings.setdefault(resource, {})[action] = message
    yield from judged(graph, findings)


def _allowing(graph: Graph) -> Iterator[tuple[Resource, Statement]]:
    for resource, statements in graph.policies.items():
        yield from ((resource, statement) for statement in statements if statement.allows)


def _has(statement: Statement, keys: tuple[str, ...]) -> bool:
    return any(c.narrows and c.positive and c.key in keys for c in statement.conditions)


def _conditions_narrow(estate: Estate) -> Iterator[Judgement]:
    graph, findings = graph_of(estate), Findings()
    for resource, statement in _allowing(graph):
        for condition in statement.conditions:
            if condition.void:
                message = f"has a condition on {condition.key} that any value meets: {', '.join(condition.values)}"
                findings.setdefault(resource, {})[condition.key] = message
    yield from judged(graph, findings)


def _machines(graph: Graph, resource: Resource) -> list[Identity]:
    """Identities with a policy that no person can assume."""
    holders = graph.holders(resource)
    return [h for h in holders if h.services and not any(p.kind != "Service" for s in h.trust for p in s.principals)]


def _no_self_approval(estate: Estate) -> Iterator[Judgement]:
    graph, findings = graph_of(estate), Findings()
    for resource, statement in _allowing(graph):
        if statement.covers_action("sagemaker:UpdateModelPackage") and _machines(graph, resource):
            pinned = [c for c in statement.conditions if c.key == _STATUS and c.positive and c.narrows]
            if not any(_APPROVED not in [value.lower() for value in condition.values] for condition in pinned):
                message = "may set a model package to Approved: a machine that approves models is no approval"
                findings.setdefault(resource, {})["sagemaker:UpdateModelPackage"] = message
    yield from judged(graph, findings)


def _interfaces(estate: Estate) -> Iterator[Judgement]:
    graph, findings = graph_of(estate), Findings()
    for identity in graph.identities.values():
        granted = list(identity.allowing(_INTERFACES)) if identity.services == {_LAMBDA} else []
        if granted and not any(_denied_to_code(grant.statement) for grant in identity.grants):
            message = "lets the function's own code make network interfaces in any subnet, not the Lambda service alone"
            findings.setdefault(granted[0].resource, {})[_INTERFACES] = message
    yield from judged(graph, findings)


def _denied_to_code(statement: Statement) -> bool:
    if statement.allows or not statement.covers_action(_INTERFACES):
        return False
    return any(condition.key == "lambda:sourcefunctionarn" and condition.positive for condition in statement.conditions)


def _workflow_keys(estate: Estate) -> Iterator[Judgement]:
    """A workflow's own data are encrypted under its own context; a statement with the key but no data needs one."""
    graph, findings = graph_of(estate), Findings()
    for identity in graph.identities.values():
        if identity.services not in _PASSES_ON or any(identity.allowing("s3:GetObject")):
            continue
        for grant in identity.grants:
            statement = grant.statement
            pinned = [c for c in statement.conditions if c.positive and c.narrows]
            narrowed = any(c.key.startswith(("kms:encryptioncontext", "kms:viaservice")) for c in pinned)
            if statement.allows and not narrowed:
                for action in _OPENS:
                    if statement.covers_action(action):
                        message = f"may {action} whatever the key protects, though it handles no data itself"
                        findings.setdefault(grant.resource, {})[action] = message
    yield from judged(graph, findings)


RULES: tuple[Rule, ...] = (
    Rule(
        id="IAM-1.narrowed-by-condition",
        title="What only a condition keeps small has that condition",
        rationale="These actions name a bucket or a path and still reach all that is inside.",
        remedy="Add the condition: s3:prefix for listing, iam:AWSServiceName for service-linked roles.",
        severity=Severity.MEDIUM,
        phase=Phase.RELIABLE,
        check=_narrowed,
    ),
    Rule(
        id="IAM-1.condition-narrows",
        title="No condition that every request meets",
        rationale="A condition on * reads like a limit in every review and is none.",
        remedy="Write the values that are meant, or remove the condition and justify the permission without it.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_conditions_narrow,
    ),
    Rule(
        id="IAM-1.workflow-keys",
        title="A workflow uses a key only for its own executions",
        rationale="A workflow passes references; a key without encryption context would open everything under it.",
        remedy="Add a condition on kms:EncryptionContext:aws:states:stateMachineArn or kms:ViaService.",
        severity=Severity.MEDIUM,
        phase=Phase.RELIABLE,
        check=_workflow_keys,
        also=("ENC-2",),
    ),
    Rule(
        id="IAM-1.interfaces-by-lambda-only",
        title="Network interfaces of functions are made by Lambda, not by the function's code",
        rationale="The permission Lambda needs at start is there at run time too, for whoever takes the code over.",
        remedy="Deny the ec2 actions with ArnLike on lambda:SourceFunctionArn, as AWS advises.",
        severity=Severity.LOW,
        phase=Phase.RELIABLE,
        check=_interfaces,
        also=("NET-1",),
    ),
    Rule(
        id="IAM-2.no-self-approval",
        title="No machine can approve a model",
        rationale="The approval is the one step a person answers for; a role that can set it makes it worthless.",
        remedy="Condition sagemaker:UpdateModelPackage on sagemaker:ModelApprovalStatus Rejected.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_no_self_approval,
        also=("ML-9",),
    ),
)
