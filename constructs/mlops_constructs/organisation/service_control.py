"""Service control policies: what nobody in a member account may do, whatever the account's own policies say.

They do not bind the management account, and no service-linked role. Each statement is a control; see `documents.SIDS`.
"""

from __future__ import annotations

from mlops_constructs.organisation.settings import OrganisationSettings
from mlops_constructs.organisation.statements import PLATFORM_ROLES, Statement, deny

# Services whose endpoints are in one region for the whole world; denying them by region would stop the account.
GLOBAL_SERVICES = (
    "access-analyzer:*",
    "account:*",
    "aws-portal:*",
    "billing:*",
    "budgets:*",
    "ce:*",
    "cloudfront:*",
    "cur:*",
    "health:*",
    "iam:*",
    "invoicing:*",
    "networkmanager:*",
    "organizations:*",
    "payments:*",
    "route53:*",
    "s3:GetAccountPublic*",
    "s3:ListAllMyBuckets",
    "servicequotas:*",
    "shield:*",
    "sso:*",
    "sts:*",
    "support:*",
    "tag:*",
    "tax:*",
    "trustedadvisor:*",
)
# Monitoring schedules are not among these: one that names a job definition does not carry the keys of the definition.
WITH_ISOLATION = (
    "sagemaker:CreateTrainingJob",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateHyperParameterTuningJob",
    "sagemaker:CreateModel",
    "sagemaker:Create*JobDefinition",
)
IN_VPC = (
    *WITH_ISOLATION,
    "sagemaker:CreateAutoMLJob*",
    "sagemaker:CreateNotebookInstance",
    "sagemaker:CreateDomain",
    "sagemaker:CreateCluster",
)
WITH_OUTPUT_KEY = (
    "sagemaker:CreateTrainingJob",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateHyperParameterTuningJob",
    "sagemaker:CreateTransformJob",
    "sagemaker:CreateLabelingJob",
    "sagemaker:CreateAutoMLJob*",
    "sagemaker:Create*JobDefinition",
)
WITH_TRAFFIC_KEY = (
    "sagemaker:CreateTrainingJob",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateHyperParameterTuningJob",
    "sagemaker:CreateAutoMLJob*",
    "sagemaker:Create*JobDefinition",
)
STUDIO_SYSTEM = "system"
"""What Studio calls the instance type of its own, free apps."""


