"""Known ways from a permission to more permissions, as data; sources below.

Sources: Rhino Security Labs "AWS IAM Privilege Escalation Methods", the IAM actions that AWS itself classes as
`Permissions management` (data/iam_actions_permissions.json), and the actions of each service that start code of the
caller's choice under a role that is passed to it (Service Authorization Reference, dependent action `iam:PassRole`).
"""

from __future__ import annotations

# Condition keys (lower case) that take the danger out of an action when they must have a value that narrows.
TAMED_BY: dict[str, frozenset[str]] = {
    "iam:createrole": frozenset({"iam:permissionsboundary"}),
    "iam:createuser": frozenset({"iam:permissionsboundary"}),
    "iam:putrolepolicy": frozenset({"iam:permissionsboundary"}),
    "iam:putuserpolicy": frozenset({"iam:permissionsboundary"}),
    "iam:putrolepermissionsboundary": frozenset({"iam:permissionsboundary"}),
    "iam:putuserpermissionsboundary": frozenset({"iam:permissionsboundary"}),
    "iam:attachrolepolicy": frozenset({"iam:permissionsboundary", "iam:policyarn"}),
    "iam:attachuserpolicy": frozenset({"iam:permissionsboundary", "iam:policyarn"}),
    "iam:attachgrouppolicy": frozenset({"iam:policyarn"}),
    "iam:detachrolepolicy": frozenset({"iam:policyarn"}),
    "iam:detachuserpolicy": frozenset({"iam:policyarn"}),
    "iam:detachgrouppolicy": frozenset({"iam:policyarn"}),
    "kms:creategrant": frozenset({"kms:grantisforawsresource", "kms:granteeprincipal", "kms:viaservice"}),
    "lambda:addpermission": frozenset({"lambda:principal"}),
    "sagemaker:createpresigneddomainurl": frozenset({"sagemaker:resourcetag/", "aws:resourcetag/"}),
    "sagemaker:createpresignednotebookinstanceurl": frozenset({"sagemaker:resourcetag/", "aws:resourcetag/"}),
}
# Deleting what one may not change is no way up: these only take rights away from others.
ONLY_TAKES_AWAY = frozenset(
    {"iam:DeleteAccessKey", "iam:DeleteGroup", "iam:DeleteRole", "iam:DeleteUser", "iam:DeleteLoginProfile"}
)
# What a finding about a wildcard names first.
WORST = ("iam:PutRolePolicy", "sso:PutPermissionsPolicy", "kms:PutKeyPolicy", "s3:PutBucketPolicy")
# Puts code or commands of the caller's choice where another identity's rights are.
TAKES_OVER: dict[str, str] = {
    "lambda:UpdateFunctionCode": "runs its own code as the function's role",
    "lambda:UpdateFunctionConfiguration": "adds a layer that runs as the function's role",
    "glue:UpdateJob": "changes the script of a job that has a role",
    "glue:UpdateDevEndpoint": "logs in to an endpoint that has a role",
    "states:UpdateStateMachine": "changes a workflow that has a role",
    "codebuild:UpdateProject": "changes a build that has a role",
    "codebuild:StartBuild": "overrides the build commands of a project that has a role",
    "codebuild:StartBuildBatch": "overrides the build commands of a project that has a role",
    "codepipeline:UpdatePipeline": "changes a pipeline that has a role",
    "cloudformation:UpdateStack": "changes a stack whose role may do more",
    "cloudformation:ExecuteChangeSet": "changes a stack whose role may do more",
    "datapipeline:PutPipelineDefinition": "changes a pipeline that has a role",
    "ssm:SendCommand": "runs commands on instances as their role",
    "ssm:StartSession": "opens a shell on instances as their role",
    "ssm:StartAutomationExecution": "runs automation under its role",
    "ec2-instance-connect:SendSSHPublicKey": "logs in to instances as their role",
    "ec2-instance-connect:SendSerialConsoleSSHPublicKey": "logs in to instances as their role",
    "ec2:ModifyInstanceAttribute": "changes the start script of instances that have a role",
    "ecs:ExecuteCommand": "opens a shell in tasks as their role",
    "eks:AssociateAccessPolicy": "becomes administrator of a cluster",
    "eks:CreateAccessEntry": "gives itself access to a cluster",
    "sagemaker:CreatePresignedNotebookInstanceUrl": "opens a notebook that has a role",
    "sagemaker:CreatePresignedDomainUrl": "opens Studio as another user",
    "sagemaker:CreateNotebookInstanceLifecycleConfig": "runs its own script in notebooks that have a role",
    "sagemaker:UpdateNotebookInstanceLifecycleConfig": "runs its own script in notebooks that have a role",
    "sagemaker:CreateStudioLifecycleConfig": "runs its own script in Studio as its users",
    "apprunner:UpdateService": "changes the code of a service that has a role",
    "amplify:UpdateApp": "changes the build of an app that has a role",
    "scheduler:UpdateSchedule": "changes the target of a schedule that has a role",
    "pipes:UpdatePipe": "changes the target of a pipe that has a role",
    "organizations:AttachPolicy": "changes the limits of the whole organisation",
    "organizations:DetachPolicy": "removes the limits of the whole organisation",
    "organizations:UpdatePolicy": "changes the limits of the whole organisation",
    "organizations:LeaveOrganization": "leaves the limits of the organisation behind",
    "account:PutAlternateContact": "redirects the account's security mail",
    "cognito-identity:SetIdentityPoolRoles": "chooses the role that users of a pool get",
}
# Service that a role is passed to -> actions that start something under it.
RUNS: dict[str, tuple[str, ...]] = {
    "airflow.amazonaws.com": ("airflow:CreateEnvironment", "airflow:UpdateEnvironment"),
    "amplify.amazonaws.com": ("amplify:CreateApp",),
    "automation.amazonaws.com": ("ssm:StartAutomationExecution",),
    "autoscaling.amazonaws.com": ("autoscaling:CreateAutoScalingGroup", "autoscaling:CreateLaunchConfiguration"),
    "batch.amazonaws.com": ("batch:CreateComputeEnvironment",),
    "bedrock.amazonaws.com": ("bedrock:CreateAgent", "bedrock:UpdateAgent", "bedrock:CreateFlow"),
    "bedrock-agentcore.amazonaws.com": (
        "bedrock-agentcore:CreateAgentRuntime",
        "bedrock-agentcore:CreateCodeInterpreter",
    ),
    "cloudformation.amazonaws.com": (
        "cloudformation:CreateStack",
        "cloudformation:UpdateStack",
        "cloudformation:CreateChangeSet",
        "cloudformation:CreateStackSet",
    ),
    "codebuild.amazonaws.com": ("codebuild:CreateProject", "codebuild:UpdateProject"),
    "codedeploy.amazonaws.com": ("codedeploy:CreateDeploymentGroup",),
    "codepipeline.amazonaws.com": ("codepipeline:CreatePipeline", "codepipeline:UpdatePipeline"),
    "databrew.amazonaws.com": ("databrew:CreateRecipeJob", "databrew:CreateProfileJob"),
    "datapipeline.amazonaws.com": ("datapipeline:CreatePipeline",),
    "ec2.amazonaws.com": (
        "ec2:RunInstances",
        "ec2:RequestSpotInstances",
        "ec2:RequestSpotFleet",
        "ec2:CreateFleet",
        "ec2:AssociateIamInstanceProfile",
        "ec2:ReplaceIamInstanceProfileAssociation",
        "autoscaling:CreateAutoScalingGroup",
        "elasticmapreduce:RunJobFlow",
    ),
    "ecs-tasks.amazonaws.com": (
        "ecs:RegisterTaskDefinition",
        "ecs:RunTask",
        "ecs:StartTask",
        "ecs:CreateService",
        "batch:RegisterJobDefinition",
        "batch:SubmitJob",
    ),
    "elasticmapreduce.amazonaws.com": ("elasticmapreduce:RunJobFlow",),
    "emr-serverless.amazonaws.com": ("emr-serverless:StartJobRun",),
    "events.amazonaws.com": ("events:PutTargets",),
    "glue.amazonaws.com": (
        "glue:CreateJob",
        "glue:UpdateJob",
        "glue:CreateSession",
        "glue:CreateDevEndpoint",
        "glue:CreateCrawler",
        "glue:UpdateCrawler",
        "glue:StartDataQualityRulesetEvaluationRun",
    ),
    "iot.amazonaws.com": ("iot:CreateTopicRule", "iot:ReplaceTopicRule"),
    "kinesisanalytics.amazonaws.com": ("kinesisanalytics:CreateApplication",),
    "lambda.amazonaws.com": ("lambda:CreateFunction", "lambda:UpdateFunctionConfiguration", "synthetics:CreateCanary"),
    "pipes.amazonaws.com": ("pipes:CreatePipe", "pipes:UpdatePipe"),
    "sagemaker.amazonaws.com": (
        "sagemaker:CreateTrainingJob",
        "sagemaker:CreateProcessingJob",
        "sagemaker:CreateHyperParameterTuningJob",
        "sagemaker:CreateAutoMLJob",
        "sagemaker:CreateAutoMLJobV2",
        "sagemaker:CreateModel",
        "sagemaker:CreateNotebookInstance",
        "sagemaker:UpdateNotebookInstance",
        "sagemaker:CreateDomain",
        "sagemaker:CreateUserProfile",
        "sagemaker:UpdateUserProfile",
        "sagemaker:CreatePipeline",
        "sagemaker:UpdatePipeline",
        "sagemaker:CreateMonitoringSchedule",
        "sagemaker:CreateDataQualityJobDefinition",
        "sagemaker:CreateModelQualityJobDefinition",
        "sagemaker:CreateLabelingJob",
        "sagemaker:CreateCluster",
        "sagemaker:CreateInferenceComponent",
        "sagemaker:CreateInferenceExperiment",
    ),
    "scheduler.amazonaws.com": ("scheduler:CreateSchedule", "scheduler:UpdateSchedule"),
    "ssm.amazonaws.com": ("ssm:CreateAssociation", "ssm:RegisterTaskWithMaintenanceWindow"),
    "states.amazonaws.com": ("states:CreateStateMachine", "states:UpdateStateMachine"),
    "tasks.apprunner.amazonaws.com": ("apprunner:CreateService",),
    "transfer.amazonaws.com": ("transfer:CreateServer", "transfer:CreateUser"),
}
ASSUMES = ("sts:AssumeRole",)
