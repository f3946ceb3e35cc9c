"""The resource types that are vouched for and, of each, the properties that reach its service. Others are refused.

The emulator's own types read what they know and drop the rest, and the stack succeeds: a misspelt property, or one that
it does not have, would be lost without a word. Here a resource fails that asks for more than this list.
Properties are looked at by name, not what is inside them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import LocalAwsError
from .registry import checks_itself

if TYPE_CHECKING:
    from ..runtime import Runtime

Properties = dict[str, Any]
# Where the new properties are among the arguments of a handler.
_POSITION = {"create": 1, "update": 2}
# CloudFormation's own: any property is the function's business, or nobody's.
_FREE = ("AWS::CDK::Metadata", "AWS::CloudFormation::CustomResource")

_WORDS = {
    "AWS::Athena::WorkGroup": "Description Name RecursiveDeleteOption State Tags WorkGroupConfiguration",
    "AWS::CloudFormation::Stack": "Parameters Tags TemplateURL",
    "AWS::CloudFormation::WaitCondition": "Count Handle Timeout",
    "AWS::CloudFormation::WaitConditionHandle": "",
    "AWS::CloudWatch::Alarm": """ActionsEnabled AlarmActions AlarmDescription AlarmName ComparisonOperator
        DatapointsToAlarm Dimensions EvaluationPeriods ExtendedStatistic InsufficientDataActions MetricName Namespace
        OKActions Period Statistic Tags Threshold TreatMissingData Unit""",
    "AWS::CloudWatch::Dashboard": "DashboardBody DashboardName Tags",
    "AWS::DynamoDB::Table": """AttributeDefinitions BillingMode DeletionProtectionEnabled GlobalSecondaryIndexes
        KeySchema LocalSecondaryIndexes PointInTimeRecoverySpecification ProvisionedThroughput SSESpecification
        StreamSpecification TableName Tags TimeToLiveSpecification""",
    "AWS::EC2::InternetGateway": "Tags",
    "AWS::EC2::Route": """DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId GatewayId NatGatewayId
        NetworkInterfaceId RouteTableId VpcEndpointId VpcPeeringConnectionId""",
    "AWS::EC2::RouteTable": "Tags VpcId",
    "AWS::EC2::SecurityGroup": "GroupDescription GroupName SecurityGroupEgress SecurityGroupIngress Tags VpcId",
    "AWS::EC2::SecurityGroupEgress": """CidrIp CidrIpv6 Description DestinationPrefixListId DestinationSecurityGroupId
        FromPort GroupId IpProtocol ToPort""",
    "AWS::EC2::SecurityGroupIngress": """CidrIp CidrIpv6 Description FromPort GroupId IpProtocol SourcePrefixListId
        SourceSecurityGroupId ToPort""",
    "AWS::EC2::Subnet": "AvailabilityZone AvailabilityZoneId CidrBlock MapPublicIpOnLaunch Tags VpcId",
    "AWS::EC2::SubnetRouteTableAssociation": "RouteTableId SubnetId",
    "AWS::EC2::VPC": "CidrBlock EnableDnsHostnames EnableDnsSupport InstanceTenancy Tags",
    "AWS::EC2::VPCEndpoint": """PolicyDocument PrivateDnsEnabled RouteTableIds SecurityGroupIds ServiceName SubnetIds
        Tags VpcEndpointType VpcId""",
    "AWS::EC2::VPCGatewayAttachment": "InternetGatewayId VpcId VpnGatewayId",
    "AWS::ECR::Repository": """EncryptionConfiguration ImageScanningConfiguration ImageTagMutability LifecyclePolicy
        RepositoryName RepositoryPolicyText Tags""",
    "AWS::Events::EventBus": "DeadLetterConfig Description KmsKeyIdentifier Name Tags",
    "AWS::Events::EventBusPolicy": "Action EventBusName Principal Statement StatementId",
    "AWS::Events::Rule": "Description EventBusName EventPattern Name RoleArn ScheduleExpression State Tags Targets",
    "AWS::Glue::Connection": "CatalogId ConnectionInput Tags",
    "AWS::Glue::DataQualityRuleset": "Description Name Ruleset Tags TargetTable",
    "AWS::Glue::Database": "CatalogId DatabaseInput",
    "AWS::Glue::Job": """Command Connections DefaultArguments Description ExecutionClass ExecutionProperty GlueVersion
        JobMode LogUri MaxCapacity MaxRetries Name NonOverridableArguments NotificationProperty NumberOfWorkers Role
        SecurityConfiguration Tags Timeout WorkerType""",
    "AWS::Glue::Partition": "CatalogId DatabaseName PartitionInput TableName",
    "AWS::Glue::Table": "CatalogId DatabaseName TableInput",
    "AWS::IAM::InstanceProfile": "InstanceProfileName Path Roles",
    "AWS::IAM::ManagedPolicy": "Description Groups ManagedPolicyName Path PolicyDocument Roles Users",
    "AWS::IAM::Policy": "Groups PolicyDocument PolicyName Roles Users",
    "AWS::IAM::Role": """AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path
        PermissionsBoundary Policies RoleName Tags""",
    "AWS::IAM::User": "Groups ManagedPolicyArns Path PermissionsBoundary Policies Tags UserName",
    "AWS::KMS::Alias": "AliasName TargetKeyId",
    "AWS::KMS::Key": """Description EnableKeyRotation Enabled KeyPolicy KeySpec KeyUsage MultiRegion Origin
        PendingWindowInDays RotationPeriodInDays Tags""",
    "AWS::Kinesis::Stream": "Name RetentionPeriodHours ShardCount StreamModeDetails Tags",
    "AWS::Lambda::Alias": "Description FunctionName FunctionVersion Name ProvisionedConcurrencyConfig RoutingConfig",
    "AWS::Lambda::EventInvokeConfig": """DestinationConfig FunctionName MaximumEventAgeInSeconds MaximumRetryAttempts
        Qualifier""",
    "AWS::Lambda::EventSourceMapping": """BatchSize BisectBatchOnFunctionError DestinationConfig Enabled EventSourceArn
        FilterCriteria FunctionName FunctionResponseTypes MaximumBatchingWindowInSeconds MaximumRecordAgeInSeconds
        MaximumRetryAttempts ParallelizationFactor ScalingConfig StartingPosition""",
    "AWS::Lambda::Function": """Architectures Code DeadLetterConfig Description Environment EphemeralStorage
        FunctionName Handler KmsKeyArn Layers LoggingConfig MemorySize PackageType ReservedConcurrentExecutions Role
        Runtime SnapStart Tags Timeout TracingConfig VpcConfig""",
    "AWS::Lambda::LayerVersion": "CompatibleArchitectures CompatibleRuntimes Content Description LayerName LicenseInfo",
    "AWS::Lambda::LayerVersionPermission": "Action LayerVersionArn OrganizationId Principal",
    "AWS::Lambda::Permission": "Action FunctionName Principal PrincipalOrgID SourceAccount SourceArn",
    "AWS::Lambda::Version": "Description FunctionName",
    "AWS::Logs::LogGroup": "KmsKeyId LogGroupClass LogGroupName ResourcePolicyDocument RetentionInDays Tags",
    "AWS::Logs::LogStream": "LogGroupName LogStreamName",
    "AWS::Logs::MetricFilter": "FilterName FilterPattern LogGroupName MetricTransformations",
    "AWS::Logs::ResourcePolicy": "PolicyDocument PolicyName",
    "AWS::Logs::SubscriptionFilter": "DestinationArn Distribution FilterName FilterPattern LogGroupName RoleArn",
    "AWS::Route53Resolver::ResolverQueryLoggingConfig": "DestinationArn Name Tags",
    "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation": "ResolverQueryLogConfigId ResourceId",
    "AWS::S3::Bucket": """AccessControl BucketEncryption BucketName CorsConfiguration LifecycleConfiguration
        LoggingConfiguration NotificationConfiguration OwnershipControls PublicAccessBlockConfiguration Tags
        VersioningConfiguration WebsiteConfiguration""",
    "AWS::S3::BucketPolicy": "Bucket PolicyDocument",
    "AWS::SNS::Subscription": """DeliveryPolicy Endpoint FilterPolicy FilterPolicyScope Protocol RawMessageDelivery
        RedrivePolicy SubscriptionRoleArn TopicArn""",
    "AWS::SNS::Topic": "DisplayName KmsMasterKeyId Subscription Tags TopicName",
    "AWS::SNS::TopicPolicy": "PolicyDocument Topics",
    "AWS::SQS::Queue": """ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit
        KmsDataKeyReusePeriodSeconds KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod QueueName
        ReceiveMessageWaitTimeSeconds RedriveAllowPolicy RedrivePolicy SqsManagedSseEnabled Tags VisibilityTimeout""",
    "AWS::SQS::QueuePolicy": "PolicyDocument Queues",
    "AWS::SSM::Parameter": "AllowedPattern DataType Description Name Policies Tags Tier Type Value",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupDescription ModelPackageGroupName Tags",
    "AWS::Scheduler::ScheduleGroup": "Name Tags",
    "AWS::SecretsManager::Secret": "Description GenerateSecretString KmsKeyId Name ReplicaRegions SecretString Tags",
    "AWS::SecretsManager::SecretTargetAttachment": "SecretId TargetId TargetType",
    "AWS::StepFunctions::StateMachine": """Definition DefinitionS3Location DefinitionString DefinitionSubstitutions
        EncryptionConfiguration LoggingConfiguration RoleArn StateMachineName StateMachineType Tags
        TracingConfiguration""",
}
ACCEPTED = {name: frozenset(words.split()) for name, words in _WORDS.items()}


def register(runtime: Runtime) -> None:
    """Puts the check in front of every type, and takes away the types that nobody vouches for; must come last."""
    from ministack.services.cloudformation import provisioners

    for name, handlers in list(provisioners._RESOURCE_HANDLERS.items()):
        if name in ACCEPTED:
            provisioners._RESOURCE_HANDLERS[name] = _checking(runtime, name, handlers)
        elif name not in _FREE and not checks_itself(name):
            del provisioners._RESOURCE_HANDLERS[name]


def _checking(runtime: Runtime, name: str, handlers: dict[str, Any]) -> dict[str, Any]:
    def checked(function: Callable[..., Any], position: int) -> Callable[..., Any]:
        def handle(*arguments: Any) -> Any:
            check(name, arguments[position], runtime.account)
            return function(*arguments)

        return handle

    return {key: checked(given, _POSITION[key]) if key in _POSITION else given for key, given in handlers.items()}


def check(type_name: str, properties: Properties, account: str) -> None:
    """Refuses properties that would not reach the service.

    Raises:
        LocalAwsError: naming them.
    """
    unknown = sorted(set(properties) - ACCEPTED[type_name])
    if unknown:
        raise LocalAwsError(f"the local AWS has no {', '.join(unknown)} of {type_name}: it would be ignored")
    if properties.get("CatalogId", account) != account:
        raise LocalAwsError(f"the local AWS has one catalog, that of the account {account}: CatalogId of {type_name}")
