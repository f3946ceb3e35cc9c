"""QueryLogs: what every machine of a VPC asked the name service, in an encrypted log group."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53resolver as resolver
from constructs import Construct

from mlops_constructs.governance.known import place_of, service


class QueryLogs(Construct):
    """Route 53 Resolver query logging of one VPC: an attempt to reach a name outside is seen even where no route leads.

    Args:
        vpc_id: The VPC.
        encryption_key: Key of the log group. Its policy must allow CloudWatch Logs (`Keys` does).
        retention: 1 year by default.

    Attributes:
        log_group: The `logs.LogGroup`.
        config: The `resolver.CfnResolverQueryLoggingConfig`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc_id: str,
        encryption_key: kms.IKey,
        retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
    ) -> None:
        super().__init__(scope, id)
        self.log_group = logs.LogGroup(
            self, "Logs", encryption_key=encryption_key, retention=retention, removal_policy=RemovalPolicy.DESTROY
        )
        here = place_of(self)
        source = here.arn("logs", "*")
        # Written out, because the service would otherwise write a policy of its own into the account.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html
        self.log_group.add_to_resource_policy(
            iam.PolicyStatement(
                sid="QueriesOfThisAccount",
                principals=[service("delivery.logs.amazonaws.com")],
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[self.log_group.log_group_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": here.account},
                    "ArnLike": {"aws:SourceArn": source},
                },
            )
        )
        self.config = resolver.CfnResolverQueryLoggingConfig(
            self, "Config", destination_arn=self.log_group.log_group_arn
        )
        policy = self.log_group.node.try_find_child("Policy")
        if policy is not None:
            self.config.node.add_dependency(policy)
        resolver.CfnResolverQueryLoggingConfigAssociation(
            self, "Association", resolver_query_log_config_id=self.config.ref, resource_id=vpc_id
        )
