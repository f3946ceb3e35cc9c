"""The statements of each persona. Imports no aws_cdk."""

from __future__ import annotations

from mlops_constructs.identity.abilities import (
    LOOK_AROUND,
    OWN_WORKLOAD,
    kill_switch,
    look_around,
    on_jobs,
    own_alarms,
    own_stacks,
    query_lake,
    read_contract,
    read_logs,
    read_zones,
    run_workflows,
    see_registry,
    use_keys,
)
from mlops_constructs.identity.place import Place, Statement, allow
from mlops_constructs.lineage import decision_only


def platform_admin(place: Place) -> list[Statement]:
    """Deploys through CloudFormation only; keys are administered, never used."""
    cdk = [
        place.arn("iam", f"role/cdk-{place.qualifier}-{role}-role-{place.account}-{place.region}", regional=False)
        for role in ("deploy", "file-publishing", "image-publishing", "lookup")
    ]
    keys = ("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListGrants", "ListResourceTags")
    mend = ("CancelKeyDeletion", "EnableKey", "EnableKeyRotation", "RotateKeyOnDemand")
    return [
        *look_around(place),
        allow("DeployThroughCdk", ["sts:AssumeRole"], cdk),
        allow(
            "SeeDeployments",
            [f"cloudformation:{each}" for each in ("DescribeStacks", "DescribeStackEvents", "GetTemplate")],
            [place.arn("cloudformation", f"stack/mlops-{place.environment}-*")],
        ),
        allow(
            "AdministerKeys",
            [f"kms:{each}" for each in (*keys, *mend)],
            [place.arn("kms", "key/*")],
            place.tagged,
        ),
        *read_contract(place),
        *kill_switch(place),
    ]


def data_engineer(place: Place) -> list[Statement]:
    """Lands and mends data; what curation publishes is read, never written."""
    landing, quarantine = place.bucket("data-lake-lakelanding*"), place.bucket("data-lake-lakequarantine*")
    read = [place.bucket(f"data-lake-lake{zone}*") for zone in ("landing", "raw", "curated", "quarantine")]
    return [
        *look_around(place),
        *read_contract(place),
        *read_zones(place, read),
        allow("LandData", ["s3:PutObject", "s3:AbortMultipartUpload"], [f"{landing}/{OWN_WORKLOAD}/*"], place.own),
        allow("ClearQuarantine", ["s3:DeleteObject"], [f"{quarantine}/{OWN_WORKLOAD}/*"], place.own),
        *use_keys(place, "s3", "athena"),
        *query_lake(place),
        *run_workflows(place),
    ]


def data_scientist(place: Place) -> list[Statement]:
    """Reads curated data, reports and models' metrics."""
    read = [place.bucket(f"data-lake-lake{zone}*") for zone in ("curated", "artefacts")]
    return [
        *look_around(place),
        *read_contract(place),
        *read_zones(place, read),
        *use_keys(place, "s3", "athena"),
        *query_lake(place),
        *see_registry(place),
        *on_jobs(place, "Describe"),
    ]


def ml_engineer(place: Place) -> list[Statement]:
    """Runs the workflows; reads no data."""
    return [
        *look_around(place),
        *read_contract(place),
        *see_registry(place),
        *run_workflows(place),
        *kill_switch(place),
        allow(
            "SeeEndpoints", ["sagemaker:DescribeEndpoint"], [place.arn("sagemaker", f"endpoint/*-{place.environment}")]
        ),
        allow(
            "SeeEndpointConfigs",
            ["sagemaker:DescribeEndpointConfig"],
            [place.arn("sagemaker", f"endpoint-config/*-{place.environment}-*")],
        ),
        allow(
            "AskForTraining",
            ["events:PutEvents"],
            [place.arn("events", f"event-bus/mlops-{place.environment}")],
            {"StringEquals": {"events:source": "mlops.retraining", "events:detail-type": "Retraining Requested"}},
        ),
        *use_keys(place, "events", "states"),
        *read_logs(place),
    ]


def approver(place: Place) -> list[Statement]:
    """Approves or rejects versions; cannot deploy, train or change anything about a version but its approval."""
    return [
        *see_registry(place),
        allow("FindGroups", ["sagemaker:ListModelPackageGroups"], ["*"]),
        allow(
            "Approve",
            ["sagemaker:UpdateModelPackage"],
            [place.arn("sagemaker", f"model-package/*-{place.environment}/*")],
            decision_only(["Approved", "Rejected"]),
        ),
        *read_contract(place),
    ]


