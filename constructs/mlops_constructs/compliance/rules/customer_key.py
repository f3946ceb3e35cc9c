"""Whether a value is a KMS key of the customer."""

from __future__ import annotations

import re

from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.template import ACCOUNT
from mlops_constructs.compliance.values import Unknown

# A key of AWS in the customer's account (alias/aws/s3) or the name some services have for one of their own.
_OF_AWS = re.compile(r"(^|[:/])alias/aws/|^aws/|^(AES256|default|AWS_OWNED\w*)$", re.IGNORECASE)
_KEY = re.compile(
    r"^arn:[\w-]+:kms:[^:]+:[^:]+:(key|alias)/.+$"  # ARN
    r"|^alias/.+$"
    r"|^(mrk-)?[0-9a-f-]{32,36}$"  # id
    r"|^\{\{resolve:.+\}\}$",  # read by CloudFormation from a parameter or secret
    re.IGNORECASE,
)


def key_problem(estate: Estate, value: object) -> str:
    """Say what is wrong with a value where the customer's key is expected; nothing if it is one.

    A reference to something outside of the templates is taken for a key: it can be judged only once deployed.
    """
    if isinstance(value, Unknown):
        return ""
    if not isinstance(value, str) or not value:
        return f"is {value!r}: a key of the customer is expected"
    if _OF_AWS.search(value):
        return f"is {value}, a key of AWS: its policy and rotation are not the customer's"
    owner = re.match(r"arn:[\w-]+:kms:[^:]*:(\d{12}):", value)
    if owner and estate.account not in (owner[1], ACCOUNT):
        return f"is a key of account {owner[1]}: whoever owns that can take the data away"
    if estate.find(value, "AWS::KMS::Key", "AWS::KMS::ReplicaKey", "AWS::KMS::Alias") or _KEY.match(value):
        return ""
    found = estate.find(value)
    return f"is {found.logical_id if found else value}, which is no KMS key"
