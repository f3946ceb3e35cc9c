"""A boundary for one role that does what no other role of the platform may: exactly its own services, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import OWNER, REVIEW

# What every function needs besides: its logs, its traces, its environment.
FUNCTION_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents", "kms:Decrypt", "xray:PutTraceSegments")
_TRACING = ("xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords")


def own_boundary(
    scope: Construct,
    id: str,
    *,
    role: iam.IRole,
    path: str,
    actions: Sequence[str],
    conditions: Mapping[str, Mapping[str, str | list[str]]] | None = None,
    function: bool = False,
) -> iam.ManagedPolicy:
    """Set a permissions boundary of its own on a role, in place of the one of its stack.

    The boundary of an environment allows no `iam:` action and no service that settles things for the whole account.
    The few roles that need one get this instead of widening everybody's.

    Args:
        scope: Parent.
        id: Construct id; let it end in `Boundary`.
        role: The role.
        path: IAM path of the policy.
        actions: What the role may at most do, named one by one.
        conditions: Under which conditions.
        function: The role is that of a function: it may also log, trace and decrypt.
    """
    statements = [iam.PolicyStatement(sid="AtMost", actions=list(actions), resources=["*"], conditions=conditions)]
    if function:
        also = [*FUNCTION_ACTIONS, *_TRACING]
        statements.append(iam.PolicyStatement(sid="Function", actions=also, resources=["*"]))
    policy = iam.ManagedPolicy(
        scope,
        id,
        path=path,
        description="Upper bound of one role; grants nothing by itself",
        statements=statements,
    )
    iam.PermissionsBoundary.of(role).apply(policy)
    waive(
        policy,
        Waiver(
            finding="AwsSolutions::AwsSolutions-IAM5[Resource::*]",
            reason="A permissions boundary only limits: the role still needs its own policy, with actions and ARNs.",
            owner=OWNER,
            review=REVIEW,
        ),
    )
    return policy
