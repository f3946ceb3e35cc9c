"""ENC-3: data in transit, TLS only and no old version of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.policy import Principal, Statement, matches, parse
from mlops_constructs.compliance.rule import Check, Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.expectations import check, mappings
from mlops_constructs.compliance.values import is_true

_EVERYBODY = Principal("AWS", "*")
_OLDEST_TLS = 1.2


@dataclass(frozen=True)
class _Guarded:
    """Resources whose policy must refuse requests without TLS, and the types and properties of such policies."""

    kind: str
    policies: Mapping[str, str]  # policy type: property with the resources it is attached to; "" for the type itself
    document: str
    actions: tuple[str, ...]
    below: bool = False  # the policy must also cover what lies below (objects of a bucket)


_BUCKETS = _Guarded("AWS::S3::Bucket", {"AWS::S3::BucketPolicy": "Bucket"}, "PolicyDocument", ("s3:*",), below=True)
_QUEUES = _Guarded(
    "AWS::SQS::Queue",
    {"AWS::SQS::QueuePolicy": "Queues", "AWS::SQS::QueueInlinePolicy": "Queue"},
    "PolicyDocument",
    ("sqs:SendMessage", "sqs:ReceiveMessage"),
)
_TOPICS = _Guarded(
    "AWS::SNS::Topic",
    {"AWS::SNS::TopicPolicy": "Topics", "AWS::SNS::TopicInlinePolicy": "TopicArn"},
    "PolicyDocument",
    ("sns:Publish",),
)
_FILE_SYSTEMS = _Guarded("AWS::EFS::FileSystem", {"AWS::EFS::FileSystem": ""}, "FileSystemPolicy", ())


def _tls_only(guarded: _Guarded) -> Check:
    def judge(estate: Estate) -> Iterator[Judgement]:
        for resource in estate.of(guarded.kind):
            ok = _refuses(estate, guarded, resource, _without_tls)
            yield Judgement(resource, ok, "TLS", "" if ok else "no policy of it denies everybody requests without TLS")

    return judge


def _tls_version(estate: Estate) -> Iterator[Judgement]:
    for bucket in estate.of("AWS::S3::Bucket"):
        ok = _refuses(estate, _BUCKETS, bucket, _with_old_tls)
        message = f"no policy of it denies everybody TLS older than {_OLDEST_TLS}"
        yield Judgement(bucket, ok, "TlsVersion", "" if ok else message)


def _refuses(estate: Estate, guarded: _Guarded, resource: Resource, when: Callable[[Statement], bool]) -> bool:
    denials = [statement for statement in _statements(estate, guarded, resource) if not statement.allows]
    wanted = [resource.arn, f"{resource.arn}/*"] if guarded.below else [resource.arn]
    return all(
        any(_covers(denial, action, target) and when(denial) for denial in denials)
        for action in guarded.actions or ("*",)
        for target in wanted
    )


def _statements(estate: Estate, guarded: _Guarded, resource: Resource) -> Iterator[Statement]:
    for kind, attached in guarded.policies.items():
        for policy in estate.of(kind):
            targets = policy.get(attached) if attached else resource.arn
            names = targets if isinstance(targets, list) else [targets]
            # A queue is named by its address, which ends with its name.
            ends = {str(name).removeprefix("https://").rsplit("/", 1)[-1] for name in names}
            if policy is resource if not attached else any(estate.find(end, guarded.kind) is resource for end in ends):
                yield from parse(policy.get(guarded.document))


def _covers(denial: Statement, action: str, target: str) -> bool:
    """Whether it denies everybody the action (or more) on the target (or more)."""
    if _EVERYBODY not in denial.principals or denial.not_actions or denial.not_resources:
        return False
    if not any(matches(pattern.lower(), action.lower()) for pattern in denial.actions):
        return False
    return not denial.resources or any(matches(pattern, target) for pattern in denial.resources)


def _without_tls(denial: Statement) -> bool:
    return len(denial.conditions) == 1 and all(
        condition.operator == "bool" and condition.key == "aws:securetransport" and condition.says("false")
        for condition in denial.conditions
    )


def _with_old_tls(denial: Statement) -> bool:
    return len(denial.conditions) == 1 and all(
        condition.operator == "numericlessthan"
        and condition.key == "s3:tlsversion"
        and _number(condition.values) >= _OLDEST_TLS
        for condition in denial.conditions
    )


def _number(values: tuple[str, ...]) -> float:
    try:
        return min(float(value) for value in values)
    except ValueError:
        return 0.0


def _listeners(estate: Estate) -> Iterator[Judgement]:
    for listener in estate.of("AWS::ElasticLoadBalancingV2::Listener"):
        plain = listener.get("Protocol") == "HTTP"
        actions = mappings(listener.get("DefaultActions"))
        redirects = bool(actions) and all(
            isinstance(redirect := action.get("RedirectConfig"), Mapping) and redirect.get("Protocol") == "HTTPS"
            for action in actions
        )
        ok = redirects or not plain
        yield Judgement(listener, ok, "Protocol", "" if ok else "listens to HTTP without redirecting to HTTPS")


def _parameter_groups(estate: Estate) -> Iterator[Judgement]:
    for group in estate.of("AWS::Redshift::ClusterParameterGroup"):
        values = {
            str(each.get("ParameterName")): each.get("ParameterValue") for each in mappings(group.get("Parameters"))
        }
        ok = is_true(values.get("require_ssl"))
        yield Judgement(group, ok, "require_ssl", "" if ok else "require_ssl is not true: connections may be plain")


_rule = partial(Rule, phase=Phase.REPEATABLE)


_DENY = 'Deny Principal "*" {actions} on {what} under {{"Bool": {{"aws:SecureTransport": "false"}}}} and nothing else.'

RULES: tuple[Rule, ...] = (
    _rule(
        id="ENC-3.in-transit",
        title="Connections are encrypted, with TLS 1.2 or newer",
        rationale="Who can listen on the way reads and changes what is not encrypted.",
        remedy="Set the property named to the value expected.",
        severity=Severity.HIGH,
        check=check("ENC-3.in-transit"),
    ),
    _rule(
        id="ENC-3.bucket-tls-only",
        title="Buckets refuse requests without TLS, for the bucket and every object",
        rationale="S3 answers plain HTTP unless the bucket's policy refuses it.",
        remedy=_DENY.format(actions="s3:*", what="the bucket and its objects"),
        severity=Severity.HIGH,
        check=_tls_only(_BUCKETS),
    ),
    _rule(
        id="ENC-3.bucket-tls-version",
        title="Buckets refuse TLS older than 1.2",
        rationale="Older versions have known breaks.",
        remedy='Deny Principal "*" s3:* on the bucket and its objects with '
        '{"NumericLessThan": {"s3:TlsVersion": 1.2}}.',
        severity=Severity.MEDIUM,
        check=_tls_version,
    ),
    _rule(
        id="ENC-3.queue-tls-only",
        title="Queues refuse requests without TLS",
        rationale="SQS answers plain HTTP unless the queue's policy refuses it.",
        remedy=_DENY.format(actions="sqs:*", what="the queue"),
        severity=Severity.HIGH,
        check=_tls_only(_QUEUES),
    ),
    _rule(
        id="ENC-3.topic-tls-only",
        title="Topics refuse publishing without TLS",
        rationale="SNS answers plain HTTP unless the topic's policy refuses it.",
        remedy=_DENY.format(actions="sns:Publish", what="the topic"),
        severity=Severity.HIGH,
        check=_tls_only(_TOPICS),
    ),
    _rule(
        id="ENC-3.file-system-tls-only",
        title="File systems refuse mounts without TLS",
        rationale="NFS carries data in plain text unless the mount helper wraps it in TLS.",
        remedy=_DENY.format(actions="*", what="the file system"),
        severity=Severity.HIGH,
        check=_tls_only(_FILE_SYSTEMS),
    ),
    _rule(
        id="ENC-3.listener-https",
        title="Load balancers listen to HTTPS; HTTP only redirects",
        rationale="A listener on HTTP takes credentials and data in plain text.",
        remedy="Listen to HTTPS, or redirect to it in every default action.",
        severity=Severity.HIGH,
        check=_listeners,
    ),
    _rule(
        id="ENC-3.warehouse-tls-only",
        title="Redshift refuses connections without TLS",
        rationale="A cluster accepts plain connections unless require_ssl is set.",
        remedy="Set the parameter require_ssl to true.",
        severity=Severity.HIGH,
        check=_parameter_groups,
    ),
)
