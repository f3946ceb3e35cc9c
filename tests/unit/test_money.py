"""Budgets that warn and stop, anomalies of cost, and who may be told of them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from mlops_constructs.finance import CostAnomalies, MonthlyBudget, SpendingStop
from mlops_constructs.finance.budgets import STARTS_COST
from tests.assembly import Assembly, workload_of


def one(assembly: Assembly, kind: str, stack: str, environment: str = "prod") -> dict[str, Any]:
    (found,) = [
        resource["Properties"]
        for _, name, _, resource in assembly.resources(kind, environment=environment)
        if name == stack
    ]
    return found


def test_the_budget_of_the_account_counts_everything(assembly: Assembly) -> None:
    budget = one(assembly, "AWS::Budgets::Budget", "budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 6000, "Unit": "USD"}
    assert "CostFilters" not in budget["Budget"]
    told = [
        (n["Notification"]["NotificationType"], n["Notification"]["Threshold"])
        for n in budget["NotificationsWithSubscribers"]
    ]
    assert told == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    for notification in budget["NotificationsWithSubscribers"]:
        (subscriber,) = notification["Subscribers"]
        assert subscriber["SubscriptionType"] == "SNS" and "Alerts" in json.dumps(subscriber["Address"])


def test_the_budget_of_a_workload_counts_its_tag(assembly: Assembly) -> None:
    budget = one(assembly, "AWS::Budgets::Budget", "flight-delays-budget")["Budget"]
    assert budget["CostFilters"] == {"TagKeyValue": ["user:mlops:workload$flight-delays"]}
    assert budget["BudgetLimit"]["Amount"] == 2000


def test_a_spent_budget_denies_new_jobs_to_the_roles_that_start_them(assembly: Assembly) -> None:
    for environment, approval in (("prod", "MANUAL"), ("dev", "AUTOMATIC")):
        action = one(assembly, "AWS::Budgets::BudgetsAction", "flight-delays-budget", environment)
        assert (action["ActionType"], action["ApprovalModel"]) == ("APPLY_IAM_POLICY", approval)
        assert action["ActionThreshold"] == {"Type": "PERCENTAGE", "Value": 100}
        assert action["BudgetName"]["Ref"].startswith("Budget")
        roles = json.dumps(action["Definition"]["IamActionDefinition"]["Roles"])
        assert "TrainingTrainRole" in roles and "MonitorRole" in roles


def test_the_policy_of_a_spent_budget_only_denies(assembly: Assembly) -> None:
    (policy,) = [
        resource["Properties"]
        for _, stack, name, resource in assembly.resources("AWS::IAM::ManagedPolicy", environment="prod")
        if stack == "flight-delays-budget" and name.startswith("StopPolicy")
    ]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Sid"]) == ("Deny", "OPS3StopNewJobs")
    assert statement["Action"] == list(STARTS_COST)
    assert not any("Endpoint" in action for action in STARTS_COST), "a roll-back must stay possible"
    assert (policy["ManagedPolicyName"], policy["Path"]) == ("mlops-prod-flight-delays-stop-spending", "/mlops/prod/")


def test_the_role_of_the_action_attaches_that_policy_to_those_roles_only(assembly: Assembly) -> None:
    policy = one(assembly, "AWS::IAM::Policy", "flight-delays-budget")
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert set(statement["Action"]) == {"iam:AttachRolePolicy", "iam:DetachRolePolicy"}
    assert statement["Condition"]["ArnEquals"]["iam:PolicyARN"]["Ref"].startswith("StopPolicy")
    assert len(statement["Resource"]) == 2 and "*" not in json.dumps(statement["Resource"])
    role = one(assembly, "AWS::IAM::Role", "flight-delays-budget")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "budgets.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": "333333333333"}
    assert role["PermissionsBoundary"]["Ref"].startswith("StopBoundary")


def test_anomalies_are_told_at_once_where_an_impact_is_given(assembly: Assembly) -> None:
    subscription = one(assembly, "AWS::CE::AnomalySubscription", "budget")
    assert subscription["Frequency"] == "IMMEDIATE"
    assert json.loads(subscription["ThresholdExpression"])["Dimensions"]["Values"] == ["200"]
    monitor = one(assembly, "AWS::CE::AnomalyMonitor", "budget")
    assert json.loads(monitor["MonitorSpecification"]) == {"Tags": {"Key": "mlops:environment", "Values": ["prod"]}}
    assert not list(assembly.resources("AWS::CE::AnomalyMonitor", environment="dev"))


def test_cost_services_may_publish_where_there_is_a_budget_and_only_there(assembly: Assembly) -> None:
    for environment in assembly.templates:
        foundation = json.dumps(assembly.templates[environment]["foundation"])
        has_budget = "budget" in assembly.templates[environment]
        assert (foundation.count('"costalerts.amazonaws.com"') == 2) is has_budget, environment


@pytest.fixture(scope="module")
def stack() -> cdk.Stack:
    return cdk.Stack(cdk.App(), "Money", env=cdk.Environment(account="111111111111", region="eu-west-1"))


def test_a_budget_with_other_shares_has_another_name(stack: cdk.Stack) -> None:
    topic = sns.Topic(stack, "Topic", master_key=kms.Key(stack, "Key"))
    first = MonthlyBudget(stack, "First", name="b", monthly_usd=1, topic=topic)
    second = MonthlyBudget(stack, "Second", name="b", monthly_usd=2, topic=topic, percents=(90,))
    third = MonthlyBudget(stack, "Third", name="b", monthly_usd=3, topic=topic)
    names = [stack.resolve(each.budget.budget)["budgetName"] for each in (first, second, third)]
    assert names[0] == names[2] != names[1], "CloudFormation replaces it, and two of one name cannot exist"


def test_settings_that_cannot_work_are_refused(stack: cdk.Stack) -> None:
    topic = sns.Topic(stack, "Other")
    with pytest.raises(ValueError, match="got monthly_usd 0"):
        MonthlyBudget(stack, "Zero", name="b", monthly_usd=0, topic=topic)
    with pytest.raises(ValueError, match="5 percents"):
        MonthlyBudget(stack, "Many", name="b", monthly_usd=1, topic=topic, percents=(1, 2, 3, 4, 5))
    with pytest.raises(ValueError, match="impact_usd must be more than 0"):
        CostAnomalies(stack, "Anomalies", name="a", tag="t", value="v", impact_usd=0, topic=topic)
    budget = MonthlyBudget(stack, "Budget", name="b", monthly_usd=1, topic=topic)
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
    with pytest.raises(ValueError, match="end the name in -stop-spending"):
        SpendingStop(stack, "Stop", budget=budget, name="stop", path="/mlops/dev/", roles=[role], topic=topic)
    with pytest.raises(ValueError, match="and 0 roles"):
        SpendingStop(stack, "Empty", budget=budget, name="x-stop-spending", path="/mlops/dev/", roles=[], topic=topic)


def test_jobs_and_endpoints_carry_the_tags_that_budgets_count(assembly: Assembly) -> None:
    tagged, untagged = set(), set()
    for _, stack, _, resource in assembly.resources("AWS::StepFunctions::StateMachine", environment="prod"):
        text = resource["Properties"]["DefinitionString"]
        if isinstance(text, dict):
            text = "".join(part if isinstance(part, str) else "token" for part in text["Fn::Join"][1])
        for call, arguments in spending(json.loads(text)):
            tags = {tag["Key"]: tag["Value"] for tag in arguments.get("Tags", [])}
            wanted = {"mlops:environment": "prod", "mlops:workload": workload_of(stack)}
            (tagged if tags == wanted else untagged).add(call)
    assert tagged == {"createTrainingJob", "createProcessingJob", "createEndpoint"} and not untagged


def spending(node: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every task below a definition that starts something SageMaker bills by the hour."""
    if isinstance(node, dict):
        found = re.search(r"sagemaker:(create(?:\w+Job|Endpoint))(?:\.sync)?$", str(node.get("Resource", "")))
        if found:
            yield found[1], node.get("Arguments", {})
        for value in node.values():
            yield from spending(value)
    elif isinstance(node, list):
        for value in node:
            yield from spending(value)
