"""Boundary: the permissions no role of an environment can exceed, whatever its own policies say."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from mlops_constructs.governance.grants import flat
from mlops_constructs.governance.known import place_of
from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import NETWORK_INTERFACES, OWNER, REVIEW

# Whole services, because a boundary grants nothing: what a role may do is the part of its own, exact policy inside.
SERVICES = (
    "application-autoscaling",
    "athena",
    "cloudwatch",
    "dynamodb",
    "ecr",
    "events",
    "glue",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sagemaker",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
    "sts",
    "xray",
)
# What no workflow, function or job ever needs: opening things up, and destroying what cannot be made again.
FORBIDDEN = (
    "kms:ScheduleKeyDeletion",
    "kms:DisableKey",
    "kms:PutKeyPolicy",
    "s3:DeleteBucket",
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutEncryptionConfiguration",
    "dynamodb:DeleteTable",
    "dynamodb:DeleteBackup",
    "lambda:AddPermission",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "logs:DeleteLogGroup",
    "states:UpdateStateMachine",
    "states:DeleteStateMachine",
    "sagemaker:CreatePresignedDomainUrl",
    "sagemaker:CreatePresignedNotebookInstanceUrl",
    # Code that runs in somebody else's machine, notebook or role.
    "sagemaker:CreateStudioLifecycleConfig",
    "sagemaker:CreateNotebookInstanceLifecycleConfig",
    "sagemaker:UpdateNotebookInstanceLifecycleConfig",
    "ssm:SendCommand",
    "ssm:StartSession",
    "glue:UpdateDevEndpoint",
)


class Boundary(Construct):
    """A managed policy to be set as permissions boundary of every role.

    Allows the services the platform uses and passing roles of its own path; forbids changing identities (no `iam:`
    action but `PassRole`), opening or destroying shared resources, and carrying objects into buckets of other accounts.

    Args:
        name: Name of the policy; roles of other stacks address it by this name.
        path: IAM path of the policy and of the roles that may be passed on, for example `/mlops/dev/`.
        reads: Further actions for people, which look at what no workflow touches; none by default.

    Attributes:
        policy: The `iam.ManagedPolicy`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        path: str,
        reads: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, id)
        here = place_of(self)
        roles = f"arn:{here.partition}:iam::{here.account}:role{path}*"
        # Application Auto Scaling of endpoints acts through this role, which the first registration creates.
        scaling = (
            f"arn:{here.partition}:iam::{here.account}:role/aws-service-role/"
            "sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
        )
        interfaces = sorted({*NETWORK_INTERFACES.actions, "ec2:CreateTags", "ec2:DeleteTags"})
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=name,
            path=path,
            description="Upper bound of every role of this environment; grants nothing by itself",
            statements=[
                _allow("Services", [f"{service}:*" for service in SERVICES], ["*"]),
                *([_allow("People", list(reads), ["*"])] if reads else []),
                _allow("NetworkInterfaces", interfaces, ["*"]),
                _allow("PassOwnRoles", ["iam:PassRole", "iam:GetRole"], [roles]),
                _allow("ScalingRole", ["iam:CreateServiceLinkedRole", "iam:PassRole"], [scaling]),
                iam.PolicyStatement(
                    sid="IAM5Forbidden", effect=iam.Effect.DENY, actions=list(FORBIDDEN), resources=["*"]
                ),
                iam.PolicyStatement(
                    sid="ENC2GrantsOnlyForServices",
                    effect=iam.Effect.DENY,
                    actions=["kms:CreateGrant"],
                    resources=["*"],
                    # SageMaker encrypts the volumes of jobs and endpoints through grants.
                    conditions={"Bool": {"kms:GrantIsForAWSResource": "false"}},
                ),
                iam.PolicyStatement(
                    sid="PUB1NoForeignBuckets",
                    effect=iam.Effect.DENY,
                    actions=["s3:PutObject", "s3:PutObjectAcl"],
                    resources=["*"],
                    # A request that says no account is one the service makes for us, not a way out.
                    conditions={
                        "StringNotEquals": {"aws:ResourceAccount": here.account},
                        "Null": {"aws:ResourceAccount": "false"},
                    },
                ),
            ],
        )
        findings = [f"IAM5[Action::{service}:*]" for service in SERVICES] + ["IAM5[Resource::*]"]
        findings.append(f"IAM5[Resource::{flat(self, roles)}]")
        waive(
            self.policy,
            *(_waiver("AwsSolutions", finding) for finding in findings),
            *(_waiver(pack, "IAMPolicyNoStatementsWithFullAccess") for pack in ("NIST.800.53.R5", "HIPAA.Security")),
        )


def _allow(sid: str, actions: list[str], resources: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=actions, resources=resources)


def _waiver(pack: str, finding: str) -> Waiver:
    return Waiver(
        finding=f"{pack}::{pack}-{finding}",
        reason="A permissions boundary only limits: every role still needs its own policy, with actions and ARNs.",
        owner=OWNER,
        review=REVIEW,
    )
