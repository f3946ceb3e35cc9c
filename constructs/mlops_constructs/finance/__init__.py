"""Finance: budgets that warn and stop, and anomalies of cost. Serves the phase Reliable."""

from mlops_constructs.finance.anomalies import CostAnomalies
from mlops_constructs.finance.budgets import MonthlyBudget, SpendingStop, allow_cost_alerts

__all__ = ["CostAnomalies", "MonthlyBudget", "SpendingStop", "allow_cost_alerts"]