def account_statements(settings: OrganisationSettings) -> list[Statement]:
    """Regions, root user, users and keys, the organisation itself, roads to the internet."""
    elsewhere: Statement = deny(
        "NET1OnlyApprovedRegions", when={"StringNotEquals": {"aws:RequestedRegion": list(settings.regions)}}
    )
    del elsewhere["Action"]
    elsewhere["NotAction"] = list(GLOBAL_SERVICES)
    return [
        elsewhere,
        deny("AUD1NoLeavingTheOrganisation", "organizations:LeaveOrganization", "account:CloseAccount"),
        deny("IAM6NoRootUser", "*", when={"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}}),
        deny(
            "IAM6NoUsersOrAccessKeys",
            "iam:CreateUser",
            "iam:CreateAccessKey",
            "iam:CreateLoginProfile",
            "iam:UpdateLoginProfile",
        ),
        deny(
            "PUB2NoPublicAccess",
            "s3:PutAccountPublicAccessBlock",
            "ec2:DisableSnapshotBlockPublicAccess",
            "ec2:DisableImageBlockPublicAccess",
            "ec2:ModifyVpcBlockPublicAccessOptions",
        ),
        deny(
            "NET1NoRoadToTheInternet",
            "ec2:CreateInternetGateway",
            "ec2:AttachInternetGateway",
            "ec2:CreateEgressOnlyInternetGateway",
            "ec2:CreateNatGateway",
            "ec2:CreateVpcPeeringConnection",
            "ec2:AcceptVpcPeeringConnection",
        ),
        deny(
            "OPS4OnlyMetadataServiceV2",
            "ec2:RunInstances",
            on=["arn:*:ec2:*:*:instance/*"],
            when={"StringNotEquals": {"ec2:MetadataHttpTokens": "required"}},
        ),
    ]


def platform_statements(settings: OrganisationSettings) -> list[Statement]:
    """What protects the platform: its roles and boundary, its records, its detection, its keys."""
    by = settings.deployers
    return [
        deny(
            "IAM5RolesStayAsDeployed",
            "iam:DeleteRole",
            "iam:DeleteRolePermissionsBoundary",
            "iam:DeleteRolePolicy",
            "iam:PutRolePermissionsBoundary",
            "iam:PutRolePolicy",
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            on=[PLATFORM_ROLES],
            unless_by=by,
        ),
        deny(
            "IAM5PoliciesStayAsDeployed",
            "iam:AttachRolePolicy",
            "iam:DetachRolePolicy",
            on=[PLATFORM_ROLES],
            # A budget action attaches, and a person detaches, the policy that stops spending: it only denies.
            when={"ArnNotLike": {"iam:PolicyARN": "arn:*:iam::*:policy/mlops/*-stop-spending"}},
            unless_by=by,
        ),
        deny(
            "IAM5NoRoleWithoutBoundary",
            "iam:CreateRole",
            on=[PLATFORM_ROLES],
            when={"ArnNotLike": {"iam:PermissionsBoundary": list(settings.boundaries)}},
        ),
        deny(
            "IAM5BoundaryStays",
            "iam:CreatePolicyVersion",
            "iam:DeletePolicy",
            "iam:DeletePolicyVersion",
            "iam:SetDefaultPolicyVersion",
            on=["arn:*:iam::*:policy/mlops/*"],
            unless_by=by,
        ),
        deny(
            "LOG3RecordsGoOn",
            "cloudtrail:DeleteTrail",
            "cloudtrail:PutEventSelectors",
            "cloudtrail:StopLogging",
            "cloudtrail:UpdateTrail",
            "config:DeleteConfigRule",
            "config:DeleteConfigurationRecorder",
            "config:DeleteConformancePack",
            "config:DeleteDeliveryChannel",
            "config:StopConfigurationRecorder",
            unless_by=by,
        ),
        deny("LOG3EvidenceStaysLocked", "s3:BypassGovernanceRetention"),
        deny(
            "AUD1DetectionGoesOn",
            "access-analyzer:DeleteAnalyzer",
            "guardduty:DeleteDetector",
            "guardduty:DisassociateFromAdministratorAccount",
            "guardduty:StopMonitoringMembers",
            "guardduty:UpdateDetector",
            "inspector2:Disable",
            "macie2:DisableMacie",
            "securityhub:BatchDisableStandards",
            "securityhub:DisableSecurityHub",
            unless_by=[*by, "arn:*:iam::*:role/mlops/*/mlops-*-audit-*"],
        ),
        deny("ENC2KeysLive", "kms:DisableKey", "kms:ScheduleKeyDeletion", "kms:DisableKeyRotation", unless_by=by),
    ]


def ml_statements(settings: OrganisationSettings) -> list[Statement]:
    """SageMaker without isolation, VPC or keys, in public, or on instances nobody approved."""
    absent = "true"
    return [
        deny(
            "ML1DenyJobsWithoutIsolation",
            *WITH_ISOLATION,
            when={"BoolIfExists": {"sagemaker:NetworkIsolation": "false"}},
        ),
        deny("ML2DenyJobsOutsideVpc", *IN_VPC, when={"Null": {"sagemaker:VpcSubnets": absent}}),
        deny("ENC1DenyJobsWithoutOutputKey", *WITH_OUTPUT_KEY, when={"Null": {"sagemaker:OutputKmsKey": absent}}),
        deny(
            "ENC1DenyNotebooksWithoutKey",
            "sagemaker:CreateNotebookInstance",
            "sagemaker:CreateDomain",
            when={"Null": {"sagemaker:VolumeKmsKey": absent}},
        ),
        deny(
            "ENC3DenyPlainTrafficBetweenContainers",
            *WITH_TRAFFIC_KEY,
            when={"BoolIfExists": {"sagemaker:InterContainerTrafficEncryption": "false"}},
        ),
        deny(
            "ML5DenyPublicNotebooks",
            "sagemaker:CreateNotebookInstance",
            when={"StringNotEquals": {"sagemaker:DirectInternetAccess": "Disabled"}},
        ),
        deny(
            "ML5DenyRootInNotebooks",
            "sagemaker:CreateNotebookInstance",
            "sagemaker:UpdateNotebookInstance",
            when={"StringNotEquals": {"sagemaker:RootAccess": "Disabled"}},
        ),
        deny(
            "ML5DenyOldMetadataServiceInNotebooks",
            "sagemaker:CreateNotebookInstance",
            when={"StringNotEquals": {"sagemaker:MinimumInstanceMetadataServiceVersion": "2"}},
        ),
        deny(
            "ML5DenyStudioOnTheInternet",
            "sagemaker:CreateDomain",
            when={"StringNotEquals": {"sagemaker:AppNetworkAccessType": "VpcOnly"}},
        ),
        deny(
            "ML5DenyOpeningStudio",
            "sagemaker:UpdateDomain",
            when={"StringEquals": {"sagemaker:AppNetworkAccessType": "PublicInternetOnly"}},
        ),
        deny(
            "ML6DenyFeatureStoresWithoutKey",
            "sagemaker:CreateFeatureGroup",
            when={"Null": {"sagemaker:FeatureGroupOfflineStoreKmsKey": absent}},
        ),
        deny(
            # Every action: the condition holds only where a request names an instance type.
            "OPS3DenyUnapprovedInstanceTypes",
            "sagemaker:*",
            when={"ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": [*settings.instance_types, STUDIO_SYSTEM]}},
        ),
    ]
