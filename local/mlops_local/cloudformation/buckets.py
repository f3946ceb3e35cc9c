"""`AWS::S3::Bucket`: the emulator drops encryption, lifecycle, logging, ownership and tags of a template. We don't."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from ..runtime import Runtime


def remove(runtime: Runtime, bucket: str) -> None:
    """Deletes a bucket as CloudFormation does: a bucket that holds objects stays, and that is a failure."""
    try:
        runtime.client("s3").delete_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise


def configure(client: Any, bucket: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Brings a bucket from one set of properties to another, by the S3 API."""
    status = new.get("VersioningConfiguration", {}).get("Status")
    if old.get("VersioningConfiguration", {}).get("Status") and status != "Enabled":
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    if old.get("BucketEncryption") != new.get("BucketEncryption"):
        if new.get("BucketEncryption"):
            client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=encryption(new))
        else:
            client.delete_bucket_encryption(Bucket=bucket)
    if old.get("LifecycleConfiguration") != new.get("LifecycleConfiguration"):
        if new.get("LifecycleConfiguration"):
            rules = [lifecycle_rule(rule) for rule in new["LifecycleConfiguration"]["Rules"]]
            client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
        else:
            client.delete_bucket_lifecycle(Bucket=bucket)
    if old.get("LoggingConfiguration") != new.get("LoggingConfiguration"):
        logging = new.get("LoggingConfiguration")
        status = (
            {
                "LoggingEnabled": {
                    "TargetBucket": logging.get("DestinationBucketName", bucket),
                    "TargetPrefix": logging.get("LogFilePrefix", ""),
                }
            }
            if logging
            else {}
        )
        client.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=status)
    if new.get("OwnershipControls") and old.get("OwnershipControls") != new["OwnershipControls"]:
        client.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=new["OwnershipControls"])
    if old.get("AccessControl", "Private") != new.get("AccessControl", "Private"):
        canned = re.sub(r"(?<!^)([A-Z])", r"-\1", new.get("AccessControl", "Private")).lower()
        client.put_bucket_acl(Bucket=bucket, ACL=canned)
    if old.get("Tags", []) != new.get("Tags", []):
        if new.get("Tags"):
            client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": new["Tags"]})
        else:
            client.delete_bucket_tagging(Bucket=bucket)


def encryption(properties: dict[str, Any]) -> dict[str, Any]:
    """`BucketEncryption` as PutBucketEncryption takes it."""
    rules = []
    for rule in properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]:
        default = rule.get("ServerSideEncryptionByDefault", {})
        rules.append(
            {
                "ApplyServerSideEncryptionByDefault": default,
                "BucketKeyEnabled": str(rule.get("BucketKeyEnabled", False)).lower() == "true",
            }
        )
    return {"Rules": rules}


def lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """One lifecycle rule of a template as PutBucketLifecycleConfiguration takes it."""
    made: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if rule.get("Id"):
        made["ID"] = rule["Id"]
    if rule.get("ExpirationInDays"):
        made["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    elif rule.get("ExpiredObjectDeleteMarker"):
        made["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    noncurrent = rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays")
    noncurrent = noncurrent or rule.get("NoncurrentVersionExpirationInDays")
    if noncurrent:
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(noncurrent)}
    if rule.get("AbortIncompleteMultipartUpload"):
        days = rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        made["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": int(days)}
    if rule.get("Transitions"):
        made["Transitions"] = [
            {"Days": int(step["TransitionInDays"]), "StorageClass": step["StorageClass"]}
            for step in rule["Transitions"]
        ]
    if rule.get("NoncurrentVersionTransitions"):
        made["NoncurrentVersionTransitions"] = [
            {"NoncurrentDays": int(step["TransitionInDays"]), "StorageClass": step["StorageClass"]}
            for step in rule["NoncurrentVersionTransitions"]
        ]
    return made
