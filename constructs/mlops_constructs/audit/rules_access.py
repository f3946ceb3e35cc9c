"""Rules of the conformance pack on identities, public access and encryption."""

from __future__ import annotations

from mlops_constructs.audit.rule import ConfigRule, managed

_IAM = (
    ConfigRule(
        control="IAM-1",
        identifier="IAM_POLICY_NO_STATEMENTS_WITH_ADMIN_ACCESS",
        why="A customer policy allows every action on everything",
    ),
    ConfigRule(
        control="IAM-1",
        identifier="IAM_POLICY_NO_STATEMENTS_WITH_FULL_ACCESS",
        why="A customer policy allows every action of a service",
        parameters={"excludePermissionBoundaryPolicy": "true"},
    ),
    ConfigRule(
        control="IAM-1",
        identifier="IAM_INLINE_POLICY_BLOCKED_KMS_ACTIONS",
        why="An inline policy lets its role decrypt with every key",
        parameters={"blockedActionsPatterns": "kms:Decrypt,kms:ReEncryptFrom"},
    ),
    ConfigRule(
        control="IAM-5",
        identifier="role-boundary",
        why="A role of the platform has no permissions boundary",
        types=("AWS::IAM::Role",),
        policy="""
rule role_has_boundary when configuration.path == /^.mlops./ {
    configuration.permissionsBoundary.permissionsBoundaryArn exists
        <<Set the permissions boundary of the environment on the role>>
}""",
    ),
    ConfigRule(
        control="IAM-6",
        identifier="IAM_POLICY_BLACKLISTED_CHECK",
        why="A broad policy managed by AWS is attached",
        parameters={
            "policyArns": ",".join(
                f"arn:aws:iam::aws:policy/{name}"
                for name in ("AmazonSageMakerFullAccess", "AmazonS3FullAccess", "IAMFullAccess", "PowerUserAccess")
            )
        },
    ),
    ConfigRule(
        control="IAM-6",
        identifier="ACCESS_KEYS_ROTATED",
        why="An access key is older than 90 days",
        parameters={"maxAccessKeyAge": "90"},
    ),
    ConfigRule(
        control="IAM-6",
        identifier="IAM_USER_UNUSED_CREDENTIALS_CHECK",
        why="A user's credentials were not used for 90 days",
        parameters={"maxCredentialUsageAge": "90"},
    ),
    *managed(
        "IAM-6",
        {
            "IAM_USER_NO_POLICIES_CHECK": "A user carries permissions of its own",
            "IAM_ROOT_ACCESS_KEY_CHECK": "The root user has an access key",
            "ROOT_ACCOUNT_MFA_ENABLED": "The root user signs in without a second factor",
        },
    ),
)
_PUBLIC = (
    *managed("PUB-1", {"LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED": "A function can be called by everyone"}),
    *managed(
        "PUB-2",
        {
            "S3_ACCOUNT_LEVEL_PUBLIC_ACCESS_BLOCKS_PERIODIC": "The account does not block public buckets",
            "S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED": "A bucket does not block public access",
            "S3_BUCKET_PUBLIC_READ_PROHIBITED": "A bucket can be read by everyone",
            "S3_BUCKET_PUBLIC_WRITE_PROHIBITED": "A bucket can be written by everyone",
            "S3_BUCKET_ACL_PROHIBITED": "A bucket is opened by an ACL",
            "EBS_SNAPSHOT_PUBLIC_RESTORABLE_CHECK": "A volume snapshot can be restored by everyone",
            "RDS_SNAPSHOTS_PUBLIC_PROHIBITED": "A database snapshot can be restored by everyone",
            "RDS_INSTANCE_PUBLIC_ACCESS_CHECK": "A database has a public address",
            "SSM_DOCUMENT_NOT_PUBLIC": "A Systems Manager document is shared with everyone",
        },
    ),
    *managed(
        "PUB-3",
        {
            "INCOMING_SSH_DISABLED": "A security group lets SSH in from everywhere",
            "VPC_SG_OPEN_ONLY_TO_AUTHORIZED_PORTS": "A security group is open to everywhere",
            "SUBNET_AUTO_ASSIGN_PUBLIC_IP_DISABLED": "A subnet gives out public addresses",
            "EC2_INSTANCE_NO_PUBLIC_IP": "An instance has a public address",
        },
    ),
)
_ENCRYPTION = (
    *managed(
        "ENC-1",
        {
            "S3_DEFAULT_ENCRYPTION_KMS": "A bucket is not encrypted with a KMS key",
            "SNS_ENCRYPTED_KMS": "A topic is not encrypted with a KMS key",
            "DYNAMODB_TABLE_ENCRYPTED_KMS": "A table is not encrypted with a KMS key",
            "CLOUDWATCH_LOG_GROUP_ENCRYPTED": "A log group is not encrypted with a KMS key",
            "SECRETSMANAGER_USING_CMK": "A secret is not encrypted with a customer key",
            "ATHENA_WORKGROUP_ENCRYPTED_AT_REST": "Query results are not encrypted",
            "EC2_EBS_ENCRYPTION_BY_DEFAULT": "New volumes of the account are not encrypted",
            "SAGEMAKER_ENDPOINT_CONFIGURATION_KMS_KEY_CONFIGURED": "Volumes of an endpoint have no KMS key",
            "SAGEMAKER_NOTEBOOK_INSTANCE_KMS_KEY_CONFIGURED": "The volume of a notebook has no KMS key",
        },
    ),
    ConfigRule(
        control="ENC-1",
        identifier="queue-customer-key",
        why="A queue is not encrypted with a KMS key",
        types=("AWS::SQS::Queue",),
        policy="""
rule queue_has_key {
    configuration.KmsMasterKeyId exists <<Set KmsMasterKeyId to the key of the data class>>
    configuration.KmsMasterKeyId != ""
    configuration.KmsMasterKeyId != /alias.aws./
}""",
    ),
    *managed(
        "ENC-2",
        {
            "CMK_BACKING_KEY_ROTATION_ENABLED": "A key is not rotated",
            "KMS_CMK_NOT_SCHEDULED_FOR_DELETION": "A key is about to be deleted, and with it what it encrypts",
        },
    ),
    *managed("ENC-3", {"S3_BUCKET_SSL_REQUESTS_ONLY": "A bucket answers requests without TLS"}),
    *managed("ENC-4", {"CODEBUILD_PROJECT_ENVVAR_AWSCRED_CHECK": "A build has AWS credentials in plain text"}),
)
ACCESS_RULES: tuple[ConfigRule, ...] = (*_IAM, *_PUBLIC, *_ENCRYPTION)
