"""What the names of CloudFormation properties mean for security: which control promises them, and how to break them.

The schemas say which properties exist, of what kind and with which values; this table says which of them protect
(and are taken away), which expose (and are switched on), which last (and are shortened) and which name a key. It
speaks of names, never of single resources, so a type nobody thought of is covered as soon as a template uses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any


class Stance(StrEnum):
    """What a property does for security."""

    KEY = "names a key"
    PROTECTS = "protects"
    EXPOSES = "exposes"
    LASTS = "lasts"
    VALUE = "has a worse value"


@dataclass(frozen=True)
class Meaning:
    """One row: properties whose path ends like this.

    Args:
        pattern: Regular expression on the end of the dotted path, indices as `*`.
        stance: What they do.
        control: Which control promises them.
        worse: Values that break it; for `PROTECTS` and `LASTS` besides taking it away.
    """

    pattern: str
    stance: Stance
    control: str
    worse: tuple[Any, ...] = ()

    def matches(self, path: str) -> bool:
        """Whether the row speaks of the property at this path."""
        return re.search(rf"(^|\.)(?:{self.pattern})$", path) is not None


K, P, E, L, V = Stance.KEY, Stance.PROTECTS, Stance.EXPOSES, Stance.LASTS, Stance.VALUE

WEAK = re.compile(
    r"NONE|OFF|DISABLED?|SUSPENDED|PLAINTEXT|AWS_OWNED_KEY|AES256|SSE_S3|SSE-S3|PASSTHROUGH|CLIENT_PLAINTEXT", re.I
)
"""Listed values of a schema that switch the protection off or hand the key to the service."""

MEANINGS: tuple[Meaning, ...] = (
    # encryption at rest
    Meaning(r"[A-Za-z]*(?:[Kk][Mm][Ss](?:Master)?Key|EncryptionKey)(?:Id|ID|Arn|ARN|Identifier)?", K, "ENC-1"),
    Meaning(r"KmsKey|KmsMasterKeyId|SSEKMSKeyId", K, "ENC-1"),
    Meaning(r"[A-Za-z]*Encryption(?:Configuration|Config|Specification|Settings)?|SSESpecification", P, "ENC-1"),
    Meaning(r"S3Encryptions|ServerSideEncryptionByDefault|SecurityConfiguration", P, "ENC-1"),
    Meaning(r"SSEEnabled|Encrypted|StorageEncrypted|EncryptionEnabled", P, "ENC-1"),
    Meaning(r"SSEAlgorithm", V, "ENC-1", ("AES256",)),
    Meaning(r"EncryptionOption", V, "ENC-1", ("SSE_S3",)),
    Meaning(r"S3EncryptionMode", V, "ENC-1", ("SSE-S3", "DISABLED")),
    Meaning(r"CloudWatchEncryptionMode|JobBookmarksEncryptionMode", V, "ENC-1", ("DISABLED",)),
    Meaning(r"EncryptionConfiguration\.Type|EncryptionType", V, "ENC-1", ("AWS_OWNED_KEY",)),
    Meaning(r"EnforceWorkGroupConfiguration", P, "ENC-1"),
    # keys
    Meaning(r"EnableKeyRotation", P, "ENC-2"),
    Meaning(r"PendingWindowInDays", V, "ENC-2", (7,)),
    Meaning(r"BypassPolicyLockoutSafetyCheck", E, "ENC-2", (True,)),
    # transport
    Meaning(r"EnableInterContainerTrafficEncryption|TransitEncryptionEnabled|EnforceHTTPS", P, "ENC-3"),
    Meaning(r"Protocol", V, "ENC-3", ("http",)),
    Meaning(r"TLSSecurityPolicy|MinimumProtocolVersion", V, "ENC-3", ("TLSv1",)),
    # public access
    Meaning(r"PublicAccessBlockConfiguration(?:\.[A-Za-z]+)?", P, "PUB-2"),
    Meaning(r"AccessControl", E, "PUB-2", ("PublicRead", "PublicReadWrite", "AuthenticatedRead")),
    Meaning(r"ObjectOwnership", V, "PUB-2", ("ObjectWriter",)),
    Meaning(r"WebsiteConfiguration", E, "PUB-2", ({"IndexDocument": "index.html"},)),
    Meaning(r"MapPublicIpOnLaunch|AssociatePublicIpAddress|PubliclyAccessible", E, "PUB-3", (True,)),
    Meaning(r"FunctionUrlAuthType", E, "PUB-3", ("NONE",)),
    # logging
    Meaning(r"LoggingConfiguration|TracingConfiguration|LogConfig", P, "LOG-2"),
    Meaning(r"TracingConfig", P, "LOG-2"),
    Meaning(r"TracingConfig\.Mode", V, "LOG-2", ("PassThrough",)),
    Meaning(r"TracingConfiguration\.Enabled|PublishCloudWatchMetricsEnabled|IncludeExecutionData", P, "LOG-2"),
    Meaning(r"LoggingConfiguration\.Level|LogConfig\.Level", V, "LOG-2", ("OFF", "FATAL")),
    Meaning(r"TrafficType", V, "LOG-2", ("ACCEPT", "REJECT")),
    Meaning(r"LoggingConfig\.LogGroup|LoggingConfig", P, "LOG-1"),
    Meaning(r"RetentionInDays|RetentionDays", L, "LOG-1", (1,)),
    # audit
    Meaning(r"EnableLogFileValidation|IsMultiRegionTrail|IncludeGlobalServiceEvents|IsLogging", P, "LOG-3"),
    Meaning(r"EventSelectors|AdvancedEventSelectors|InsightSelectors", P, "LOG-3"),
    Meaning(r"AllSupported|IncludeGlobalResourceTypes", P, "LOG-3"),
    Meaning(r"ObjectLockConfiguration|ObjectLockEnabled", P, "LOG-3"),
    Meaning(r"DefaultRetention\.Mode", V, "LOG-3", ("GOVERNANCE",)),
    Meaning(r"EnableDefaultStandards|AutoEnableControls", P, "AUD-1"),
    # survival and end of data
    Meaning(r"VersioningConfiguration", P, "RET-1"),
    Meaning(r"VersioningConfiguration\.Status", V, "RET-1", ("Suspended",)),
    Meaning(r"PointInTimeRecoverySpecification(?:\.PointInTimeRecoveryEnabled)?", P, "RET-1"),
    Meaning(r"DeletionProtection(?:Enabled)?", P, "RET-1"),
    Meaning(r"NoncurrentDays", L, "RET-1", (1,)),
    Meaning(r"BackupRetentionPeriod", L, "RET-1", (0,)),
    Meaning(r"LifecycleConfiguration|LifecyclePolicy", P, "RET-2"),
    Meaning(r"LifecycleConfiguration\.Rules\.\*\.Status", V, "RET-2", ("Disabled",)),
    Meaning(r"NoncurrentVersionExpiration|ExpirationInDays", P, "RET-2"),
    # network
    Meaning(r"VpcConfig|NetworkConfig|PhysicalConnectionRequirements|Connections", P, "NET-1"),
    Meaning(r"PolicyDocument", P, "NET-2"),
    # machine learning
    Meaning(r"EnableNetworkIsolation", P, "ML-1"),
    Meaning(r"DataCaptureConfig|EnableCapture", P, "ML-3"),
    Meaning(r"InitialSamplingPercentage", V, "ML-3", (1,)),
    Meaning(r"CaptureOptions", V, "ML-3", ([{"CaptureMode": "Input"}],)),
    Meaning(r"AutoRollbackConfiguration|DeploymentConfig", P, "ML-8"),
    Meaning(r"AutoRollbackConfiguration\.Alarms", V, "ML-8", ([],)),
    Meaning(r"InitialInstanceCount", V, "ML-8", (1,)),
    Meaning(r"TrafficRoutingConfiguration\.Type", V, "ML-8", ("ALL_AT_ONCE",)),
    Meaning(r"ModelApprovalStatus", V, "ML-9", ("Approved",)),
    Meaning(r"StoppingCondition|Timeout|TimeoutSeconds", P, "ML-10"),
    Meaning(r"Retry|Catch", P, "ML-10"),
    Meaning(r"ScanOnPush", P, "ML-7"),
    Meaning(r"ImageTagMutability", V, "ML-7", ("MUTABLE",)),
    Meaning(r"CreateTableDefaultPermissions|CreateDatabaseDefaultPermissions", V, "ML-11", ("IAM_ALLOWED_PRINCIPALS",)),
    # operations
    Meaning(r"DeadLetterConfig|RedrivePolicy|DeadLetterArn", P, "OPS-1"),
    Meaning(r"AlarmActions|ActionsEnabled", P, "OPS-1"),
    Meaning(r"MessageRetentionPeriod", L, "OPS-1", (60,)),
    Meaning(r"State", V, "OPS-1", ("DISABLED",)),
    Meaning(r"Tags", P, "OPS-2"),
    Meaning(r"Runtime", V, "OPS-4", ("python3.8",)),
    Meaning(r"GlueVersion", V, "OPS-4", ("1.0",)),
    Meaning(r"Command\.PythonVersion", V, "OPS-4", ("2",)),
    Meaning(r"AutoMinorVersionUpgrade|EnableVersionUpgrade", P, "OPS-4"),
    # identity
    Meaning(r"PermissionsBoundary", V, "IAM-5", ("arn:aws:iam::aws:policy/AdministratorAccess",)),
    Meaning(r"PermissionsBoundary|Path", P, "IAM-5"),
    Meaning(r"Path", V, "IAM-5", ("/",)),
)


@cache
def meanings(path: str) -> tuple[Meaning, ...]:
    """Rows that speak of a property, given its dotted path with `*` for items."""
    return tuple(each for each in MEANINGS if each.matches(path))
