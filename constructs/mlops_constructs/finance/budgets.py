"""MonthlyBudget warns of cost, SpendingStop denies new jobs when a budget is spent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from mlops_constructs.governance.grants import allow
from mlops_constructs.governance.known import place_of
from mlops_constructs.governance.own_boundary import own_boundary

COST_SERVICES = ("budgets.amazonaws.com", "costalerts.amazonaws.com")
ATTACH = ("iam:AttachRolePolicy", "iam:DetachRolePolicy")
MAX_NOTIFICATIONS = 5
MAX_ROLES = 100
# What starts new cost. Endpoints are left alone: stopping them is an outage, and a roll-back must stay possible.
STARTS_COST = (
    "batch:SubmitJob",
    "sagemaker:CreateAutoMLJobV2",
    "sagemaker:CreateHyperParameterTuningJob",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateTrainingJob",
    "sagemaker:CreateTransformJob",
)


class MonthlyBudget(Construct):
    """A cost budget per calendar month that tells a topic at shares of it, and when the forecast exceeds it.

    Args:
        name: Beginning of the budget's name. The end is a digest of the shares: CloudFormation replaces a budget whose
            notifications change, and two of the same name cannot exist.
        monthly_usd: The budget in USD.
        topic: Who hears of it; its policy and key must let AWS Budgets publish (`allow_cost_alerts`).
        percents: Shares of the budget at which actual cost is told of; 80 and 100 by default.
        tags: Only cost with these tags. The account's whole cost by default. The keys must be active as cost
            allocation tags in the account that pays.

    Attributes:
        budget: The `budgets.CfnBudget`; its `ref` is the name.

    Raises:
        ValueError: The amount is not positive, or there are more shares than notifications.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        monthly_usd: float,
        topic: sns.ITopic,
        percents: Sequence[int] = (80, 100),
        tags: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, id)
        if monthly_usd <= 0 or not 1 <= len(percents) < MAX_NOTIFICATIONS:
            raise ValueError(
                f"got monthly_usd {monthly_usd} and {len(percents)} percents; give more than 0 USD and 1 to "
                f"{MAX_NOTIFICATIONS - 1} percents: the forecast is told of too"
            )
        digest = hashlib.sha256(repr(tuple(percents)).encode()).hexdigest()[:6]
        self.budget = budgets.CfnBudget(
            self,
            "Resource",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=f"{name}-{digest}",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=monthly_usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:{key}${value}" for key, value in tags.items()]} if tags else None,
            ),
            notifications_with_subscribers=[
                *(_notification("ACTUAL", percent, topic) for percent in percents),
                _notification("FORECASTED", 100, topic),
            ],
        )


class SpendingStop(Construct):
    """When a budget is spent, denies roles to start new jobs, at once or after a person said yes.

    Denies what starts cost (training, processing, tuning, transform, Batch); endpoints go on serving. It ends with the
    next month, when AWS Budgets resets the action, or when a person reverses it.

    Args:
        budget: The budget.
        name: Name of the policy that is attached; people detach it by this name. Ends in `-stop-spending`.
        path: IAM path of the policy, for example `/mlops/dev/`.
        roles: Roles that start jobs.
        topic: Who hears that it happened or waits for a yes.
        at_percent: Share of the budget, of actual cost; 100 by default.
        approval: `manual`: a person executes the waiting action. `automatic`: nobody is asked.
        bound: Set a permissions boundary of its own on the role, in place of the one its stack sets, which may allow
            no `iam:` action. False by default.

    Attributes:
        policy: The `iam.ManagedPolicy` that denies.
        role: In which AWS Budgets attaches it; may attach and detach this policy only, to these roles only.
        action: The `budgets.CfnBudgetsAction`.

    Raises:
        ValueError: The name does not tell what it is, or there are no roles or too many.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        budget: MonthlyBudget,
        name: str,
        path: str,
        roles: Sequence[iam.IRole],
        topic: sns.ITopic,
        at_percent: int = 100,
        approval: Literal["manual", "automatic"] = "manual",
        bound: bool = False,
    ) -> None:
        super().__init__(scope, id)
        if not name.endswith("-stop-spending") or not 1 <= len(roles) <= MAX_ROLES:
            raise ValueError(
                f"got name {name!r} and {len(roles)} roles; end the name in -stop-spending, which guards know it by, "
                f"and give 1 to {MAX_ROLES} roles"
            )
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=name,
            path=path,
            description="Attached when the budget is spent: no new jobs until it is detached",
            statements=[
                iam.PolicyStatement(
                    sid="OPS3StopNewJobs", effect=iam.Effect.DENY, actions=list(STARTS_COST), resources=["*"]
                )
            ],
        )
        only_this = {"ArnEquals": {"iam:PolicyARN": self.policy.managed_policy_arn}}
        self.role = self._role([role.role_arn for role in roles], only_this)
        if bound:
            own_boundary(self, "Boundary", role=self.role, path=path, actions=ATTACH, conditions=only_this)
        action = budgets.CfnBudgetsAction
        self.action = action(
            self,
            "Resource",
            budget_name=budget.budget.ref,
            action_type="APPLY_IAM_POLICY",
            notification_type="ACTUAL",
            approval_model=approval.upper(),
            action_threshold=action.ActionThresholdProperty(type="PERCENTAGE", value=at_percent),
            execution_role_arn=self.role.role_arn,
            definition=action.DefinitionProperty(
                iam_action_definition=action.IamActionDefinitionProperty(
                    policy_arn=self.policy.managed_policy_arn, roles=[role.role_name for role in roles]
                )
            ),
            subscribers=[action.SubscriberProperty(type="SNS", address=topic.topic_arn)],
        )
        self.action.node.add_dependency(self.role)

    def _role(self, roles: Sequence[str], only_this: Mapping[str, Mapping[str, str]]) -> iam.Role:
        here = place_of(self)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "budgets.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": here.account},
                    "ArnLike": {"aws:SourceArn": f"arn:{here.partition}:budgets::{here.account}:budget/*"},
                },
            ),
        )
        allow(role, *ATTACH, on=roles, conditions={key: dict(value) for key, value in only_this.items()})
        return role


def allow_cost_alerts(topic: sns.Topic, key: kms.IKey) -> None:
    """Let AWS Budgets and Cost Anomaly Detection of this account publish to an encrypted topic.

    Args:
        topic: The topic.
        key: Its key.
    """
    here = place_of(topic)
    principals: list[iam.IPrincipal] = [iam.ServicePrincipal(service) for service in COST_SERVICES]
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="CostAlertsOfThisAccount",
            principals=principals,
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": here.account}},
        )
    )
    topics = here.arn("sns", "*")
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="CostAlertsOfThisAccount",
            principals=principals,
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:sns:topicArn": topics}},
        )
    )


def _notification(kind: str, percent: int, topic: sns.ITopic) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
    return budgets.CfnBudget.NotificationWithSubscribersProperty(
        notification=budgets.CfnBudget.NotificationProperty(
            notification_type=kind, comparison_operator="GREATER_THAN", threshold=percent, threshold_type="PERCENTAGE"
        ),
        subscribers=[budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)],
    )
