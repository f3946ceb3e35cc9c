"""When the loop breaks: what the account's own execution histories say about it."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mlops_local.demo.platform import Platform

_WORKFLOWS = ("ingest", "train", "deploy", "monitor")
_LINES = 6


def failed_executions(platform: Platform) -> list[str]:
    """One line per failed execution and per one still running, newest first, at most six of each workflow."""
    lines: list[str] = []
    try:
        for workflow in _WORKFLOWS:
            lines += _of(platform.client("stepfunctions"), workflow, platform.workflow(workflow))
        lines += _failed_jobs(platform.client("sagemaker"))
    except (BotoCoreError, ClientError, LookupError) as error:
        lines.append(f"the account could not be asked: {error}")
    return lines


def _of(client: Any, workflow: str, arn: str) -> list[str]:
    lines = []
    for status in ("FAILED", "TIMED_OUT", "ABORTED", "RUNNING"):
        for execution in client.list_executions(stateMachineArn=arn, statusFilter=status)["executions"][:_LINES]:
            described = client.describe_execution(executionArn=execution["executionArn"])
            what = f"{described.get('error', '')} {described.get('cause', '')}".strip() or _last_state(
                client, execution
            )
            lines.append(f"{workflow} {status.lower()} {execution['name']}: {what[:600]}")
    return lines


def _failed_jobs(client: Any) -> list[str]:
    # A workflow's cause quotes the whole job; why it failed is in two fields of its description.
    lines = []
    for summary in client.list_processing_jobs(StatusEquals="Failed")["ProcessingJobSummaries"][:_LINES]:
        job = client.describe_processing_job(ProcessingJobName=summary["ProcessingJobName"])
        said = f"{job.get('FailureReason', '')} {job.get('ExitMessage', '')}".strip()
        lines.append(f"processing job {summary['ProcessingJobName']} failed: {said[:600]}")
    for summary in client.list_training_jobs(StatusEquals="Failed")["TrainingJobSummaries"][:_LINES]:
        job = client.describe_training_job(TrainingJobName=summary["TrainingJobName"])
        lines.append(f"training job {summary['TrainingJobName']} failed: {job.get('FailureReason', '')[:600]}")
    return lines


def _last_state(client: Any, execution: dict[str, Any]) -> str:
    history = client.get_execution_history(executionArn=execution["executionArn"], reverseOrder=True, maxResults=20)
    for event in history["events"]:
        if "stateEnteredEventDetails" in event:
            return f"in {event['stateEnteredEventDetails']['name']}"
    return json.dumps(history["events"][:1], default=str)
