from typing import Any

import pytest

from tests.compliance.pack.judging import DELETED, KEY, changed, failed, judged, passes, resource

BUCKET = {
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}}
        ]
    }
}
DEFAULT = "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault"
SECURE = {
    "AWS::S3::Bucket": BUCKET,
    "AWS::SQS::Queue": {"KmsMasterKeyId": KEY},
    "AWS::DynamoDB::Table": {"SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}},
    "AWS::DynamoDB::GlobalTable": {
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
        "Replicas": [
            {"Region": "eu-west-1", "SSESpecification": {"KMSMasterKeyId": KEY}},
            {"Region": "eu-central-1", "SSESpecification": {"KMSMasterKeyId": KEY}},
        ],
    },
    "AWS::Glue::SecurityConfiguration": {
        "EncryptionConfiguration": {
            "CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": KEY},
            "JobBookmarksEncryption": {"JobBookmarksEncryptionMode": "CSE-KMS", "KmsKeyArn": KEY},
            "S3Encryptions": [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": KEY}],
        }
    },
    "AWS::StepFunctions::StateMachine": {
        "EncryptionConfiguration": {"Type": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": KEY}
    },
    "AWS::Athena::WorkGroup": {
        "WorkGroupConfiguration": {
            "EnforceWorkGroupConfiguration": True,
            "ResultConfiguration": {
                "OutputLocation": "s3://results/",
                "EncryptionConfiguration": {"EncryptionOption": "SSE_KMS", "KmsKey": KEY},
            },
        }
    },
    "AWS::ECR::Repository": {"EncryptionConfiguration": {"EncryptionType": "KMS", "KmsKey": KEY}},
    "AWS::RDS::DBInstance": {"StorageEncrypted": "true", "KmsKeyId": KEY},
    "AWS::EC2::Volume": {"Encrypted": True, "KmsKeyId": KEY},
    "AWS::OpenSearchService::Domain": {"EncryptionAtRestOptions": {"Enabled": True, "KmsKeyId": KEY}},
    "AWS::SageMaker::EndpointConfig": {"KmsKeyId": KEY, "DataCaptureConfig": {"KmsKeyId": KEY}},
    "AWS::EKS::Cluster": {"EncryptionConfig": [{"Provider": {"KeyArn": KEY}, "Resources": ["secrets"]}]},
}
BROKEN = [
    ("AWS::S3::Bucket", "BucketEncryption", DELETED),
    ("AWS::S3::Bucket", DEFAULT, DELETED),
    ("AWS::S3::Bucket", f"{DEFAULT}.KMSMasterKeyID", DELETED),
    ("AWS::S3::Bucket", f"{DEFAULT}.KMSMasterKeyID", "alias/aws/s3"),
    ("AWS::S3::Bucket", f"{DEFAULT}.SSEAlgorithm", "AES256"),
    ("AWS::SQS::Queue", "KmsMasterKeyId", DELETED),
    ("AWS::SQS::Queue", "KmsMasterKeyId", "alias/aws/sqs"),
    ("AWS::DynamoDB::Table", "SSESpecification", DELETED),
    ("AWS::DynamoDB::Table", "SSESpecification.SSEEnabled", False),
    ("AWS::DynamoDB::Table", "SSESpecification.SSEEnabled", "false"),
    ("AWS::DynamoDB::Table", "SSESpecification.KMSMasterKeyId", DELETED),
    ("AWS::DynamoDB::GlobalTable", "Replicas.1.SSESpecification", DELETED),
    ("AWS::DynamoDB::GlobalTable", "SSESpecification.SSEEnabled", False),
    ("AWS::Glue::SecurityConfiguration", "EncryptionConfiguration.S3Encryptions", DELETED),
    ("AWS::Glue::SecurityConfiguration", "EncryptionConfiguration.S3Encryptions.0.S3EncryptionMode", "SSE-S3"),
    ("AWS::Glue::SecurityConfiguration", "EncryptionConfiguration.JobBookmarksEncryption", DELETED),
    (
        "AWS::Glue::SecurityConfiguration",
        "EncryptionConfiguration.CloudWatchEncryption.CloudWatchEncryptionMode",
        "DISABLED",
    ),
    ("AWS::StepFunctions::StateMachine", "EncryptionConfiguration", DELETED),
    ("AWS::StepFunctions::StateMachine", "EncryptionConfiguration.Type", "AWS_OWNED_KEY"),
    ("AWS::Athena::WorkGroup", "WorkGroupConfiguration", DELETED),
    ("AWS::Athena::WorkGroup", "WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration", DELETED),
    ("AWS::Athena::WorkGroup", "WorkGroupConfiguration.EnforceWorkGroupConfiguration", False),
    ("AWS::ECR::Repository", "EncryptionConfiguration.EncryptionType", "AES256"),
    ("AWS::RDS::DBInstance", "StorageEncrypted", DELETED),
    ("AWS::EC2::Volume", "Encrypted", False),
    ("AWS::OpenSearchService::Domain", "EncryptionAtRestOptions.Enabled", False),
    ("AWS::SageMaker::EndpointConfig", "DataCaptureConfig.KmsKeyId", DELETED),
    ("AWS::EKS::Cluster", "EncryptionConfig", []),
]


def at_rest(kind: str, properties: dict[str, Any]) -> set[tuple[str, str]]:
    template = {"It": resource(kind, properties)}
    return failed("ENC-1.customer-key", template) | failed("ENC-1.encryption-on", template)


@pytest.mark.parametrize("kind", SECURE)
def test_a_resource_encrypted_with_the_customers_key_passes(kind: str) -> None:
    assert at_rest(kind, SECURE[kind]) == set()
    assert judged("ENC-1.customer-key", {"It": resource(kind, SECURE[kind])})


@pytest.mark.parametrize(("kind", "path", "value"), BROKEN)
def test_encryption_taken_away_is_found(kind: str, path: str, value: Any) -> None:
    assert at_rest(kind, changed(SECURE[kind], path, value))


def test_what_another_resource_encrypts_needs_no_key_of_its_own() -> None:
    assert at_rest("AWS::RDS::DBInstance", {"DBClusterIdentifier": "cluster"}) == set()
    assert at_rest("AWS::SageMaker::EndpointConfig", {"ProductionVariants": [{"ServerlessConfig": {"x": 1}}]}) == set()


def test_a_bucket_that_receives_access_logs_may_have_s3s_own_key_but_needs_one() -> None:
    by_s3 = changed(changed(BUCKET, f"{DEFAULT}.KMSMasterKeyID", DELETED), f"{DEFAULT}.SSEAlgorithm", "AES256")
    data = resource("AWS::S3::Bucket", BUCKET | {"LoggingConfiguration": {"DestinationBucketName": {"Ref": "Logs"}}})
    template = {"Data": data, "Logs": resource("AWS::S3::Bucket", by_s3)}
    assert passes("ENC-1.customer-key", template) and passes("ENC-1.access-logs-encrypted", template)
    bare = {"Data": data, "Logs": resource("AWS::S3::Bucket")}
    assert {name for name, _ in failed("ENC-1.access-logs-encrypted", bare)} == {"Logs"}
    assert failed("ENC-1.customer-key", {"Logs": template["Logs"]}), (
        "without anybody logging into it, it is no exception"
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [("AWS::Glue::Job", "SecurityConfiguration"), ("AWS::Glue::Crawler", "CrawlerSecurityConfiguration")],
)
def test_glue_work_runs_under_a_security_configuration(kind: str, name: str) -> None:
    settings = resource("AWS::Glue::SecurityConfiguration", {"Name": "secure"})
    rule = "ENC-1.job-security-configuration"
    assert passes(rule, {"Settings": settings, "It": resource(kind, {name: {"Ref": "Settings"}})})
    assert passes(rule, {"Settings": settings, "It": resource(kind, {name: "secure"})})
    assert failed(rule, {"Settings": settings, "It": resource(kind)})
    assert failed(rule, {"Settings": settings, "It": resource(kind, {name: "another"})})


def test_emr_clusters_encrypt_both_ways() -> None:
    both = {"EncryptionConfiguration": {"EnableAtRestEncryption": True, "EnableInTransitEncryption": True}}
    rule = "ENC-1.cluster-security-configuration"
    good = {
        "Settings": resource("AWS::EMR::SecurityConfiguration", {"SecurityConfiguration": both}),
        "Cluster": resource("AWS::EMR::Cluster", {"SecurityConfiguration": {"Ref": "Settings"}}),
    }
    assert passes(rule, good)
    assert failed(rule, {"Cluster": resource("AWS::EMR::Cluster")})
    for switch in ("EnableAtRestEncryption", "EnableInTransitEncryption"):
        half = changed(
            {"SecurityConfiguration": both}, f"SecurityConfiguration.EncryptionConfiguration.{switch}", False
        )
        assert failed(rule, {"Settings": resource("AWS::EMR::SecurityConfiguration", half)})


def test_search_collections_name_a_key() -> None:
    def policy(text: str) -> dict[str, Any]:
        return {"It": resource("AWS::OpenSearchServerless::SecurityPolicy", {"Type": "encryption", "Policy": text})}

    assert passes("ENC-1.search-collection-key", policy('{"Rules": [], "KmsARN": "arn:aws:kms:..."}'))
    assert failed("ENC-1.search-collection-key", policy('{"Rules": [], "AWSOwnedKey": true}'))


@pytest.mark.parametrize(
    ("properties", "ok"),
    [
        ({"EnableKeyRotation": True}, True),
        ({"EnableKeyRotation": "true", "RotationPeriodInDays": 180}, True),
        ({"KeySpec": "RSA_4096"}, True),
        ({"Origin": "EXTERNAL"}, True),
        ({}, False),
        ({"EnableKeyRotation": False}, False),
        ({"EnableKeyRotation": True, "RotationPeriodInDays": 2000}, False),
    ],
)
def test_keys_rotate_every_year(properties: dict[str, Any], ok: bool) -> None:
    assert (not failed("ENC-2.rotation", {"Key": resource("AWS::KMS::Key", properties)})) is ok


@pytest.mark.parametrize(
    ("properties", "stage", "ok"),
    [
        ({}, "prod", True),
        ({"PendingWindowInDays": 30}, "prod", True),
        ({"PendingWindowInDays": 7}, "prod", False),
        ({"PendingWindowInDays": 7}, "dev", True),
        ({"Enabled": False}, "dev", False),
        ({"BypassPolicyLockoutSafetyCheck": True}, "prod", False),
    ],
)
def test_keys_are_hard_to_lose(properties: dict[str, Any], stage: str, ok: bool) -> None:
    assert passes("ENC-2.hard-to-lose", {"Key": resource("AWS::KMS::Key", properties)}, stage=stage) is ok


def key_policy(*statements: tuple[str, Any]) -> dict[str, Any]:
    made = [{"Effect": "Allow", "Principal": {"AWS": who}, "Action": what, "Resource": "*"} for who, what in statements]
    return {"Key": resource("AWS::KMS::Key", {"KeyPolicy": {"Statement": made}})}


def test_administration_and_use_of_a_key_are_apart() -> None:
    admin, user = "arn:aws:iam::111122223333:role/Admin", "arn:aws:iam::111122223333:role/User"
    manage, use = ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"], ["kms:Decrypt", "kms:GenerateDataKey*"]
    root = ("arn:aws:iam::111122223333:root", "kms:*")
    assert passes("ENC-2.separation-of-duties", key_policy(root, (admin, manage), (user, use)))
    assert failed("ENC-2.separation-of-duties", key_policy(root, (admin, "kms:*")))
    assert failed("ENC-2.separation-of-duties", key_policy(root, (admin, manage), (admin, use)))
    assert failed("ENC-2.separation-of-duties", key_policy(root, (admin, ["kms:Put*", "kms:Dec*"])))
