"""A grammar of privilege escalations: actions that hand out more rights, each on everything and on a scoped resource.

Sources: the published catalogues of IAM privilege escalation paths (Rhino Security Labs 2018-2019, and their
successors), regrouped by what the attacker gains.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

OWN_POLICY = (
    "iam:CreatePolicyVersion policy",
    "iam:SetDefaultPolicyVersion policy",
    "iam:AttachRolePolicy role",
    "iam:AttachUserPolicy user",
    "iam:AttachGroupPolicy group",
    "iam:PutRolePolicy role",
    "iam:PutUserPolicy user",
    "iam:PutGroupPolicy group",
    "iam:AddUserToGroup group",
    "iam:UpdateAssumeRolePolicy role",
    "iam:DeleteRolePermissionsBoundary role",
    "iam:PutRolePermissionsBoundary role",
)
"""Rewrites what a principal may do."""

CREDENTIALS = (
    "iam:CreateAccessKey user",
    "iam:CreateLoginProfile user",
    "iam:UpdateLoginProfile user",
    "sts:AssumeRole role",
    "ssm:SendCommand any",
    "ssm:StartSession any",
    "ecs:ExecuteCommand any",
    "sagemaker:CreatePresignedNotebookInstanceUrl any",
    "sagemaker:CreatePresignedDomainUrl any",
)
"""Gets the credentials of another principal."""

CODE_OF_OTHERS = (
    "lambda:UpdateFunctionCode function",
    "lambda:UpdateFunctionConfiguration function",
    "glue:UpdateJob job",
    "glue:UpdateDevEndpoint any",
    "codebuild:UpdateProject any",
    "states:UpdateStateMachine any",
    "cloudformation:UpdateStack any",
    "sagemaker:UpdateNotebookInstanceLifecycleConfig any",
    "ec2:ModifyInstanceAttribute any",
)
"""Changes code that runs under another role."""

PASS_ROLE = (
    "lambda:CreateFunction lambda:InvokeFunction",
    "lambda:CreateFunction lambda:CreateEventSourceMapping",
    "ec2:RunInstances",
    "glue:CreateDevEndpoint",
    "glue:CreateJob glue:StartJobRun",
    "cloudformation:CreateStack",
    "sagemaker:CreateNotebookInstance sagemaker:CreatePresignedNotebookInstanceUrl",
    "sagemaker:CreateTrainingJob",
    "sagemaker:CreateProcessingJob",
    "codebuild:CreateProject codebuild:StartBuild",
    "ecs:RegisterTaskDefinition ecs:RunTask",
    "states:CreateStateMachine states:StartExecution",
    "datapipeline:CreatePipeline datapipeline:PutPipelineDefinition datapipeline:ActivatePipeline",
)
"""Runs own code under a role that is passed."""

RESOURCE_POLICIES = (
    "kms:PutKeyPolicy key",
    "s3:PutBucketPolicy bucket",
    "lambda:AddPermission function",
    "secretsmanager:PutResourcePolicy any",
    "lakeformation:PutDataLakeSettings any",
)
"""Opens a resource to others."""

_SCOPES = {
    "policy": "arn:aws:iam::{account}:policy/mlops/*",
    "role": "arn:aws:iam::{account}:role/mlops/*",
    "user": "arn:aws:iam::{account}:user/analyst",
    "group": "arn:aws:iam::{account}:group/analysts",
    "function": "arn:aws:lambda:us-east-1:{account}:function:mlops-*",
    "job": "arn:aws:glue:us-east-1:{account}:job/*",
    "key": "arn:aws:kms:us-east-1:{account}:key/*",
    "bucket": "arn:aws:s3:::mlops-*",
}


def statements(account: str) -> Iterator[tuple[str, str, list[dict[str, object]]]]:
    """Yield name, control and statements of every escalation, unscoped and scoped.

    Args:
        account: Account of the environment, for the scoped resources.
    """
    for line in chain(OWN_POLICY, CREDENTIALS, CODE_OF_OTHERS, RESOURCE_POLICIES):
        action, scope = line.split()
        yield f"{action} on *", "IAM-2", [allow([action], "*")]
        if scope in _SCOPES:
            yield f"{action} on {scope}", "IAM-2", [allow([action], _SCOPES[scope].format(account=account))]
    for line in PASS_ROLE:
        actions, role = line.split(), _SCOPES["role"].format(account=account)
        yield f"iam:PassRole + {line} on *", "IAM-3", [allow(["iam:PassRole", *actions], "*")]
        yield f"iam:PassRole + {line} on role", "IAM-3", [allow(["iam:PassRole"], role), allow(actions, "*")]


def allow(actions: list[str], resource: str) -> dict[str, object]:
    """A statement that allows actions on a resource."""
    return {"Effect": "Allow", "Action": actions, "Resource": resource}
