"""What a person must hear of when it happens in the account, as data: EventBridge patterns over CloudTrail events.

Imports nothing of the CDK. Keys in danger of deletion and the use of break-glass are told by the stacks that own them
(`governance.watch`). EventBridge has management events only where a trail logs them. Events of global services
(IAM, Organizations) and of the root user reach the default bus of us-east-1 only, whatever the region of the trail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

API_CALL = "AWS API Call via CloudTrail"


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One thing to be told of.

    Attributes:
        id: Construct id of its rule.
        control: Control id that it serves.
        what: What happened, for whoever reads the message.
        pattern: EventBridge event pattern, of calls that succeeded.
        global_service: The event reaches us-east-1 only.
    """

    id: str
    control: str
    what: str
    pattern: Mapping[str, object]
    global_service: bool = False


def _calls(service: str, *names: str, by_hand: bool = False) -> dict[str, object]:
    """Successful calls of a service; `by_hand` leaves out those that CloudFormation makes for a deployment."""
    detail: dict[str, object] = {
        "eventSource": [f"{service}.amazonaws.com"],
        "eventName": list(names),
        "errorCode": [{"exists": False}],
    }
    if by_hand:
        detail["sourceIPAddress"] = [{"anything-but": "cloudformation.amazonaws.com"}]
    return {"source": [f"aws.{service}"], "detail-type": [API_CALL], "detail": detail}


WATCHES: tuple[Watch, ...] = (
    Watch(
        id="RootUse",
        control="IAM-6",
        what="The root user of the account did something",
        pattern={
            "detail-type": [API_CALL, "AWS Console Sign In via CloudTrail"],
            "detail": {"userIdentity": {"type": ["Root"], "invokedBy": [{"exists": False}]}},
        },
        global_service=True,
    ),
    Watch(
        id="KeyPolicyChange",
        control="ENC-2",
        what="The policy of a key was changed by hand",
        pattern=_calls("kms", "PutKeyPolicy", "DeleteImportedKeyMaterial", by_hand=True),
    ),
    Watch(
        id="TrailChange",
        control="LOG-3",
        what="A trail was stopped, changed or deleted",
        pattern=_calls(
            "cloudtrail", "StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors", "PutInsightSelectors"
        ),
    ),
    Watch(
        id="RecorderChange",
        control="LOG-3",
        what="The configuration recorder was stopped or deleted",
        pattern=_calls(
            "config",
            "StopConfigurationRecorder",
            "DeleteConfigurationRecorder",
            "DeleteDeliveryChannel",
            "DeleteConformancePack",
        ),
    ),
    Watch(
        id="DetectionChange",
        control="AUD-1",
        what="GuardDuty was turned off or told to ignore something",
        pattern=_calls(
            "guardduty", "DeleteDetector", "UpdateDetector", "CreateFilter", "CreateIPSet", "DisassociateMembers"
        ),
    ),
    Watch(
        id="HubChange",
        control="AUD-1",
        what="Security Hub was turned off, or a standard or control of it",
        pattern=_calls(
            "securityhub", "DisableSecurityHub", "BatchDisableStandards", "UpdateStandardsControl", "DeleteInsight"
        ),
    ),
    Watch(
        id="BucketOpened",
        control="PUB-2",
        what="The policy, public access block or encryption of a bucket was changed by hand",
        pattern=_calls(
            "s3",
            "PutBucketPolicy",
            "DeleteBucketPolicy",
            "PutBucketAcl",
            "PutBucketPublicAccessBlock",
            "DeleteBucketPublicAccessBlock",
            "DeleteBucketEncryption",
            by_hand=True,
        ),
    ),
    Watch(
        id="NetworkOpened",
        control="NET-1",
        what="A way out of the network was made, or its flow logs were removed, by hand",
        pattern=_calls(
            "ec2",
            "CreateInternetGateway",
            "AttachInternetGateway",
            "CreateNatGateway",
            "CreateVpcPeeringConnection",
            "DeleteFlowLogs",
            by_hand=True,
        ),
    ),
    Watch(
        id="IdentityChange",
        control="IAM-2",
        what="A user, access key, identity provider or permissions boundary was made or removed",
        pattern=_calls(
            "iam",
            "CreateUser",
            "CreateAccessKey",
            "CreateLoginProfile",
            "CreateSAMLProvider",
            "CreateOpenIDConnectProvider",
            "DeleteRolePermissionsBoundary",
        ),
        global_service=True,
    ),
)
