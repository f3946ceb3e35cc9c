"""Public Lambda layers, runtime and architecture: pinned in this one place.

The layer of Powertools for AWS Lambda (Python) brings pydantic; its publisher's account differs per partition. See
https://docs.aws.amazon.com/powertools/python/latest/getting-started/install/
"""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_

RUNTIME = lambda_.Runtime.PYTHON_3_14
ARCHITECTURE = lambda_.Architecture.ARM_64
POWERTOOLS_LAYER = "AWSLambdaPowertoolsPythonV3-python314-arm64"
POWERTOOLS_VERSION = 27
POWERTOOLS_ACCOUNTS = {"aws": "017000801446", "cn-north-1": "498634801083", "cn-northwest-1": "498634801083"}


def powertools_layer_arn(region: str) -> str:
    """ARN of the Powertools layer for a region (an unresolved region counts as one of partition `aws`)."""
    china = region.startswith("cn-")
    account = POWERTOOLS_ACCOUNTS[region if china else "aws"]
    return f"arn:{'aws-cn' if china else 'aws'}:lambda:{region}:{account}:layer:{POWERTOOLS_LAYER}:{POWERTOOLS_VERSION}"
