"""The one reviewed list of permissions that cannot name their resource.

Every `Resource: "*"` (or `prefix/*`) in a template is here by kind, with the reason, and gets its waiver from here. A
statement with a wildcard whose actions are not in this list fails the tests.
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
            "s3:PutObjectTagging",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:AbortMultipartUpload",
            "s3:GetObjectTagging",
        }
    ),
    reason="Objects come and go; the permission is limited to one prefix of one bucket, as no list of keys is final.",
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
    reason="CloudWatch Logs has no resource level for log delivery, which a workflow sets up for its log group.",
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
    reason="The service makes the interfaces of functions and jobs: no id before, no resource level for Describe.",
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
    reason="Data quality runs and results have generated ids; Glue knows only `dataQualityRuleset/*`.",
)
TAG_INTERFACES = Wildcard(
    actions=frozenset({"ec2:CreateTags", "ec2:DeleteTags"}),
    reason="Glue tags the network interfaces it makes for a job; no id before; only its own tag is allowed.",
)
GLUE_LOGS = Wildcard(
    actions=frozenset({"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"}),
    reason="Glue names the log groups of jobs itself, below /aws-glue/.",
)
GLUE_ASSETS = Wildcard(
    actions=frozenset({"s3:GetObject"}),
    reason="Glue Data Quality loads its rule engine from a public bucket of AWS whose object names are not documented.",
)
REGISTRY_LIST = Wildcard(
    actions=frozenset({"sagemaker:ListModelPackages"}),
    reason="ListModelPackages has no resource level; changing a package needs a permission of its own.",
)
OWN_NAMES = Wildcard(
    actions=frozenset(
        {
            "sagemaker:AddTags",
            "sagemaker:CreateProcessingJob",
            "sagemaker:DescribeProcessingJob",
            "sagemaker:StopProcessingJob",
            "sagemaker:CreateTrainingJob",
            "sagemaker:DescribeTrainingJob",
            "sagemaker:StopTrainingJob",
            "sagemaker:CreateModel",
            "sagemaker:DeleteModel",
            "sagemaker:CreateEndpointConfig",
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:DeleteEndpointConfig",
            "sagemaker:CreateEndpoint",
            "sagemaker:UpdateEndpoint",
            "sagemaker:CreateModelPackage",
            "sagemaker:DescribeModelPackage",
            "sagemaker:UpdateModelPackage",
            "sagemaker:DeleteModelPackage",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:DeleteAlarms",
            "states:DescribeExecution",
        }
    ),
    reason="Named by a workflow at run time; the pattern begins with the name of this workload and environment.",
)
ENDPOINT_LISTS = Wildcard(
    actions=frozenset({"sagemaker:ListModels", "sagemaker:ListEndpointConfigs"}),
    reason="Listing models and endpoint configs has no resource level; deleting one needs its name to begin with ours.",
)
SCALING = Wildcard(
    actions=frozenset(
        {
            "application-autoscaling:RegisterScalableTarget",
            "application-autoscaling:DeregisterScalableTarget",
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:DeleteScalingPolicy",
        }
    ),
    reason="Scalable targets have generated ids; limited to instance counts of SageMaker variants by condition.",
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
    TAG_INTERFACES,
    GLUE_LOGS,
    GLUE_ASSETS,
    REGISTRY_LIST,
    OWN_NAMES,
    ENDPOINT_LISTS,
    SCALING,
)
