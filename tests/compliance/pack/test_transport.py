from typing import Any

import pytest

from tests.compliance.pack.judging import DELETED, changed, failed, passes, resource

WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def deny(action: Any, target: Any, condition: Any = None, **other: Any) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": target,
        "Condition": WITHOUT_TLS if condition is None else condition,
        **other,
    }


ARN = {"Fn::GetAtt": ["Bucket", "Arn"]}
BOTH = [ARN, {"Fn::Join": ["", [ARN, "/*"]]}]


def bucket(*statements: Any) -> dict[str, Any]:
    policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Statement": list(statements)}}
    return {"Bucket": resource("AWS::S3::Bucket"), "Policy": resource("AWS::S3::BucketPolicy", policy)}


@pytest.mark.parametrize(
    "statements",
    [
        [deny("s3:*", BOTH)],
        [deny("s3:*", BOTH, Principal={"AWS": "*"})],
        [deny("*", "*")],
        [deny("s3:*", BOTH[0]), deny("s3:*", BOTH[1])],
        [deny(["s3:*"], BOTH, {"Bool": {"aws:SecureTransport": False}})],
    ],
)
def test_a_bucket_that_refuses_plain_requests_passes(statements: list[Any]) -> None:
    assert passes("ENC-3.bucket-tls-only", bucket(*statements))


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [deny("s3:*", BOTH[0])],
        [deny("s3:*", BOTH[1])],
        [deny("s3:GetObject", BOTH)],
        [deny("s3:*", BOTH, Effect="Allow")],
        [deny("s3:*", BOTH, {"Bool": {"aws:SecureTransport": "true"}})],
        [deny("s3:*", BOTH, {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:PrincipalOrgID": "o"}})],
        [deny("s3:*", BOTH, {})],
        [deny("s3:*", BOTH, Principal={"AWS": "arn:aws:iam::111122223333:role/Some"})],
        [deny(None, BOTH, NotAction="s3:GetObject")],
        [deny("s3:*", "arn:aws:s3:::another/*")],
    ],
)
def test_a_gap_in_the_refusal_is_found(statements: list[Any]) -> None:
    assert failed("ENC-3.bucket-tls-only", bucket(*statements)) == {("Bucket", "TLS")}


def test_a_policy_of_another_bucket_does_not_help() -> None:
    template = bucket(deny("s3:*", "*")) | {"Other": resource("AWS::S3::Bucket")}
    assert failed("ENC-3.bucket-tls-only", template) == {("Other", "TLS")}


@pytest.mark.parametrize(("version", "ok"), [(1.2, True), ("1.3", True), (1.1, False)])
def test_buckets_refuse_old_tls(version: Any, ok: bool) -> None:
    statement = deny("s3:*", BOTH, {"NumericLessThan": {"s3:TlsVersion": version}})
    assert passes("ENC-3.bucket-tls-version", bucket(statement)) is ok


def test_queues_and_topics_refuse_plain_requests() -> None:
    queue_arn = {"Fn::GetAtt": ["Queue", "Arn"]}

    def queue(statement: Any, attached: Any = None) -> dict[str, Any]:
        policy = {"Queues": [attached or {"Ref": "Queue"}], "PolicyDocument": {"Statement": statement}}
        return {"Queue": resource("AWS::SQS::Queue"), "Policy": resource("AWS::SQS::QueuePolicy", policy)}

    assert passes("ENC-3.queue-tls-only", queue(deny("sqs:*", queue_arn)))
    assert passes("ENC-3.queue-tls-only", queue(deny(["SQS:SendMessage", "sqs:ReceiveMessage"], queue_arn)))
    assert failed("ENC-3.queue-tls-only", queue(deny("sqs:SendMessage", queue_arn)))
    assert failed("ENC-3.queue-tls-only", queue(deny("sqs:*", queue_arn), attached="https://else/where/other"))
    assert failed("ENC-3.queue-tls-only", {"Queue": resource("AWS::SQS::Queue")})

    def topic(statement: Any) -> dict[str, Any]:
        policy = {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Statement": [statement]}}
        return {"Topic": resource("AWS::SNS::Topic"), "Policy": resource("AWS::SNS::TopicPolicy", policy)}

    assert passes("ENC-3.topic-tls-only", topic(deny("sns:Publish", {"Ref": "Topic"})))
    assert failed("ENC-3.topic-tls-only", topic(deny("sns:Subscribe", {"Ref": "Topic"})))


def test_file_systems_refuse_plain_mounts() -> None:
    policy = {"Statement": [deny("*", {"Fn::GetAtt": ["Files", "Arn"]})]}
    assert passes(
        "ENC-3.file-system-tls-only", {"Files": resource("AWS::EFS::FileSystem", {"FileSystemPolicy": policy})}
    )
    assert failed("ENC-3.file-system-tls-only", {"Files": resource("AWS::EFS::FileSystem")})


def test_listeners_speak_https_or_redirect_to_it() -> None:
    def listener(**properties: Any) -> dict[str, Any]:
        return {"It": resource("AWS::ElasticLoadBalancingV2::Listener", properties)}

    redirect = [{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"}}]
    assert passes("ENC-3.listener-https", listener(Protocol="HTTP", DefaultActions=redirect))
    assert passes("ENC-3.listener-https", listener(Protocol="HTTPS"))
    assert failed("ENC-3.listener-https", listener(Protocol="HTTP", DefaultActions=[{"Type": "forward"}]))
    assert passes("ENC-3.in-transit", listener(Protocol="HTTPS", SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06"))
    assert failed("ENC-3.in-transit", listener(Protocol="HTTPS", SslPolicy="ELBSecurityPolicy-2016-08"))
    assert failed("ENC-3.in-transit", listener(Protocol="HTTPS"))


def test_warehouses_require_tls() -> None:
    def group(value: str) -> dict[str, Any]:
        parameters = [{"ParameterName": "require_ssl", "ParameterValue": value}]
        return {"It": resource("AWS::Redshift::ClusterParameterGroup", {"Parameters": parameters})}

    assert passes("ENC-3.warehouse-tls-only", group("true"))
    assert failed("ENC-3.warehouse-tls-only", group("false"))
    assert failed("ENC-3.warehouse-tls-only", {"It": resource("AWS::Redshift::ClusterParameterGroup")})


DISTRIBUTION = {
    "DistributionConfig": {
        "DefaultCacheBehavior": {"ViewerProtocolPolicy": "redirect-to-https"},
        "ViewerCertificate": {"MinimumProtocolVersion": "TLSv1.2_2021"},
        "Origins": [{"CustomOriginConfig": {"OriginProtocolPolicy": "https-only"}}],
    }
}
SECURE: dict[str, dict[str, Any]] = {
    "AWS::CloudFront::Distribution": DISTRIBUTION,
    "AWS::OpenSearchService::Domain": {
        "NodeToNodeEncryptionOptions": {"Enabled": True},
        "DomainEndpointOptions": {"EnforceHTTPS": True, "TLSSecurityPolicy": "Policy-Min-TLS-1-2-2019-07"},
    },
    "AWS::ElastiCache::ReplicationGroup": {"TransitEncryptionEnabled": True},
    "AWS::MSK::Cluster": {"EncryptionInfo": {"EncryptionInTransit": {"ClientBroker": "TLS", "InCluster": True}}},
    "AWS::Glue::Connection": {
        "ConnectionInput": {"ConnectionType": "JDBC", "ConnectionProperties": {"JDBC_ENFORCE_SSL": "true"}}
    },
    "AWS::SNS::Subscription": {"Protocol": "https"},
}


@pytest.mark.parametrize("kind", SECURE)
def test_encrypted_connections_pass(kind: str) -> None:
    assert passes("ENC-3.in-transit", {"It": resource(kind, SECURE[kind])})


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("AWS::CloudFront::Distribution", "DistributionConfig.DefaultCacheBehavior.ViewerProtocolPolicy", "allow-all"),
        ("AWS::CloudFront::Distribution", "DistributionConfig.ViewerCertificate.MinimumProtocolVersion", "TLSv1_2016"),
        (
            "AWS::CloudFront::Distribution",
            "DistributionConfig.Origins.0.CustomOriginConfig.OriginProtocolPolicy",
            "http-only",
        ),
        ("AWS::OpenSearchService::Domain", "NodeToNodeEncryptionOptions", DELETED),
        ("AWS::OpenSearchService::Domain", "DomainEndpointOptions", DELETED),
        ("AWS::OpenSearchService::Domain", "DomainEndpointOptions.TLSSecurityPolicy", "Policy-Min-TLS-1-0-2019-07"),
        ("AWS::ElastiCache::ReplicationGroup", "TransitEncryptionEnabled", DELETED),
        ("AWS::MSK::Cluster", "EncryptionInfo.EncryptionInTransit.ClientBroker", "TLS_PLAINTEXT"),
        ("AWS::Glue::Connection", "ConnectionInput.ConnectionProperties.JDBC_ENFORCE_SSL", "false"),
        ("AWS::Glue::Connection", "ConnectionInput.ConnectionProperties", DELETED),
        ("AWS::SNS::Subscription", "Protocol", "http"),
    ],
)
def test_a_connection_made_plain_is_found(kind: str, path: str, value: Any) -> None:
    assert failed("ENC-3.in-transit", {"It": resource(kind, changed(SECURE[kind], path, value))})
