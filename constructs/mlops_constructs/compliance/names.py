"""What CloudFormation will call a resource: physical ids and ARNs, as far as the template decides them.

A rule has to follow `arn:aws:s3:::lake/*` in a policy back to the bucket, so a reference must become the same text
wherever it is written. A resource without a name of its own is called by its stack and its logical id, as
CloudFormation does it: another stack with equal logical ids changes no name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Ref(StrEnum):
    """What `Ref` returns for a type."""

    ID = "id"
    ARN = "arn"
    URL = "url"


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a resource type is named.

    Args:
        arn: What follows the partition; `{id}` is the physical id, `{path}` the IAM path.
        name: Property that gives the physical id, when the type has one.
        ref: What `Ref` returns.
        prefix: What a generated id begins with.
        lower: The service allows no capitals in it.
    """

    arn: str
    name: str = ""
    ref: Ref = Ref.ID
    prefix: str = ""
    lower: bool = False


def form_of(kind: str) -> Form:
    """Return how a type is named; a type that is not listed gets `service:region:account:type/id`."""
    if known := FORMS.get(kind):
        return known
    _, service, resource, *_ = (*kind.split("::"), "", "")
    resource = resource[:1].lower() + resource[1:]
    return Form(arn=f"{service.lower()}:{{region}}:{{account}}:{resource or 'custom'}/{{id}}")


def _regional(service: str, resource: str, name: str = "", ref: Ref = Ref.ID, **more: str | bool) -> Form:
    prefix, lower = str(more.get("prefix", "")), bool(more.get("lower"))
    arn = f"{service}:{{region}}:{{account}}:{resource}{{id}}"
    return Form(arn=arn, name=name, ref=ref, prefix=prefix, lower=lower)


def _sagemaker(resource: str, name: str, ref: Ref = Ref.ARN) -> Form:
    return _regional("sagemaker", f"{resource}/", name, ref)


def _ec2(resource: str, prefix: str) -> Form:
    return _regional("ec2", f"{resource}/", prefix=f"{prefix}-")