def auditor(place: Place) -> list[Statement]:
    """Reads configuration and evidence; nothing that holds data."""
    everywhere = (
        *LOOK_AROUND,
        "access-analyzer:ListAnalyzers",
        "cloudtrail:DescribeTrails",
        "cloudtrail:LookupEvents",
        "config:DescribeComplianceByConfigRule",
        "config:DescribeConfigRules",
        "guardduty:ListDetectors",
        "iam:GenerateCredentialReport",
        "iam:GetAccountSummary",
        "iam:GetCredentialReport",
        "iam:ListPolicies",
        "iam:ListRoles",
        "kms:ListKeys",
        "s3:ListAllMyBuckets",
        "ssm:DescribeParameters",
    )
    bucket = ("BucketPolicy", "BucketPublicAccessBlock", "BucketVersioning", "EncryptionConfiguration")
    more = ("LifecycleConfiguration", "BucketLogging", "BucketTagging", "BucketObjectLockConfiguration")
    roles = [place.arn("iam", f"{kind}/mlops/{place.environment}/*", regional=False) for kind in ("role", "policy")]
    read = ("GetRole", "GetRolePolicy", "ListRolePolicies", "ListAttachedRolePolicies", "GetPolicy", "GetPolicyVersion")
    records = place.bucket("control-controlrecords*")
    return [
        allow("Overview", sorted(everywhere), ["*"]),
        allow("Alarms", ["cloudwatch:DescribeAlarms"], [own_alarms(place)]),
        allow("Findings", ["securityhub:GetFindings"], [place.arn("securityhub", "hub/default")]),
        allow("Analyses", ["access-analyzer:ListFindings"], [place.arn("access-analyzer", "analyzer/mlops-*")]),
        allow("Budgets", ["budgets:ViewBudget"], [place.arn("budgets", "budget/mlops-*", regional=False)]),
        allow("Trails", ["cloudtrail:GetTrailStatus"], [place.arn("cloudtrail", "trail/mlops-*")]),
        allow(
            "Rules",
            ["config:GetComplianceDetailsByConfigRule"],
            [place.arn("config", "config-rule/config-rule-*")],
        ),
        allow("BucketSettings", [f"s3:Get{each}" for each in (*bucket, *more)], [place.bucket("*")], place.own),
        allow("Roles", [f"iam:{each}" for each in read], roles),
        allow(
            "Keys",
            [f"kms:{each}" for each in ("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags")],
            [place.arn("kms", "key/*")],
            place.tagged,
        ),
        allow("Deployed", ["cloudformation:GetTemplate", "cloudformation:DescribeStacks"], [own_stacks(place)]),
        allow("Workflows", ["states:DescribeStateMachine"], [place.arn("states", "stateMachine:*")], place.tagged),
        *see_registry(place),
        allow("ListRecords", ["s3:ListBucket"], [records], place.own_below("control/")),
        allow("ReadRecords", ["s3:GetObject", "s3:GetObjectVersion"], [f"{records}/*"], place.own),
        *use_keys(place, "s3", classes=("evidence",), use=("kms:Decrypt",)),
    ]


def break_glass(place: Place) -> list[Statement]:
    """What brings the platform back: stop, start, restore. No data, no identities, no policies."""
    environment = place.environment
    endpoints = place.arn("sagemaker", f"endpoint/*-{environment}")
    return [
        *look_around(place),
        *read_contract(place),
        *kill_switch(place),
        *run_workflows(place),
        *read_logs(place),
        allow(
            "Switches",
            ["ssm:PutParameter"],
            [place.arn("ssm", f"parameter/mlops/{environment}/*")],
        ),
        allow("StopEndpoints", ["sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint"], [endpoints]),
        *on_jobs(place, "Stop"),
        allow(
            "RescueKeys",
            ["kms:DescribeKey", "kms:CancelKeyDeletion", "kms:EnableKey"],
            [place.arn("kms", "key/*")],
            place.tagged,
        ),
        allow(
            "HoldEvents",
            ["events:DescribeRule", "events:DisableRule", "events:EnableRule"],
            [place.arn("events", "rule/*")],
            place.tagged,
        ),
        allow(
            "MendDeployments",
            [
                f"cloudformation:{each}"
                for each in ("DescribeStacks", "DescribeStackEvents", "ContinueUpdateRollback", "CancelUpdateStack")
            ],
            [own_stacks(place)],
        ),
        *use_keys(place, "states", "events"),
    ]
