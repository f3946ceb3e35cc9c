"""Resource control policies: who can never reach resources of a member account, whatever their own policies say.

Services that take them: S3, STS, KMS, SQS, Secrets Manager. AWS services that act for us are principals of AWS itself
and have no organisation: they are let through here, and bound to ours by the confused deputy statement.
"""

from __future__ import annotations

from mlops_constructs.organisation.settings import OrganisationSettings
from mlops_constructs.organisation.statements import Statement, deny_to_resources

DATA = ("s3:*", "sqs:*", "kms:*", "secretsmanager:*")


def perimeter_statements(settings: OrganisationSettings) -> list[Statement]:
    """Nobody outside the organisation, no service on behalf of somebody outside, nothing in plain text."""
    ours = settings.organisation_id
    return [
        deny_to_resources(
            "PUB1OnlyOurOrganisation",
            *DATA,
            "sts:AssumeRole",
            when={
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ours},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        ),
        deny_to_resources(
            "IAM4NoConfusedDeputy",
            *DATA,
            "sts:AssumeRole",
            when={
                "StringNotEqualsIfExists": {"aws:SourceOrgID": ours},
                "Null": {"aws:SourceAccount": "false"},
                "Bool": {"aws:PrincipalIsAWSService": "true"},
            },
        ),
        deny_to_resources(
            "ENC3OnlyTls", *DATA, "sts:AssumeRole", when={"BoolIfExists": {"aws:SecureTransport": "false"}}
        ),
        deny_to_resources("ENC3OnlyTls12", "s3:*", when={"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    ]
