"""One environment of the platform: its stacks, what every resource in it carries, and the policies it is checked by."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks
from constructs import Construct

from mlops_constructs.compliance.plugin import MlopsChecks
from stacks.audit import AuditStack
from stacks.budget import BudgetStack, WorkloadBudgetStack
from stacks.config import ALL, ConfigError, Environment, Platform, Workload, environment_names, load_platform
from stacks.control import ControlStack
from stacks.data_lake import DataLakeStack
from stacks.foundation import FoundationStack
from stacks.identity import add_identity
from stacks.monitoring import MonitoringStack
from stacks.organisation import OrganisationStack
from stacks.serving import ServingStack
from stacks.training import TrainingStack
from stacks.workload_data import WorkloadDataStack


class PlatformStage(cdk.Stage):
    """One environment among several in the same app.

    Args:
        scope: the app.
        id: name of the environment.
        platform: the environment and its workloads.
    """

    def __init__(self, scope: Construct, id: str, *, platform: Platform) -> None:
        super().__init__(scope, id)
        add_platform(self, platform)


def read_platforms(root: Path, selected: str | None, workload: str | None) -> tuple[Platform, ...]:
    """Return what `-c env` and `-c workload` select.

    Raises:
        ConfigError: no environment was named, it does not exist, or a file breaks a rule.
    """
    names = environment_names(root)
    if not selected:
        raise ConfigError(f"environment: got nothing; say which: -c env=NAME, one of {', '.join(names)}, or {ALL}")
    wanted = names if selected == ALL else (selected,)
    return tuple(load_platform(root, name, only_workload=workload) for name in wanted)


def add_platform(scope: Construct, platform: Platform) -> None:
    """Add every stack of an environment.

    Args:
        scope: a `PlatformStage`, or a construct named after the environment in an app that holds no other.
        platform: the environment and its workloads.
    """
    environment = platform.environment
    foundation = FoundationStack(scope, "foundation", environment=environment)
    lake = DataLakeStack(scope, "data-lake", environment=environment, foundation=foundation)
    ControlStack(scope, "control", environment=environment, foundation=foundation)
    for workload in platform.workloads:
        _add_workload(scope, platform, workload, foundation, lake)
    add_identity(scope, environment, foundation)
    _add_governance(scope, environment, foundation, lake)
    _tag(scope, "mlops:environment", environment.name)
    _tag(scope, "mlops:stage", environment.stage)
    _tag(scope, "mlops:owner", environment.owner)
    _tag(scope, "mlops:cost-centre", environment.cost_centre)
    _finish(scope, environment)


def check_policies(app: cdk.App) -> None:
    """Let our rules and three packs judge every resource at synthesis: a finding that nobody waived stops it."""
    cdk.Validations.of(app).add_plugins(
        MlopsChecks(), AwsSolutionsChecks(app), NIST80053R5Checks(app), HIPAASecurityChecks(app)
    )


def _add_governance(
    scope: Construct, environment: Environment, foundation: FoundationStack, lake: DataLakeStack
) -> None:
    if environment.audit:
        AuditStack(scope, "audit", environment=environment, audit=environment.audit, foundation=foundation, lake=lake)
    if environment.budget:
        BudgetStack(scope, "budget", environment=environment, budget=environment.budget, foundation=foundation)
    if environment.organisation:
        OrganisationStack(scope, "organisation", environment=environment, organisation=environment.organisation)


def _add_workload(
    scope: Construct, platform: Platform, workload: Workload, foundation: FoundationStack, lake: DataLakeStack
) -> None:
    environment = platform.environment
    name = workload.name
    data = WorkloadDataStack(
        scope, f"{name}-data", environment=environment, workload=workload, foundation=foundation, lake=lake
    )
    training = TrainingStack(
        scope,
        f"{name}-training",
        environment=environment,
        workload=workload,
        folder=platform.folder(workload),
        foundation=foundation,
        lake=lake,
        data=data,
    )
    stacks: list[cdk.Stack] = [data, training]
    starts_jobs: list[iam.IRole] = [training.pipeline.workflow.role]
    if workload.serving:
        serving = ServingStack(
            scope,
            f"{name}-serving",
            environment=environment,
            workload=workload,
            foundation=foundation,
            lake=lake,
            data=data,
            training=training,
        )
        stacks.append(serving)
    if workload.monitoring or workload.retraining:
        monitoring = MonitoringStack(
            scope,
            f"{name}-monitoring",
            environment=environment,
            workload=workload,
            foundation=foundation,
            lake=lake,
            data=data,
            training=training,
        )
        stacks.append(monitoring)
        starts_jobs.extend([monitoring.monitor.workflow.role] if monitoring.monitor else [])
    if environment.budget and name in environment.budget.workloads:
        budget = WorkloadBudgetStack(
            scope,
            f"{name}-budget",
            environment=environment,
            workload=workload,
            budget=environment.budget.workloads[name],
            foundation=foundation,
            roles=starts_jobs,
        )
        stacks.append(budget)
    for stack in stacks:
        _tag(stack, "mlops:workload", name)


def _tag(scope: Construct, key: str, value: str) -> None:
    cdk.Tags.of(scope).add(key, value)


def _finish(scope: Construct, environment: Environment) -> None:
    """Set what every role and log group of the environment shares, those that CDK makes for itself included.

    A walk, not an aspect: one that is written in Python costs a process hop for every construct of the app.
    """
    for construct in scope.node.find_all():
        if isinstance(construct, iam.CfnRole):
            construct.path = environment.role_path
        elif isinstance(construct, logs.CfnLogGroup):
            construct.retention_in_days = environment.log_retention_days
        elif type(construct) is cdk.CfnResource and construct.cfn_resource_type == "AWS::IAM::Role":
            construct.add_property_override("Path", environment.role_path)
