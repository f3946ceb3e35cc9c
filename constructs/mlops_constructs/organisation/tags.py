"""The tag policy: one spelling of our tag keys, and values that exist. It judges tags that are set, none that lack."""

from __future__ import annotations

from mlops_constructs.organisation.settings import OrganisationSettings

KEYS = ("mlops:owner", "mlops:environment", "mlops:cost-centre", "mlops:workload")
# Resource types on which a tag with another value is refused.
ENFORCED_FOR = ("dynamodb:table", "lambda:function", "s3:bucket", "sns:topic", "sqs:queue")


def tag_policy(settings: OrganisationSettings) -> dict[str, object]:
    """The document of a tag policy."""
    tags: dict[str, dict[str, object]] = {key: {"tag_key": {"@@assign": key}} for key in KEYS}
    tags["mlops:environment"]["tag_value"] = {"@@assign": list(settings.environments)}
    tags["mlops:environment"]["enforced_for"] = {"@@assign": list(ENFORCED_FOR)}
    return {"tags": tags}
