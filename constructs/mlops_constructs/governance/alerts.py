"""AlertTopic: where alarms and events that need a person go."""

from __future__ import annotations

import re

from aws_cdk import Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from mlops_constructs.compliance.waivers import PACK
from mlops_constructs.governance.grants import Conditions
from mlops_constructs.governance.known import place_of, service
from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import OWNER, REVIEW

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class AlertTopic(sns.Topic):
    """An SNS topic, encrypted with the given key and TLS only.

    Args:
        encryption_key: Its policy must allow CloudWatch, EventBridge and SNS (`Keys` does).
        email: Address that gets every alert after it confirmed; nobody by default.

    Raises:
        ValueError: The email is no address.
    """

    def __init__(self, scope: Construct, id: str, *, encryption_key: kms.IKey, email: str | None = None) -> None:
        if email is not None and not Token.is_unresolved(email) and not _EMAIL.fullmatch(email):
            raise ValueError(f"email must be an address like on-call@example.com, got {email!r}")
        super().__init__(scope, id, master_key=encryption_key, enforce_ssl=True)
        # A topic with a policy of its own has lost the default one, by which alarms of the account may publish.
        account = {"aws:SourceAccount": place_of(self).account}
        self._let_publish("AlarmsOfThisAccount", "cloudwatch", {"StringEquals": account})
        # EventBridge is documented not to say whom it publishes for; where it does, it must be this account.
        self._let_publish("EventsOfThisAccount", "events", {"StringEqualsIfExists": account})
        waive(self, _NO_SOURCE)
        if email is not None:
            self.add_subscription(subscriptions.EmailSubscription(email))

    def _let_publish(self, sid: str, name: str, conditions: Conditions) -> None:
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                principals=[service(f"{name}.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic_arn],
                conditions=conditions,
            )
        )


_NO_SOURCE = Waiver(
    finding=f"{PACK}::PUB-1.no-confused-deputy[events.amazonaws.com]",
    reason="EventBridge does not support conditions in topic policies: an alert would be lost. A stranger's rule could "
    "at worst write an alert that nothing here caused.",
    owner=OWNER,
    review=REVIEW,
    compensating_control="An alert starts nothing: it names the resource, and its runbook begins by looking there.",
)
