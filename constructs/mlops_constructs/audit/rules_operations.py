"""Rules of the conformance pack on logs, retention, network, operations and detection."""

from __future__ import annotations

from mlops_constructs.audit.rule import INSPECTOR_REGIONS, ConfigRule, managed

_LOGGING = (
    ConfigRule(
        control="LOG-1",
        identifier="CW_LOGGROUP_RETENTION_PERIOD_CHECK",
        why="A log group keeps its logs for less than the environment asks for",
        parameters={"MinRetentionTime": "{log_days}"},
    ),
    *managed(
        "LOG-2",
        {
            "S3_BUCKET_LOGGING_ENABLED": "Requests to a bucket are not logged",
            "GLUE_JOB_LOGGING_ENABLED": "A Glue job does not log",
        },
    ),
    ConfigRule(
        control="LOG-2",
        identifier="CLOUDTRAIL_S3_DATAEVENTS_ENABLED",
        why="No trail logs object events of the lake's buckets",
        parameters={"S3BucketNames": "{lake_buckets}"},
        part="trail",
    ),
    ConfigRule(
        control="LOG-2",
        identifier="workflow-logging",
        why="A workflow does not log every step",
        types=("AWS::StepFunctions::StateMachine",),
        policy="""
rule workflow_logs_everything {
    configuration.LoggingConfiguration.Level == "ALL" <<Set the log level of the workflow to ALL>>
}""",
    ),
    *managed(
        "LOG-3",
        {
            "CLOUD_TRAIL_ENABLED": "There is no trail",
            "MULTI_REGION_CLOUD_TRAIL_ENABLED": "No trail covers every region",
            "CLOUD_TRAIL_ENCRYPTION_ENABLED": "A trail is not encrypted with a KMS key",
            "CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED": "Files of a trail could be changed without a trace",
        },
    ),
)
_RETENTION = (
    *managed(
        "RET-1",
        {
            "S3_BUCKET_VERSIONING_ENABLED": "A bucket keeps no versions",
            "DYNAMODB_PITR_ENABLED": "A table cannot be restored to a point in time",
            "RDS_INSTANCE_DELETION_PROTECTION_ENABLED": "A database can be deleted in one call",
            "DB_INSTANCE_BACKUP_ENABLED": "A database has no backups",
        },
    ),
    *managed(
        "RET-2",
        {
            "S3_LIFECYCLE_POLICY_CHECK": "A bucket keeps what nobody needs for ever",
            "S3_VERSION_LIFECYCLE_POLICY_CHECK": "A bucket keeps old versions for ever",
        },
    ),
)
_NETWORK = (
    *managed("NET-1", {"INTERNET_GATEWAY_AUTHORIZED_VPC_ONLY": "A VPC has a gateway to the internet"}),
    *managed("NET-2", {"VPC_DEFAULT_SECURITY_GROUP_CLOSED": "The default security group is open"}),
    ConfigRule(
        control="NET-2",
        identifier="VPC_FLOW_LOGS_ENABLED",
        why="Traffic of a VPC is not logged",
        parameters={"trafficType": "ALL"},
    ),
)
_OPERATIONS = (
    ConfigRule(
        control="OPS-1",
        identifier="CLOUDWATCH_ALARM_ACTION_CHECK",
        why="An alarm tells nobody",
        parameters={
            "alarmActionRequired": "true",
            "insufficientDataActionRequired": "false",
            "okActionRequired": "false",
        },
    ),
    ConfigRule(
        control="OPS-2",
        identifier="REQUIRED_TAGS",
        why="A bucket or table does not say whose it is",
        parameters={"tag1Key": "mlops:owner", "tag2Key": "mlops:environment", "tag3Key": "mlops:cost-centre"},
        types=("AWS::S3::Bucket", "AWS::DynamoDB::Table"),
    ),
    *managed(
        "OPS-4",
        {"RDS_AUTOMATIC_MINOR_VERSION_UPGRADE_ENABLED": "A database does not take patches by itself"},
    ),
)


def _detection(part: str, identifier: str, why: str, regions: frozenset[str] = frozenset()) -> ConfigRule:
    return ConfigRule(control="AUD-1", part=part, identifier=identifier, why=why, regions=regions)


_DETECTION = (
    _detection("guardduty", "GUARDDUTY_ENABLED_CENTRALIZED", "Nobody looks for threats"),
    _detection("guardduty", "GUARDDUTY_S3_PROTECTION_ENABLED", "Nobody looks for threats to the lake"),
    _detection("security_hub", "SECURITYHUB_ENABLED", "Findings are not brought together"),
    _detection("macie", "MACIE_STATUS_CHECK", "Nobody looks for personal data"),
    _detection("access_analyzer", "IAM_EXTERNAL_ACCESS_ANALYZER_ENABLED", "Nobody looks for access from outside"),
    _detection("inspector", "INSPECTOR_ECR_SCAN_ENABLED", "Images are not scanned", INSPECTOR_REGIONS),
    _detection("inspector", "INSPECTOR_LAMBDA_STANDARD_SCAN_ENABLED", "Functions are not scanned", INSPECTOR_REGIONS),
    ConfigRule(
        control="AUD-2",
        part="guardduty",
        identifier="GUARDDUTY_NON_ARCHIVED_FINDINGS",
        why="A threat was seen and nobody dealt with it",
        parameters={"daysHighSev": "1", "daysMediumSev": "14", "daysLowSev": "30"},
    ),
)
OPERATIONS_RULES: tuple[ConfigRule, ...] = (*_LOGGING, *_RETENTION, *_NETWORK, *_OPERATIONS, *_DETECTION)
