"""What duties are made of: each function gives the statements of one ability. Imports no aws_cdk."""

from __future__ import annotations

from mlops_constructs.identity.place import Place, Statement, allow
from mlops_constructs.names import VENDED_LOGS

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


def own_stacks(place: Place) -> str:
    """ARN pattern of the environment's stacks."""
    return place.arn("cloudformation", f"stack/mlops-{place.environment}-*")


def own_alarms(place: Place) -> str:
    """ARN pattern of the environment's alarms."""
    return place.arn("cloudwatch", f"alarm:mlops-{place.environment}-*")


def look_around(place: Place) -> list[Statement]:
    """Lists, metrics, alarms, dashboards."""
    return [
        allow("LookAround", LOOK_AROUND, ["*"]),
        allow("Alarms", ["cloudwatch:DescribeAlarms"], [own_alarms(place)]),
        allow(
            "Dashboards",
            ["cloudwatch:GetDashboard"],
            [place.arn("cloudwatch", f"dashboard/*-{place.environment}", regional=False)],
        ),
    ]


def read_contract(place: Place) -> list[Statement]:
    """What the environment publishes in SSM."""
    path = f"parameter/mlops/{place.environment}"
    reads = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"]
    return [allow("ReadContract", reads, [place.arn("ssm", path), place.arn("ssm", f"{path}/*")])]


def kill_switch(place: Place) -> list[Statement]:
    """Commands to the control function."""
    function = place.arn("lambda", f"function:mlops-{place.environment}-control")
    return [allow("KillSwitch", ["lambda:InvokeFunction"], [function])]


def see_registry(place: Place) -> list[Statement]:
    """Groups and versions of models."""
    groups = place.arn("sagemaker", f"model-package-group/*-{place.environment}")
    packages = place.arn("sagemaker", f"model-package/*-{place.environment}/*")
    return [
        allow("SeeGroups", ["sagemaker:DescribeModelPackageGroup"], [groups]),
        allow("SeeVersions", DESCRIBE_REGISTRY, [packages]),
    ]


def read_zones(place: Place, buckets: list[str]) -> list[Statement]:
    """Objects of the session's own workload."""
    objects = [f"{bucket}/{OWN_WORKLOAD}/*" for bucket in buckets]
    return [
        allow("ListZones", ["s3:ListBucket"], buckets, place.own_below(f"{OWN_WORKLOAD}/")),
        allow("ReadZones", ["s3:GetObject", "s3:GetObjectVersion"], objects, place.own),
    ]


def on_jobs(place: Place, verb: str) -> list[Statement]:
    """One verb on training and processing jobs."""
    kinds = {"TrainingJob": "training-job", "ProcessingJob": "processing-job"}
    return [
        allow(
            f"{verb}{kind}s",
            [f"sagemaker:{verb}{kind}"],
            [place.arn("sagemaker", f"{resource}/*-{place.environment}-*")],
        )
        for kind, resource in kinds.items()
    ]


def query_lake(place: Place) -> list[Statement]:
    """Athena on the curated tables; results of a query lie below `athena/`."""
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


def run_workflows(place: Place) -> list[Statement]:
    """Start, follow and stop the environment's workflows."""
    machines, runs = place.arn("states", "stateMachine:*"), place.arn("states", "execution:*")
    start = ["states:StartExecution", "states:ListExecutions", "states:DescribeStateMachine"]
    follow = ["DescribeExecution", "GetExecutionHistory", "StopExecution", "RedriveExecution"]
    return [
        allow("StartWorkflows", start, [machines], place.tagged),
        allow("FollowWorkflows", [f"states:{each}" for each in follow], [runs], place.tagged),
    ]


def read_logs(place: Place) -> list[Statement]:
    """Log messages of functions and workflows."""
    groups = [place.arn("logs", f"log-group:{begin}mlops-{place.environment}-*") for begin in ("", VENDED_LOGS)]
    actions = ("DescribeLogStreams", "FilterLogEvents", "GetLogEvents", "GetQueryResults", "StartQuery")
    return [allow("ReadLogs", [f"logs:{each}" for each in actions], [*groups, *(f"{group}:*" for group in groups)])]


def use_keys(
    place: Place,
    *services: str,
    classes: tuple[str, ...] = ("data", "models"),
    use: tuple[str, ...] = ("kms:Decrypt", "kms:GenerateDataKey"),
) -> list[Statement]:
    """Keys of these classes of data, only through these services."""
    through = place.key_through(*services)
    bound = {"StringEquals": {**through["StringEquals"], "aws:ResourceTag/mlops:data-class": list(classes)}}
    return [allow("UseKeys", use, [place.arn("kms", "key/*")], bound)]
