"""The statements of each persona. Imports no aws_cdk."""

from __future__ import annotations

from mlops_constructs.identity.place import Place, Statement, allow

# The session's tag: people read the data of the workload they work on, and of no other.
OWN_WORKLOAD = "${aws:PrincipalTag/workload}"
# Lists and metrics that have no resource level.
LOOK_AROUND = (
    "cloudwatch:GetMetricData",
    "cloudwatch:ListDashboards",
    "cloudwatch:ListMetrics",
    "logs:DescribeLogGroups",
    "sagemaker:ListEndpoints",
    "sagemaker:ListModelPackageGroups",
    "sagemaker:ListProcessingJobs",
    "sagemaker:ListTrainingJobs",
    "states:ListStateMachines",
)
DESCRIBE_REGISTRY = (
    "sagemaker:DescribeModelPackage",
    "sagemaker:ListModelPackages",
)


def platform_admin(place: Place) -> list[Statement]:
    """Deploys through CloudFormation only; keys are administered, never used."""
    cdk = [
        place.arn("iam", f"role/cdk-{place.qualifier}-{role}-role-{place.account}-{place.region}", regional=False)
        for role in ("deploy", "file-publishing", "image-publishing", "lookup")
    ]
    keys = ("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListGrants", "ListResourceTags")
    mend = ("CancelKeyDeletion", "EnableKey", "EnableKeyRotation", "RotateKeyOnDemand")
    return [
        *_look(place),
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
        *_contract(place),
        *_control(place),
    ]


def data_engineer(place: Place) -> list[Statement]:
    """Lands and mends data; what curation publishes is read, never written."""
    landing, quarantine = place.bucket("data-lake-lakelanding*"), place.bucket("data-lake-lakequarantine*")
    read = [place.bucket(f"data-lake-lake{zone}*") for zone in ("landing", "raw", "curated", "quarantine")]
    return [
        *_look(place),
        *_contract(place),
        *_zones(place, read),
        allow("LandData", ["s3:PutObject", "s3:AbortMultipartUpload"], [f"{landing}/{OWN_WORKLOAD}/*"], place.own),
        allow("ClearQuarantine", ["s3:DeleteObject"], [f"{quarantine}/{OWN_WORKLOAD}/*"], place.own),
        *_key(place, "s3", "athena"),
        *_query(place),
        *_workflows(place),
    ]


def data_scientist(place: Place) -> list[Statement]:
    """Reads curated data, reports and models' metrics."""
    read = [place.bucket(f"data-lake-lake{zone}*") for zone in ("curated", "artefacts")]
    return [
        *_look(place),
        *_contract(place),
        *_zones(place, read),
        *_key(place, "s3", "athena"),
        *_query(place),
        *_registry(place),
        *_jobs(place, "Describe"),
    ]


def ml_engineer(place: Place) -> list[Statement]:
    """Runs the workflows; reads no data."""
    return [
        *_look(place),
        *_contract(place),
        *_registry(place),
        *_workflows(place),
        *_control(place),
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
        *_key(place, "events", "states"),
        *_logs(place),
    ]


def approver(place: Place) -> list[Statement]:
    """Approves or rejects versions; cannot deploy, train or change anything about a version but its approval."""
    decide: dict[str, str | list[str]] = {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]}
    return [
        *_registry(place),
        allow("FindGroups", ["sagemaker:ListModelPackageGroups"], ["*"]),
        allow(
            "Approve",
            ["sagemaker:UpdateModelPackage"],
            [place.arn("sagemaker", f"model-package/*-{place.environment}/*")],
            {"StringEquals": decide},
        ),
        *_contract(place),
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
        allow("Alarms", ["cloudwatch:DescribeAlarms"], [_alarms(place)]),
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
        allow("Deployed", ["cloudformation:GetTemplate", "cloudformation:DescribeStacks"], [_stacks(place)]),
        allow("Workflows", ["states:DescribeStateMachine"], [place.arn("states", "stateMachine:*")], place.tagged),
        *_registry(place),
        allow("ListRecords", ["s3:ListBucket"], [records], place.own_below("control/")),
        allow("ReadRecords", ["s3:GetObject", "s3:GetObjectVersion"], [f"{records}/*"], place.own),
        *_key(place, "s3", classes=("evidence",), use=("kms:Decrypt",)),
    ]


def break_glass(place: Place) -> list[Statement]:
    """What brings the platform back: stop, start, restore. No data, no identities, no policies."""
    environment = place.environment
    endpoints = place.arn("sagemaker", f"endpoint/*-{environment}")
    return [
        *_look(place),
        *_contract(place),
        *_control(place),
        *_workflows(place),
        *_logs(place),
        allow(
            "Switches",
            ["ssm:PutParameter"],
            [place.arn("ssm", f"parameter/mlops/{environment}/*")],
        ),
        allow("StopEndpoints", ["sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint"], [endpoints]),
        *_jobs(place, "Stop"),
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
            [_stacks(place)],
        ),
        *_key(place, "states", "events"),
    ]