FORMS: dict[str, Form] = {
    "AWS::AccessAnalyzer::Analyzer": _regional("access-analyzer", "analyzer/", "AnalyzerName", Ref.ARN),
    "AWS::ApiGateway::RestApi": Form(arn="apigateway:{region}::/restapis/{id}"),
    "AWS::ApiGatewayV2::Api": Form(arn="apigateway:{region}::/apis/{id}"),
    "AWS::Athena::WorkGroup": _regional("athena", "workgroup/", "Name"),
    "AWS::Backup::BackupVault": _regional("backup", "backup-vault:", "BackupVaultName"),
    "AWS::Batch::ComputeEnvironment": _regional("batch", "compute-environment/", "ComputeEnvironmentName", Ref.ARN),
    "AWS::Batch::JobDefinition": _regional("batch", "job-definition/", "JobDefinitionName", Ref.ARN),
    "AWS::Batch::JobQueue": _regional("batch", "job-queue/", "JobQueueName", Ref.ARN),
    "AWS::CertificateManager::Certificate": _regional("acm", "certificate/", ref=Ref.ARN),
    "AWS::CloudFormation::Stack": _regional("cloudformation", "stack/", "StackName", Ref.ARN),
    "AWS::CloudTrail::Trail": _regional("cloudtrail", "trail/", "TrailName"),
    "AWS::CloudWatch::Alarm": _regional("cloudwatch", "alarm:", "AlarmName"),
    "AWS::CodeBuild::Project": _regional("codebuild", "project/", "Name"),
    "AWS::CodePipeline::Pipeline": _regional("codepipeline", "", "Name"),
    "AWS::Config::ConfigRule": _regional("config", "config-rule/", "ConfigRuleName"),
    "AWS::DynamoDB::Table": _regional("dynamodb", "table/", "TableName"),
    "AWS::DynamoDB::GlobalTable": _regional("dynamodb", "table/", "TableName"),
    "AWS::EC2::FlowLog": _ec2("vpc-flow-log", "fl"),
    "AWS::EC2::Instance": _ec2("instance", "i"),
    "AWS::EC2::InternetGateway": _ec2("internet-gateway", "igw"),
    "AWS::EC2::LaunchTemplate": _ec2("launch-template", "lt"),
    "AWS::EC2::NatGateway": _ec2("natgateway", "nat"),
    "AWS::EC2::RouteTable": _ec2("route-table", "rtb"),
    "AWS::EC2::SecurityGroup": _ec2("security-group", "sg"),
    "AWS::EC2::Subnet": _ec2("subnet", "subnet"),
    "AWS::EC2::VPC": _ec2("vpc", "vpc"),
    "AWS::EC2::VPCEndpoint": _ec2("vpc-endpoint", "vpce"),
    "AWS::EC2::Volume": _ec2("volume", "vol"),
    "AWS::ECR::Repository": _regional("ecr", "repository/", "RepositoryName", lower=True),
    "AWS::ECS::Cluster": _regional("ecs", "cluster/", "ClusterName"),
    "AWS::ECS::Service": _regional("ecs", "service/", "ServiceName", Ref.ARN),
    "AWS::ECS::TaskDefinition": _regional("ecs", "task-definition/", "Family", Ref.ARN),
    "AWS::EFS::FileSystem": _regional("elasticfilesystem", "file-system/", prefix="fs-"),
    "AWS::EKS::Cluster": _regional("eks", "cluster/", "Name"),
    "AWS::ElastiCache::ReplicationGroup": _regional(
        "elasticache", "replicationgroup:", "ReplicationGroupId", lower=True
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _regional(
        "elasticloadbalancing", "loadbalancer/app/", "Name", Ref.ARN
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": _regional("elasticloadbalancing", "targetgroup/", "Name", Ref.ARN),
    "AWS::ElasticLoadBalancingV2::Listener": _regional("elasticloadbalancing", "listener/app/", ref=Ref.ARN),
    "AWS::Elasticsearch::Domain": _regional("es", "domain/", "DomainName", lower=True),
    "AWS::Events::Archive": _regional("events", "archive/", "ArchiveName"),
    "AWS::Events::EventBus": _regional("events", "event-bus/", "Name"),
    "AWS::Events::Rule": _regional("events", "rule/", "Name"),
    "AWS::GuardDuty::Detector": _regional("guardduty", "detector/"),
    "AWS::IAM::Group": Form(arn="iam::{account}:group{path}{id}", name="GroupName"),
    "AWS::IAM::InstanceProfile": Form(arn="iam::{account}:instance-profile{path}{id}", name="InstanceProfileName"),
    "AWS::IAM::ManagedPolicy": Form(arn="iam::{account}:policy{path}{id}", name="ManagedPolicyName", ref=Ref.ARN),
    "AWS::IAM::OIDCProvider": Form(arn="iam::{account}:oidc-provider/{id}", ref=Ref.ARN),
    "AWS::IAM::Role": Form(arn="iam::{account}:role{path}{id}", name="RoleName"),
    "AWS::IAM::SAMLProvider": Form(arn="iam::{account}:saml-provider/{id}", name="Name", ref=Ref.ARN),
    "AWS::IAM::User": Form(arn="iam::{account}:user{path}{id}", name="UserName"),
    "AWS::KMS::Alias": _regional("kms", "", "AliasName"),
    "AWS::KMS::Key": _regional("kms", "key/"),
    "AWS::KMS::ReplicaKey": _regional("kms", "key/"),
    "AWS::Kinesis::Stream": _regional("kinesis", "stream/", "Name"),
    "AWS::KinesisFirehose::DeliveryStream": _regional("firehose", "deliverystream/", "DeliveryStreamName"),
    "AWS::Lambda::Alias": _regional("lambda", "function:", ref=Ref.ARN),
    "AWS::Lambda::Function": _regional("lambda", "function:", "FunctionName"),
    "AWS::Lambda::LayerVersion": _regional("lambda", "layer:", "LayerName", Ref.ARN),
    "AWS::Lambda::Version": _regional("lambda", "function:", ref=Ref.ARN),
    "AWS::Logs::LogGroup": Form(arn="logs:{region}:{account}:log-group:{id}:*", name="LogGroupName"),
    "AWS::OpenSearchService::Domain": _regional("es", "domain/", "DomainName", lower=True),
    "AWS::RDS::DBCluster": _regional("rds", "cluster:", "DBClusterIdentifier", lower=True),
    "AWS::RDS::DBInstance": _regional("rds", "db:", "DBInstanceIdentifier", lower=True),
    "AWS::Redshift::Cluster": _regional("redshift", "cluster:", "ClusterIdentifier", lower=True),
    "AWS::S3::AccessPoint": _regional("s3", "accesspoint/", "Name"),
    "AWS::S3::Bucket": Form(arn="s3:::{id}", name="BucketName", lower=True),
    "AWS::SNS::Topic": _regional("sns", "", "TopicName", Ref.ARN),
    "AWS::SQS::Queue": _regional("sqs", "", "QueueName", Ref.URL),
    "AWS::SSM::Parameter": Form(arn="ssm:{region}:{account}:parameter{id}", name="Name"),
    "AWS::SageMaker::DataQualityJobDefinition": _sagemaker("data-quality-job-definition", "JobDefinitionName"),
    "AWS::SageMaker::Domain": _regional("sagemaker", "domain/", prefix="d-"),
    "AWS::SageMaker::Endpoint": _sagemaker("endpoint", "EndpointName"),
    "AWS::SageMaker::EndpointConfig": _sagemaker("endpoint-config", "EndpointConfigName"),
    "AWS::SageMaker::FeatureGroup": _sagemaker("feature-group", "FeatureGroupName", Ref.ID),
    "AWS::SageMaker::Model": _sagemaker("model", "ModelName"),
    "AWS::SageMaker::ModelBiasJobDefinition": _sagemaker("model-bias-job-definition", "JobDefinitionName"),
    "AWS::SageMaker::ModelCard": _sagemaker("model-card", "ModelCardName", Ref.ID),
    "AWS::SageMaker::ModelExplainabilityJobDefinition": _sagemaker(
        "model-explainability-job-definition", "JobDefinitionName"
    ),
    "AWS::SageMaker::ModelPackage": _sagemaker("model-package", "ModelPackageName"),
    "AWS::SageMaker::ModelPackageGroup": _sagemaker("model-package-group", "ModelPackageGroupName"),
    "AWS::SageMaker::ModelQualityJobDefinition": _sagemaker("model-quality-job-definition", "JobDefinitionName"),
    "AWS::SageMaker::MonitoringSchedule": _sagemaker("monitoring-schedule", "MonitoringScheduleName"),
    "AWS::SageMaker::NotebookInstance": _sagemaker("notebook-instance", "NotebookInstanceName"),
    "AWS::SageMaker::Pipeline": _sagemaker("pipeline", "PipelineName", Ref.ID),
    "AWS::Scheduler::Schedule": _regional("scheduler", "schedule/default/", "Name"),
    "AWS::SecretsManager::Secret": _regional("secretsmanager", "secret:", "Name", Ref.ARN),
    "AWS::SecurityHub::Hub": _regional("securityhub", "hub/", ref=Ref.ARN),
    "AWS::StepFunctions::Activity": _regional("states", "activity:", "Name", Ref.ARN),
    "AWS::StepFunctions::StateMachine": _regional("states", "stateMachine:", "StateMachineName", Ref.ARN),
    "Custom::LiveParameter": Form(arn="ssm:{region}:{account}:parameter{id}", name="Name"),
}
