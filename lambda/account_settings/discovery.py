"""Amazon Macie: one scheduled job that looks for personal data in buckets. Jobs cannot be changed, only replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_macie2 import Macie2Client
    from mypy_boto3_macie2.literals import DayOfWeekType

ENDED = ("CANCELLED", "COMPLETE")


@dataclass(frozen=True, kw_only=True)
class Job:
    """The job as the stack wants it."""

    name: str
    account: str
    buckets: Sequence[str]
    weekday: DayOfWeekType
    sampling_percent: int


def replace(client: Macie2Client, job: Job, *, token: str) -> str:
    """Start the job, end those of the same name that went before, and return the id of the new one.

    Args:
        client: Macie.
        job: What is wanted.
        token: The same token never starts a second job: the id of the request that asks for it.
    """
    before = running(client, job.name)
    made = client.create_classification_job(
        clientToken=token,
        name=job.name,
        description="Personal data in the zones of the lake",
        jobType="SCHEDULED",
        scheduleFrequency={"weeklySchedule": {"dayOfWeek": job.weekday}},
        initialRun=True,
        samplingPercentage=job.sampling_percent,
        managedDataIdentifierSelector="RECOMMENDED",
        s3JobDefinition={"bucketDefinitions": [{"accountId": job.account, "buckets": list(job.buckets)}]},
    )["jobId"]
    _end(client, [each for each in before if each != made])
    return made


def end(client: Macie2Client, name: str) -> None:
    """End every job of this name."""
    _end(client, running(client, name))


def running(client: Macie2Client, name: str) -> list[str]:
    """Ids of the jobs of this name that have not ended."""
    pages = client.get_paginator("list_classification_jobs").paginate(
        filterCriteria={
            "includes": [{"comparator": "EQ", "key": "name", "values": [name]}],
            "excludes": [{"comparator": "EQ", "key": "jobStatus", "values": list(ENDED)}],
        }
    )
    return [item["jobId"] for page in pages for item in page["items"]]


def _end(client: Macie2Client, jobs: Sequence[str]) -> None:
    for job in jobs:
        client.update_classification_job(jobId=job, jobStatus="CANCELLED")
