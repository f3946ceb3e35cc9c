"""Tell a person, at once, when somebody touches what protects everything else.

The rules listen to CloudTrail's events on the account's default bus, so the account needs a trail in this region that
records management events (that of `audit`, or the organisation's).
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from mlops_constructs.orchestration.bus import connect

BY_API_CALL = "AWS API Call via CloudTrail"
KEY_DANGERS = ("ScheduleKeyDeletion", "DisableKey", "DisableKeyRotation")
ASSUMING = ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")


def watch_keys(
    scope: Construct, id: str, *, keys: Sequence[kms.IKey], topic: sns.ITopic, encryption_key: kms.IKey
) -> events.Rule:
    """Alert when one of the keys is disabled, scheduled for deletion, or rotates no more.

    Args:
        keys: What is watched.
        topic: Where the alert goes; its policy must let EventBridge publish (that of `AlertTopic` does). A topic that
            a watched key encrypts could not tell of that key.
        encryption_key: Key of the queue behind the rule, which must let EventBridge use it (`Keys.data` does).

    Raises:
        ValueError: The key of topic or queue is among those watched.
    """
    if any(key is encryption_key for key in keys):
        raise ValueError(
            f"encryption_key {encryption_key.node.path} is watched itself: disabled, it holds the alert back"
        )
    pattern = events.EventPattern(
        source=["aws.kms"],
        detail_type=[BY_API_CALL],
        detail={
            "eventSource": ["kms.amazonaws.com"],
            "eventName": list(KEY_DANGERS),
            "resources": {"ARN": [key.key_arn for key in keys]},
        },
    )
    return connect(scope, id, pattern=pattern, target=topic, encryption_key=encryption_key, alarm_topic=topic)


def watch_role(
    scope: Construct, id: str, *, roles: Sequence[str], topic: sns.ITopic, encryption_key: kms.IKey
) -> events.Rule:
    """Alert at every use of these roles, refused attempts included.

    Args:
        roles: ARNs; a trailing `*` stands for what follows.
        topic: Where the alert goes.
        encryption_key: Key of the queue behind the rule.
    """
    pattern = events.EventPattern(
        source=["aws.sts"],
        detail_type=[BY_API_CALL],
        detail={
            "eventSource": ["sts.amazonaws.com"],
            "eventName": list(ASSUMING),
            "requestParameters": {"roleArn": [{"wildcard": arn} if "*" in arn else arn for arn in roles]},
        },
    )
    return connect(scope, id, pattern=pattern, target=topic, encryption_key=encryption_key, alarm_topic=topic)
