"""The one reviewed list of permissions that cannot name their resource.

Every `Resource: "*"` in a template is here by kind, with the reason, and gets its cdk-nag waiver from here. Rule
`IAM-1.named-resources` reads the same list: an action is accepted on exactly the patterns, and under the conditions,
that its kind says. A pattern that begins with a name (`bucket/prefix/*`, `training-job/<workload>-*`) needs no entry.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase

OWNER = "platform-security"
REVIEW = "2027-11-30"


@dataclass(frozen=True, kw_only=True)
class Wildcard:
    """A kind of permission without a resource, the actions it may hold and why it is unavoidable.

    Args:
        actions: What may be allowed.
        reason: Why no resource can be named, in a sentence a reviewer can judge.
        on: Resource patterns without a name that the actions may be allowed on: `*`, `arn:*:network-interface/*`.
            None by default: the pattern in the policy must begin with a name.
        only_if: Condition keys (lower case) that must narrow the statement, every one. None needed by default.
        owner: Who answers for it.
        review: Day it must be looked at again (ISO date).
    """

    actions: frozenset[str]
    reason: str
    on: tuple[str, ...] = ()
    only_if: frozenset[str] = frozenset()
    owner: str = OWNER
    review: str = REVIEW

    def accepts(self, action: str, resource: str, keys: Collection[str]) -> bool:
        """Whether the action may be allowed on a pattern without a name, by a statement with these condition keys."""
        named = action.lower() in {each.lower() for each in self.actions}
        narrowed = self.only_if <= frozenset(keys)
        return named and narrowed and any(fnmatchcase(resource, pattern.replace("[", "[[]")) for pattern in self.on)


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
    on=("*",),
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
    on=("*",),
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
    on=("*",),
)
METRICS = Wildcard(
    actions=frozenset({"cloudwatch:PutMetricData"}),
    reason="PutMetricData has no resource level; it is limited to one namespace by condition.",
    on=("*",),
    only_if=frozenset({"cloudwatch:namespace"}),
)
REGISTRY_LOGIN = Wildcard(
    actions=frozenset({"ecr:GetAuthorizationToken"}),
    reason="GetAuthorizationToken has no resource level; pulling an image needs the repository's own permission.",
    on=("*",),
)
DATA_QUALITY = Wildcard(
    actions=frozenset({"glue:GetDataQualityRulesetEvaluationRun", "glue:GetDataQualityResult"}),
    reason="Data quality runs and results have generated ids; Glue knows only `dataQualityRuleset/*`.",
    on=("arn:*:glue:*:dataQualityRuleset/*",),
)
TAG_INTERFACES = Wildcard(
    actions=frozenset({"ec2:CreateTags", "ec2:DeleteTags"}),
    reason="Glue tags the network interfaces it makes for a job; no id before; only its own tag is allowed.",
    on=("arn:*:ec2:*:network-interface/*",),
    only_if=frozenset({"aws:tagkeys"}),
)
GLUE_LOGS = Wildcard(
    actions=frozenset({"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"}),
    reason="Glue names the log groups of jobs itself, below /aws-glue/.",
)
GLUE_SECURITY = Wildcard(
    actions=frozenset({"glue:GetSecurityConfiguration"}),
    reason="Glue has no resource level for security configurations, which say how a job encrypts what it writes.",
    on=("*",),
)
GLUE_ASSETS = Wildcard(
    actions=frozenset({"s3:GetObject"}),
    reason="Glue Data Quality loads its rule engine from a public bucket of AWS whose object names are not documented.",
    on=("arn:*:s3:::aws-glue-ml-data-quality-assets-*/*",),
)
REGISTRY_LIST = Wildcard(
    actions=frozenset({"sagemaker:ListModelPackages"}),
    reason="ListModelPackages has no resource level; changing a package needs a permission of its own.",
    on=("*",),
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
    on=("*",),
)
SCALING = Wildcard(
    actions=frozenset(
        {
            "application-autoscaling:RegisterScalableTarget",
            "application-autoscaling:DeregisterScalableTarget",
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:DescribeScalingPolicies",
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:DeleteScalingPolicy",
        }
    ),
    reason="Scalable targets have generated ids; limited to instance counts of SageMaker variants by condition.",
    on=("*",),
    only_if=frozenset({"application-autoscaling:service-namespace", "application-autoscaling:scalable-dimension"}),
)
ACCOUNT_SCANS = Wildcard(
    actions=frozenset({"inspector2:Enable", "inspector2:Disable"}),
    reason="Turning scans of an account on and off has no resource level; findings and filters are not touched.",
    on=("*",),
)
DISCOVERY_JOBS = Wildcard(
    actions=frozenset(
        {
            "macie2:CreateClassificationJob",
            "macie2:UpdateClassificationJob",
            "macie2:ListClassificationJobs",
        }
    ),
    reason="Macie gives its jobs generated ids, and listing them has no resource level; no finding can be read.",
    on=("*", "arn:*:classification-job/*"),
)
SWITCHES = Wildcard(
    actions=frozenset({"ssm:GetParametersByPath", "ssm:PutParameter"}),
    reason="The switches of workloads that do not exist yet; limited to one environment, and to three names to write.",
)
OWN_ENDPOINTS = Wildcard(
    actions=frozenset(
        {
            "sagemaker:CreateEndpoint",
            "sagemaker:DescribeEndpoint",
            "sagemaker:DeleteEndpoint",
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:ListTags",
            "sagemaker:AddTags",
            "sagemaker:UpdateEndpointWeightsAndCapacities",
        }
    ),
    reason="The endpoint of any workload, which a kill switch must reach; the pattern ends in the environment's name.",
    on=("arn:*:sagemaker:*:endpoint/*-*", "arn:*:sagemaker:*:endpoint-config/*-*"),
)
PEOPLE_BUCKETS = Wildcard(
    actions=frozenset(
        {
            "s3:ListBucket",
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
            "s3:GetBucketLocation",
            "s3:GetBucketLogging",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
        }
    ),
    reason="CloudFormation ends the names of buckets in letters nobody knows before; only buckets of this account.",
    on=("arn:*:s3:::mlops-*",),
    only_if=frozenset({"aws:resourceaccount"}),
)
PEOPLE_NAMES = Wildcard(
    actions=frozenset(
        {
            "cloudwatch:GetDashboard",
            "sagemaker:DescribeEndpoint",
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:DeleteEndpoint",
            "sagemaker:DescribeModelPackage",
            "sagemaker:DescribeModelPackageGroup",
            "sagemaker:ListModelPackages",
            "sagemaker:UpdateModelPackage",
            "sagemaker:DescribeTrainingJob",
            "sagemaker:DescribeProcessingJob",
            "sagemaker:StopTrainingJob",
            "sagemaker:StopProcessingJob",
        }
    ),
    reason="What any workload of one environment makes is named <workload>-<environment>; not all of it is tagged.",
    on=(
        "arn:*:cloudwatch:*:dashboard/*-*",
        "arn:*:sagemaker:*:endpoint/*-*",
        "arn:*:sagemaker:*:endpoint-config/*-*",
        "arn:*:sagemaker:*:model-package/*-*",
        "arn:*:sagemaker:*:model-package-group/*-*",
        "arn:*:sagemaker:*:training-job/*-*",
        "arn:*:sagemaker:*:processing-job/*-*",
    ),
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
    GLUE_SECURITY,
    GLUE_ASSETS,
    REGISTRY_LIST,
    OWN_NAMES,
    ENDPOINT_LISTS,
    SCALING,
    ACCOUNT_SCANS,
    DISCOVERY_JOBS,
    SWITCHES,
    OWN_ENDPOINTS,
    PEOPLE_BUCKETS,
    PEOPLE_NAMES,
)
