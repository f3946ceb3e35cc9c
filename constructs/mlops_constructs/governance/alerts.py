"""AlertTopic: where alarms and events that need a person go."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from mlops_constructs.governance.known import place_of, service


class AlertTopic(sns.Topic):
    """An SNS topic, encrypted with the given key and TLS only.

    Args:
        encryption_key: Its policy must allow CloudWatch, EventBridge and SNS (`Keys` does).
        email: Address that gets every alert after it confirmed; nobody by default.
    """

    def __init__(self, scope: Construct, id: str, *, encryption_key: kms.IKey, email: str | None = None) -> None:
        super().__init__(scope, id, master_key=encryption_key, enforce_ssl=True)
        # A topic with a policy of its own has lost the default one, by which alarms of the account may publish.
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsAndEventsOfThisAccount",
                principals=[service(f"{name}.amazonaws.com") for name in ("cloudwatch", "events")],
                actions=["sns:Publish"],
                resources=[self.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": place_of(self).account}},
            )
        )
        if email:
            self.add_subscription(subscriptions.EmailSubscription(email))
