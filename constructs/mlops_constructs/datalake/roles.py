"""Roles of yours that ingestion runs in."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from mlops_constructs.governance.given_roles import one_service_each


@dataclass(frozen=True, kw_only=True)
class IngestionRoles:
    """Roles to use in place of those `Ingestion` makes; each that is not given is made. All get the same permissions.

    Args:
        workflow: Runs the workflow; `states.amazonaws.com` assumes it.
        start: Starts the workflow for a landed object; `events.amazonaws.com`.
        curation_job: Runs the Glue job; `glue.amazonaws.com`.
        quality_run: Reads staged rows for data quality runs; `glue.amazonaws.com`.
        schema_guard: Runs the function; `lambda.amazonaws.com`, as for the four that follow.
        quarantine: Runs the function.
        quality_gate: Runs the function.
        publish_snapshot: Runs the function.
        event_emitter: Runs the function.

    Raises:
        ValueError: A role is given for more than one service.
    """

    workflow: iam.IRole | None = None
    start: iam.IRole | None = None
    curation_job: iam.IRole | None = None
    quality_run: iam.IRole | None = None
    schema_guard: iam.IRole | None = None
    quarantine: iam.IRole | None = None
    quality_gate: iam.IRole | None = None
    publish_snapshot: iam.IRole | None = None
    event_emitter: iam.IRole | None = None

    def __post_init__(self) -> None:
        functions = (self.schema_guard, self.quarantine, self.quality_gate, self.publish_snapshot, self.event_emitter)
        one_service_each(
            {
                "Step Functions": [self.workflow],
                "EventBridge": [self.start],
                "Glue": [self.curation_job, self.quality_run],
                "Lambda": functions,
            }
        )
