"""Roles of yours that monitoring runs in."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from mlops_constructs.governance.given_roles import one_service_each


@dataclass(frozen=True, kw_only=True)
class MonitorRoles:
    """Roles to use in place of those `ModelMonitor` makes; each that is not given is made, all get the same.

    Args:
        workflow: Runs the monitor workflow; `states.amazonaws.com` assumes it.
        schedule: Starts the workflow by the clock; `scheduler.amazonaws.com`.
        job: Runs the monitoring job; `sagemaker.amazonaws.com`.
        select_window: Runs the function; `lambda.amazonaws.com`, as for the one that follows.
        monitor_report: Runs the function.

    Raises:
        ValueError: A role is given for more than one service.
    """

    workflow: iam.IRole | None = None
    schedule: iam.IRole | None = None
    job: iam.IRole | None = None
    select_window: iam.IRole | None = None
    monitor_report: iam.IRole | None = None

    def __post_init__(self) -> None:
        one_service_each(
            {
                "Step Functions": [self.workflow],
                "Scheduler": [self.schedule],
                "SageMaker": [self.job],
                "Lambda": [self.select_window, self.monitor_report],
            }
        )
