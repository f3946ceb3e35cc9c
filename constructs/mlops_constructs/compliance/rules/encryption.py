"""ENC-1 and ENC-2: data at rest under keys of the customer; keys that rotate, are hard to lose and have two masters."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.policy import Principal, Statement, parse
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.buckets import receives_access_logs
from mlops_constructs.compliance.rules.expectations import check, leaves
from mlops_constructs.compliance.values import Unknown, is_false, is_true

_BUCKET_ENCRYPTION = "BucketEncryption.ServerSideEncryptionConfiguration.*.ServerSideEncryptionByDefault.SSEAlgorithm"
_GLUE = {
    "AWS::Glue::Job": "SecurityConfiguration",
    "AWS::Glue::Crawler": "CrawlerSecurityConfiguration",
    "AWS::Glue::DevEndpoint": "SecurityConfiguration",
    "AWS::Glue::Session": "SecurityConfiguration",
}
_EMR_SWITCHES = ("EnableAtRestEncryption", "EnableInTransitEncryption")
_LONGEST_ROTATION = 365
_KEYS = ("AWS::KMS::Key", "AWS::KMS::ReplicaKey")
_ADMINISTRATION = ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey")
_USE = ("kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt")


def _log_buckets(estate: Estate) -> Iterator[Judgement]:
    for bucket in estate.of("AWS::S3::Bucket"):
        if receives_access_logs(estate, bucket):
            for place, value in leaves(bucket.properties, _BUCKET_ENCRYPTION.split(".")):
                ok = value in ("AES256", "aws:kms", "aws:kms:dsse")
                yield Judgement(bucket, ok, place, "" if ok else f"{place} is not given: access logs lie unencrypted")


def _jobs(estate: Estate) -> Iterator[Judgement]:
    for kind, name in _GLUE.items():
        for job in estate.of(kind):
            given = job.get(name)
            found = estate.find(given, "AWS::Glue::SecurityConfiguration") or next(
                (each for each in estate.of("AWS::Glue::SecurityConfiguration") if each.get("Name") == given), None
            )
            ok = isinstance(given, Unknown) or found is not None
            message = f"{name} is {given!r}, no security configuration of these templates"
            yield Judgement(job, ok, name, "" if ok else message)


def _clusters(estate: Estate) -> Iterator[Judgement]:
    for cluster in estate.of("AWS::EMR::Cluster"):
        ok = bool(cluster.get("SecurityConfiguration"))
        yield Judgement(cluster, ok, "SecurityConfiguration", "" if ok else "SecurityConfiguration is missing")
    for settings in estate.of("AWS::EMR::SecurityConfiguration"):
        for switch in _EMR_SWITCHES:
            ok = is_true(settings.get(f"SecurityConfiguration.EncryptionConfiguration.{switch}"))
            yield Judgement(settings, ok, switch, "" if ok else f"{switch} is not on")


def _rotation(estate: Estate) -> Iterator[Judgement]:
    for key in estate.of("AWS::KMS::Key"):
        if key.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT" or key.get("Origin") in (
            "EXTERNAL",
            "AWS_CLOUDHSM",
            "EXTERNAL_KEY_STORE",
        ):
            continue  # KMS rotates only the material of symmetric keys it made
        ok = is_true(key.get("EnableKeyRotation"))
        yield Judgement(key, ok, "EnableKeyRotation", "" if ok else "the key is not rotated")
        days = key.get("RotationPeriodInDays", _LONGEST_ROTATION)
        ok = str(days).isdigit() and int(days) <= _LONGEST_ROTATION
        yield Judgement(key, ok, "RotationPeriodInDays", "" if ok else f"the key is rotated after {days} days only")


def _survives(estate: Estate) -> Iterator[Judgement]:
    shortest = 30 if estate.guarded else 7
    for key in estate.of(*_KEYS):
        days = key.get("PendingWindowInDays", 30)
        ok = str(days).isdigit() and int(days) >= shortest
        message = f"a deletion can be called off for {days} days, {shortest} are expected"
        yield Judgement(key, ok, "PendingWindowInDays", "" if ok else message)
        ok = not is_false(key.get("Enabled", True))
        yield Judgement(key, ok, "Enabled", "" if ok else "the key is disabled: nobody can read what it encrypts")
        ok = is_false(key.get("BypassPolicyLockoutSafetyCheck", False))
        message = "a policy that locks everybody out would be accepted"
        yield Judgement(key, ok, "BypassPolicyLockoutSafetyCheck", "" if ok else message)


def _two_masters(estate: Estate) -> Iterator[Judgement]:
    for key in estate.of(*_KEYS):
        powers: dict[Principal, set[str]] = {}
        for statement in parse(key.get("KeyPolicy")):
            if statement.allows:
                for principal in statement.principals:
                    powers.setdefault(principal, set()).update(_powers(statement))
        both = sorted(
            principal.value
            for principal, held in powers.items()
            if held == {"administers", "uses"} and not _is_account(principal, estate.account)
        )
        message = f"{', '.join(both)} both administers and uses the key"
        yield Judgement(key, not both, "KeyPolicy", message if both else "")


def _powers(statement: Statement) -> Iterator[str]:
    if any(statement.covers_action(action) for action in _ADMINISTRATION):
        yield "administers"
    if any(statement.covers_action(action) for action in _USE):
        yield "uses"


def _is_account(principal: Principal, account: str) -> bool:
    # The account as a principal hands the decision to IAM policies, which IAM-1 judges.
    return principal.value == account or principal.value.endswith(f"::{account}:root")


def _search_collections(estate: Estate) -> Iterator[Judgement]:
    for policy in estate.of("AWS::OpenSearchServerless::SecurityPolicy"):
        if policy.get("Type") == "encryption":
            ok = '"KmsARN"' in str(policy.get("Policy", "")).replace(" ", "")
            yield Judgement(policy, ok, "Policy", "" if ok else "the collections are encrypted with a key of AWS")


RULES: tuple[Rule, ...] = (
    Rule(
        id="ENC-1.customer-key",
        title="Everything that can take a key of the customer has one",
        rationale="Only with an own key does the customer decide who reads the data, see each use and can withdraw it.",
        remedy="Pass the key of the data's class (Keys.data, .models, .logs, .secrets) to the property named.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=check("ENC-1.customer-key", except_for=receives_access_logs),
    ),
    Rule(
        id="ENC-1.encryption-on",
        title="No switch turns the encryption off or hands it to a key of AWS",
        rationale="A key that is given and not used protects nothing: mode and switch decide.",
        remedy="Set the property named to the value expected.",
        severity=Severity.CRITICAL,
        phase=Phase.REPEATABLE,
        check=check("ENC-1.encryption-on", except_for=receives_access_logs),
        waivable_in_prod=False,
    ),
    Rule(
        id="ENC-1.access-logs-encrypted",
        title="Buckets that receive access logs are encrypted, by S3's own key at least",
        rationale="S3 delivers access logs to no bucket with a customer's default key; its own key it does serve.",
        remedy="Set BucketEncryption with SSEAlgorithm AES256.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_log_buckets,
        also=("LOG-1",),
    ),
    Rule(
        id="ENC-1.job-security-configuration",
        title="Glue jobs, crawlers and sessions run under a security configuration",
        rationale="Without it a job writes its results, logs and bookmarks unencrypted or under keys of AWS.",
        remedy="Attach an AWS::Glue::SecurityConfiguration that sets all three modes.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_jobs,
    ),
    Rule(
        id="ENC-1.cluster-security-configuration",
        title="EMR clusters encrypt at rest and in transit",
        rationale="An EMR cluster encrypts nothing by itself.",
        remedy="Attach an AWS::EMR::SecurityConfiguration with both encryptions enabled.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_clusters,
        also=("ENC-3",),
    ),
    Rule(
        id="ENC-1.search-collection-key",
        title="OpenSearch Serverless collections have a key of the customer",
        rationale="The key is chosen by the encryption policy, not by the collection.",
        remedy='Name a key in the policy ("KmsARN") instead of "AWSOwnedKey": true.',
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_search_collections,
    ),
    Rule(
        id="ENC-2.rotation",
        title="Keys rotate at least once a year",
        rationale="Rotation bounds how much data one piece of key material ever protects.",
        remedy="Set EnableKeyRotation: true and leave RotationPeriodInDays at 365 or less.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_rotation,
        waivable_in_prod=False,
    ),
    Rule(
        id="ENC-2.hard-to-lose",
        title="Keys stay enabled, and deleting one can be called off for a month",
        rationale="With the key goes everything it encrypted; the waiting time is the only way back.",
        remedy="Set PendingWindowInDays: 30 (7 outside of guarded environments) and do not disable the key.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_survives,
        also=("RET-1",),
    ),
    Rule(
        id="ENC-2.separation-of-duties",
        title="Nobody named in a key policy both administers and uses the key",
        rationale="Whoever can change the policy and decrypt needs no second person to read everything.",
        remedy="Split the statement: administrators without kms:Decrypt, users without kms:PutKeyPolicy.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_two_masters,
    ),
)
