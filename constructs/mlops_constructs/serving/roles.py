"""Roles of yours that serving runs in."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from mlops_constructs.governance.given_roles import one_service_each


@dataclass(frozen=True, kw_only=True)
class ServingRoles:
    """Roles to use in place of those `RealTimeServing` makes; each that is not given is made, all get the same.

    Args:
        workflow: Runs the deploy workflow; `states.amazonaws.com` assumes it.
        start: Starts the workflow for an approved version; `events.amazonaws.com`.
        model: The model serves with it; `sagemaker.amazonaws.com`.
        live_config_check: Runs the function; `lambda.amazonaws.com`, as for the three that follow.
        smoke_test: Runs the function.
        endpoint_teardown: Runs the function.
        live_parameter: Runs the function.

    Raises:
        ValueError: A role is given for more than one service.
    """

    workflow: iam.IRole | None = None
    start: iam.IRole | None = None
    model: iam.IRole | None = None
    live_config_check: iam.IRole | None = None
    smoke_test: iam.IRole | None = None
    endpoint_teardown: iam.IRole | None = None
    live_parameter: iam.IRole | None = None

    def __post_init__(self) -> None:
        one_service_each(
            {
                "Step Functions": [self.workflow],
                "EventBridge": [self.start],
                "SageMaker": [self.model],
                "Lambda": [self.live_config_check, self.smoke_test, self.endpoint_teardown, self.live_parameter],
            }
        )