def _stacks(place: Place) -> str:
    return place.arn("cloudformation", f"stack/mlops-{place.environment}-*")


def _alarms(place: Place) -> str:
    return place.arn("cloudwatch", f"alarm:mlops-{place.environment}-*")


def _look(place: Place) -> list[Statement]:
    return [
        allow("LookAround", LOOK_AROUND, ["*"]),
        allow("Alarms", ["cloudwatch:DescribeAlarms"], [_alarms(place)]),
        allow(
            "Dashboards",
            ["cloudwatch:GetDashboard"],
            [place.arn("cloudwatch", f"dashboard/*-{place.environment}", regional=False)],
        ),
    ]


def _contract(place: Place) -> list[Statement]:
    path = f"parameter/mlops/{place.environment}"
    reads = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"]
    return [allow("ReadContract", reads, [place.arn("ssm", path), place.arn("ssm", f"{path}/*")])]


def _control(place: Place) -> list[Statement]:
    function = place.arn("lambda", f"function:mlops-{place.environment}-control")
    return [allow("KillSwitch", ["lambda:InvokeFunction"], [function])]


def _registry(place: Place) -> list[Statement]:
    groups = place.arn("sagemaker", f"model-package-group/*-{place.environment}")
    packages = place.arn("sagemaker", f"model-package/*-{place.environment}/*")
    return [
        allow("SeeGroups", ["sagemaker:DescribeModelPackageGroup"], [groups]),
        allow("SeeVersions", DESCRIBE_REGISTRY, [packages]),
    ]


def _zones(place: Place, buckets: list[str]) -> list[Statement]:
    objects = [f"{bucket}/{OWN_WORKLOAD}/*" for bucket in buckets]
    return [
        allow("ListZones", ["s3:ListBucket"], buckets, place.own_below(f"{OWN_WORKLOAD}/")),
        allow("ReadZones", ["s3:GetObject", "s3:GetObjectVersion"], objects, place.own),
    ]


def _jobs(place: Place, verb: str) -> list[Statement]:
    kinds = {"TrainingJob": "training-job", "ProcessingJob": "processing-job"}
    return [
        allow(
            f"{verb}{kind}s",
            [f"sagemaker:{verb}{kind}"],
            [place.arn("sagemaker", f"{resource}/*-{place.environment}-*")],
        )
        for kind, resource in kinds.items()
    ]


def _query(place: Place) -> list[Statement]:
    database = f"mlops_{place.environment}".replace("-", "_")
    tables = [place.arn("glue", resource) for resource in ("catalog", f"database/{database}", f"table/{database}/*")]
    artefacts = place.bucket("data-lake-lakeartefacts*")
    athena = ("StartQueryExecution", "StopQueryExecution", "GetQueryExecution", "GetQueryResults", "GetWorkGroup")
    return [
        allow("ReadCatalog", ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartitions"], tables),
        allow("Query", [f"athena:{each}" for each in athena], [place.arn("athena", "workgroup/*")], place.tagged),
        allow(
            "QueryResults",
            ["s3:GetObject", "s3:PutObject"],
            [f"{artefacts}/athena/*"],
            place.own,
        ),
        allow("FindResults", ["s3:GetBucketLocation"], [artefacts], place.own),
    ]


def _workflows(place: Place) -> list[Statement]:
    machines, runs = place.arn("states", "stateMachine:*"), place.arn("states", "execution:*")
    start = ["states:StartExecution", "states:ListExecutions", "states:DescribeStateMachine"]
    follow = ["DescribeExecution", "GetExecutionHistory", "StopExecution", "RedriveExecution"]
    return [
        allow("StartWorkflows", start, [machines], place.tagged),
        allow("FollowWorkflows", [f"states:{each}" for each in follow], [runs], place.tagged),
    ]


def _logs(place: Place) -> list[Statement]:
    groups = place.arn("logs", f"log-group:mlops-{place.environment}-*")
    actions = ("DescribeLogStreams", "FilterLogEvents", "GetLogEvents", "GetQueryResults", "StartQuery")
    return [allow("ReadLogs", [f"logs:{each}" for each in actions], [groups, f"{groups}:*"])]


def _key(
    place: Place,
    *services: str,
    classes: tuple[str, ...] = ("data", "models"),
    use: tuple[str, ...] = ("kms:Decrypt", "kms:GenerateDataKey"),
) -> list[Statement]:
    through = place.key_through(*services)
    bound = {"StringEquals": {**through["StringEquals"], "aws:ResourceTag/mlops:data-class": list(classes)}}
    return [allow("UseKeys", use, [place.arn("kms", "key/*")], bound)]
