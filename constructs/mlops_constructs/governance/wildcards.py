"""The one reviewed list of permissions that cannot name their resource.

Every `Resource: "*"` (or `prefix/*`) in a template is here by kind, with the reason, and gets its waiver from here. A statement
with a wildcard whose actions are not in this list fails the tests.
"""

from __future__ import annotations

from dataclasses import dataclass

OWNER = "platform-security"
REVIEW = "2027-11-30"


@dataclass(frozen=True, kw_only=True)
class Wildcard:
    """A kind of permission without a resource, the actions it may hold and why it is unavoidable."""

    actions: frozenset[str]
    reason: str
    owner: str = OWNER
    review: str = REVIEW


OBJECTS = Wildcard(
    actions=frozenset(
        {
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
            "s3:GetObjectTagging",
        }
    ),
    reason="Objects come and go; the permission is limited to one prefix of one bucket, there is no finite list of keys.",
)
TRACING = Wildcard(
    actions=frozenset(
        {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"}
    ),
    reason="X-Ray has no resource level for writing trace segments and reading sampling rules.",
)
LOG_DELIVERY = Wildcard(
    actions=frozenset(
        {
            "logs:CreateLogDelivery",
            "logs:GetLogDelivery",
            "logs:UpdateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:DescribeResourcePolicies",
            "logs:DescribeLogGroups",
        }
    ),
    reason="CloudWatch Logs has no resource level for log delivery; Step Functions checks these when a state machine logs.",
)
NETWORK_INTERFACES = Wildcard(
    actions=frozenset(
        {
            "ec2:CreateNetworkInterface",
            "ec2:CreateNetworkInterfacePermission",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteNetworkInterfacePermission",
            "ec2:DescribeNetworkInterfaces",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeVpcs",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeRouteTables",
            "ec2:DescribeVpcAttribute",
        }
    ),
    reason="The service makes the network interfaces of functions and jobs; they have no name before, and Describe no resource level.",
)
METRICS = Wildcard(
    actions=frozenset({"cloudwatch:PutMetricData"}),
    reason="PutMetricData has no resource level; it is limited to one namespace by condition.",
)
REGISTRY_LOGIN = Wildcard(
    actions=frozenset({"ecr:GetAuthorizationToken"}),
    reason="GetAuthorizationToken has no resource level; pulling an image needs the repository's own permission.",
)
DATA_QUALITY = Wildcard(
    actions=frozenset({"glue:GetDataQualityRulesetEvaluationRun", "glue:GetDataQualityResult"}),
    reason="Data quality runs and results have generated ids and no resource level that could be named before the run.",
)
# The constructs add kinds of their own domain here, never elsewhere.
REVIEWED: tuple[Wildcard, ...] = (
    OBJECTS,
    TRACING,
    LOG_DELIVERY,
    NETWORK_INTERFACES,
    METRICS,
    REGISTRY_LOGIN,
    DATA_QUALITY,
)
