"""What an environment and its workloads may cost."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from mlops_constructs.finance import CostAnomalies, MonthlyBudget, SpendingStop, allow_cost_alerts
from stacks.base import PlatformStack
from stacks.config import Environment, Workload
from stacks.config.budget import Budget, WorkloadBudget
from stacks.foundation import FoundationStack


class BudgetStack(PlatformStack):
    """The budget of the account, and anomalies of cost of the environment.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where it is deployed; it has the section `budget`.
        budget: that section.
        foundation: who hears of it.

    Attributes:
        budget: the `MonthlyBudget` of the account.
    """

    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, budget: Budget, foundation: FoundationStack
    ) -> None:
        super().__init__(scope, id, environment=environment)
        allow_cost_alerts(foundation.alerts, foundation.keys.data)
        self.budget = MonthlyBudget(
            self,
            "Budget",
            name=f"mlops-{environment.name}",
            monthly_usd=budget.monthly_usd,
            percents=budget.percents,
            topic=foundation.alerts,
        )
        if budget.anomaly_usd:
            CostAnomalies(
                self,
                "Anomalies",
                name=f"mlops-{environment.name}",
                tag="mlops:environment",
                value=environment.name,
                impact_usd=budget.anomaly_usd,
                topic=foundation.alerts,
            )


class WorkloadBudgetStack(PlatformStack):
    """The budget of one workload, counted by its tag, and what happens when it is spent.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where it is deployed.
        workload: whose budget it is.
        budget: its part of the section `budget`.
        foundation: who hears of it.
        roles: the roles in which the workload starts jobs.

    Attributes:
        budget: the `MonthlyBudget`.
        stop: the `SpendingStop`, or None.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        workload: Workload,
        budget: WorkloadBudget,
        foundation: FoundationStack,
        roles: list[iam.IRole],
    ) -> None:
        super().__init__(scope, id, environment=environment)
        name = f"mlops-{environment.name}-{workload.name}"
        self.budget = MonthlyBudget(
            self,
            "Budget",
            name=name,
            monthly_usd=budget.monthly_usd,
            percents=budget.percents,
            topic=foundation.alerts,
            tags={"mlops:workload": workload.name},
        )
        self.stop: SpendingStop | None = None
        if budget.stop:
            self.stop = SpendingStop(
                self,
                "Stop",
                budget=self.budget,
                name=f"{name}-stop-spending",
                path=environment.role_path,
                roles=roles,
                topic=foundation.alerts,
                at_percent=budget.stop.at_percent,
                approval=budget.stop.approval,
                bound=environment.permissions_boundary is None,
            )
