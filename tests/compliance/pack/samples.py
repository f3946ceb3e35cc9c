"""Rules and templates small enough to see what the gate makes of them."""

from collections.abc import Iterator
from typing import Any

from mlops_constructs.compliance.estate import Estate, from_templates
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.waivers import AppliedWaiver, Waiver


def versioned(estate: Estate) -> Iterator[Judgement]:
    """Judge whether buckets keep versions."""
    for bucket in estate.of("AWS::S3::Bucket"):
        status = bucket.get("VersioningConfiguration.Status")
        yield Judgement(bucket, status == "Enabled", message=f"versioning is {status}")


def tagged(estate: Estate) -> Iterator[Judgement]:
    """Judge two tags of every bucket, each an aspect of its own."""
    for bucket in estate.of("AWS::S3::Bucket"):
        keys = {tag["Key"] for tag in bucket.get("Tags", [])}
        for key in ("owner", "cost"):
            yield Judgement(bucket, key in keys, detail=key, message=f"no tag {key}")


def broken(estate: Estate) -> Iterator[Judgement]:
    """Fail over every template."""
    yield from ()
    raise KeyError("Statement")


def rule(check: Any, id: str, severity: Severity = Severity.HIGH, **more: Any) -> Rule:
    return Rule(
        id=id,
        title="buckets are as they should be",
        rationale="because",
        remedy="mend it",
        severity=severity,
        phase=Phase.INITIAL,
        check=check,
        **more,
    )


VERSIONED = rule(versioned, "RET-1.versioned", Severity.LOW)
TAGGED = rule(tagged, "OPS-2.tagged", Severity.LOW)


def bucket(versioning: str | None = None, *tags: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"Tags": [{"Key": tag, "Value": "x"} for tag in tags]}
    if versioning:
        properties["VersioningConfiguration"] = {"Status": versioning}
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


def estate(stage: str | None = "prod", **resources: dict[str, Any]) -> Estate:
    return from_templates({"stack": {"Resources": resources}}, name="sample", stage=stage)


def waiver(finding: str, path: str = "stack/Lake", review: str = "2027-06-30", control: str = "") -> AppliedWaiver:
    written = Waiver(
        finding=finding,
        reason="The bucket holds what can be made again at any time.",
        owner="data-platform",
        review=review,
        compensating_control=control,
    )
    return AppliedWaiver(path=path, waiver=written)
