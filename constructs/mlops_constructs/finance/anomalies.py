"""CostAnomalies: cost that no budget foresaw, told when it is seen."""

from __future__ import annotations

import json

from aws_cdk import aws_ce as ce
from aws_cdk import aws_sns as sns
from constructs import Construct


class CostAnomalies(Construct):
    """Cost Anomaly Detection over what has one tag value, told at once from an impact on.

    A monitor over a tag: of the monitor over all services an account may have one only, which AWS makes by itself.

    Args:
        name: Name of monitor and subscription.
        tag: Key of a cost allocation tag that is active in the account that pays.
        value: Its value.
        impact_usd: Total impact in USD from which an anomaly is told of.
        topic: Who hears of it; its policy and key must let Cost Anomaly Detection publish (`allow_cost_alerts`).

    Attributes:
        monitor: The `ce.CfnAnomalyMonitor`.
        subscription: The `ce.CfnAnomalySubscription`.

    Raises:
        ValueError: The impact is not positive.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        tag: str,
        value: str,
        impact_usd: float,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, id)
        if impact_usd <= 0:
            raise ValueError(f"impact_usd must be more than 0, got {impact_usd}")
        self.monitor = ce.CfnAnomalyMonitor(
            self,
            "Monitor",
            monitor_name=name,
            monitor_type="CUSTOM",
            monitor_specification=json.dumps({"Tags": {"Key": tag, "Values": [value]}}),
        )
        self.subscription = ce.CfnAnomalySubscription(
            self,
            "Subscription",
            subscription_name=name,
            frequency="IMMEDIATE",
            monitor_arn_list=[self.monitor.attr_monitor_arn],
            subscribers=[ce.CfnAnomalySubscription.SubscriberProperty(type="SNS", address=topic.topic_arn)],
            threshold_expression=json.dumps(
                {
                    "Dimensions": {
                        "Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                        "MatchOptions": ["GREATER_THAN_OR_EQUAL"],
                        "Values": [f"{impact_usd:g}"],
                    }
                }
            ),
        )
