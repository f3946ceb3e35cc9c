"""The trail of a command: what was to be done, written before anything is turned, and what became of it.

A record is written once: the role may neither overwrite nor read nor delete. An intent without an outcome says that the
command broke off, or that its outcome could not be written; the command that repeats it tells how it was left.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from botocore.exceptions import ClientError

from mlops_runtime import aws
from platform_control.logic import Outcome, Request, Stage, Switches, record_key

# The key is this request's alone: S3's answer was lost, and botocore sent the same record again.
_ALREADY_WRITTEN = "PreconditionFailed"


@dataclass(frozen=True, kw_only=True)
class Trail:
    """The two records of one command.

    Attributes:
        bucket: Where they go.
        environment: Name of the environment.
        request: The command.
        request_id: Of the call, under which CloudTrail knows who made it.
        occurred_at: When it came, ISO 8601 in UTC.
    """

    bucket: str
    environment: str
    request: Request
    request_id: str
    occurred_at: str

    def intend(self, before: dict[str, Switches]) -> str:
        """Record what is asked of which workloads, with their switches as they are; returns the record's URI.

        Raises:
            ClientError, BotoCoreError: It could not be written: nothing may be turned.
        """
        return self._write("intent", switches=_plain(before))

    def conclude(self, intent_uri: str, outcomes: list[Outcome], after: dict[str, Switches]) -> str:
        """Record what happened, with the switches of the same workloads afterwards; returns the record's URI.

        Raises:
            ClientError, BotoCoreError: It could not be written.
        """
        plain = [outcome.model_dump(mode="json") for outcome in outcomes]
        return self._write("outcome", intent_uri=intent_uri, outcomes=plain, switches=_plain(after))

    def _write(self, stage: Stage, **content: object) -> str:
        key = record_key(self.occurred_at, self.request_id, stage)
        body = {
            "stage": stage,
            "occurred_at": self.occurred_at,
            "environment": self.environment,
            "request_id": self.request_id,
            "request": self.request.model_dump(mode="json"),
            **content,
        }
        try:
            aws.s3().put_object(
                Bucket=self.bucket, Key=key, Body=json.dumps(body, sort_keys=True).encode(), IfNoneMatch="*"
            )
        except ClientError as error:
            if aws.error_code(error) != _ALREADY_WRITTEN:
                raise
        return f"s3://{self.bucket}/{key}"


def _plain(switches: dict[str, Switches]) -> dict[str, object]:
    return {workload: of.model_dump(mode="json") for workload, of in switches.items()}
