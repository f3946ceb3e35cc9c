"""AccountSettings: the function that turns on what CloudFormation has no resource type for, and who uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_macie as macie
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlops_constructs.governance.grants import allow, allow_names, allow_wildcard
from mlops_constructs.governance.known import place_of
from mlops_constructs.governance.own_boundary import own_boundary
from mlops_constructs.governance.wildcards import ACCOUNT_SCANS, DISCOVERY_JOBS
from mlops_constructs.orchestration.function import PlatformFunction

Scan = Literal["ECR", "LAMBDA", "LAMBDA_CODE"]
Weekday = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]


class AccountSettings(Construct):
    """One function behind `Custom::InspectorScans` and `Custom::MacieJob`; it may do nothing until one is made.

    Args:
        encryption_key: Key of the function's environment.
        log_key: Key of its log group; the encryption key by default. Must allow CloudWatch Logs.
        boundary_path: IAM path of a permissions boundary of its own, in place of the one its stack sets, which may not
            know Inspector and Macie. None by default.

    Attributes:
        function: The `PlatformFunction`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        encryption_key: kms.IKey,
        log_key: kms.IKey | None = None,
        boundary_path: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.function = PlatformFunction(
            self,
            "Function",
            folder="account_settings",
            environment={},
            encryption_key=encryption_key,
            log_key=log_key,
            timeout=Duration.minutes(5),
        )
        if boundary_path:
            actions = sorted({*ACCOUNT_SCANS.actions, *DISCOVERY_JOBS.actions, "iam:CreateServiceLinkedRole"})
            own_boundary(self, "Boundary", role=self.function.role, path=boundary_path, actions=actions, function=True)


class VulnerabilityScanning(Construct):
    """Amazon Inspector for images and functions. CloudFormation has no type for it: the function calls the service.

    Args:
        settings: The function that calls Inspector; shared with `SensitiveData`.
        scans: What is scanned: images, dependencies of functions, code of functions (which needs LAMBDA too).

    Attributes:
        resource: The `CustomResource`; when it goes, the scans are turned off.

    Raises:
        ValueError: Nothing is scanned, or code without dependencies.
    """

    def __init__(
        self, scope: Construct, id: str, *, settings: AccountSettings, scans: Sequence[Scan] = ("ECR", "LAMBDA")
    ) -> None:
        super().__init__(scope, id)
        if not scans or ("LAMBDA_CODE" in scans and "LAMBDA" not in scans):
            raise ValueError(f"scans: got {list(scans)}; give ECR, LAMBDA or both, and LAMBDA_CODE only with LAMBDA")
        here, role = place_of(self), settings.function.role
        allow_wildcard(role, ACCOUNT_SCANS)
        service = "inspector2.amazonaws.com"
        allow(
            role,
            "iam:CreateServiceLinkedRole",
            on=[
                f"arn:{here.partition}:iam::{here.account}:role/aws-service-role/{service}/"
                "AWSServiceRoleForAmazonInspector2"
            ],
            conditions={"StringEquals": {"iam:AWSServiceName": service}},
        )
        self.resource = CustomResource(
            self,
            "Scans",
            resource_type="Custom::InspectorScans",
            service_token=settings.function.function_arn,
            properties={"Setting": "inspector-scans", "ResourceTypes": list(scans)},
        )
        self.resource.node.add_dependency(settings.function)


class SensitiveData(Construct):
    """Amazon Macie and a weekly job that looks for personal data in buckets.

    The session is a resource of CloudFormation, the job is not: the function starts and ends it. A changed job is a
    new one; the old one ends.

    Args:
        settings: The function that calls Macie; shared with `VulnerabilityScanning`.
        job_name: Name of the job; jobs of this name belong to the construct.
        buckets: What is looked through.
        keys: Keys of the buckets; Macie gets leave to decrypt with them.
        weekday: When the job runs.
        sampling_percent: Share of the new objects that is looked at, 1 to 100. 100 by default; Macie bills the bytes.

    Attributes:
        session: The `macie.CfnSession`; publishes findings every 15 minutes.
        job: The `CustomResource` of the job.

    Raises:
        ValueError: There is no bucket, or the share is not one.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: AccountSettings,
        job_name: str,
        buckets: Sequence[s3.IBucket],
        keys: Sequence[kms.IKey] = (),
        weekday: Weekday = "SUNDAY",
        sampling_percent: int = 100,
    ) -> None:
        super().__init__(scope, id)
        if not buckets or not 1 <= sampling_percent <= 100:
            raise ValueError(
                f"got {len(buckets)} buckets and sampling_percent {sampling_percent}; give a bucket and 1 to 100"
            )
        for key in keys:
            allow_macie(key)
        here, role = place_of(self), settings.function.role
        jobs = here.arn("macie2", "classification-job/*")
        allow_names(role, DISCOVERY_JOBS, "macie2:CreateClassificationJob", "macie2:UpdateClassificationJob", on=[jobs])
        allow_wildcard(role, DISCOVERY_JOBS, "macie2:ListClassificationJobs")
        self.session = macie.CfnSession(
            self, "Session", status="ENABLED", finding_publishing_frequency="FIFTEEN_MINUTES"
        )
        self.job = CustomResource(
            self,
            "Job",
            resource_type="Custom::MacieJob",
            service_token=settings.function.function_arn,
            properties={
                "Setting": "macie-job",
                "Name": job_name,
                "Account": here.account,
                "Buckets": [bucket.bucket_name for bucket in buckets],
                "Weekday": weekday,
                "SamplingPercent": str(sampling_percent),
            },
        )
        self.job.node.add_dependency(self.session, settings.function)


def allow_macie(key: kms.IKey) -> None:
    """Let Macie of this account decrypt with the key: its own role has no permission on keys.

    The role is named by condition: it exists only once Macie is on, and a principal must exist.
    """
    here = place_of(key)
    role = "aws-service-role/macie.amazonaws.com/AWSServiceRoleForAmazonMacie"
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="MacieDecrypts",
            principals=[iam.AnyPrincipal()],
            actions=["kms:Decrypt"],
            resources=["*"],
            conditions={
                "StringEquals": {"kms:CallerAccount": here.account},
                "ArnEquals": {"aws:PrincipalArn": f"arn:{here.partition}:iam::{here.account}:role/{role}"},
            },
        )
    )
