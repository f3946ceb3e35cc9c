"""What the tests of the local SageMaker and Glue share: an image, a role, buckets, and waiting."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlops_local.server import LocalAws

ACCOUNT = "000000000000"
REPOSITORY = "ml-tests"
IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/{REPOSITORY}:v1"
DOCKERFILE = """FROM python:3.11-slim
COPY program.py /opt/program/program.py
ENV FROM_IMAGE=yes
WORKDIR /opt/program
ENTRYPOINT ["python", "/opt/program/program.py"]
"""
PROGRAM = (Path(__file__).parent / "ml_program.py").read_text(encoding="utf-8")


def push_image(aws: LocalAws, folder: Path) -> None:
    """Builds the test image as `cdk deploy` does, and pushes it."""
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "program.py").write_text(PROGRAM)
    ecr = aws.client("ecr")
    try:
        ecr.create_repository(repositoryName=REPOSITORY)
    except ecr.exceptions.RepositoryAlreadyExistsException:
        return  # another module of tests was first
    environment = {**os.environ, **aws.environ()}
    for words in (["build", "--tag", "ml-test", "."], ["tag", "ml-test", IMAGE], ["push", IMAGE]):
        subprocess.run([environment["CDK_DOCKER"], *words], cwd=folder, env=environment, check=True)


def make_role(aws: LocalAws, name: str, service: str, statements: list[dict[str, Any]]) -> str:
    """A role a service may assume, with one inline policy; returns its ARN."""
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return arn


def allow(*actions: str, on: str | list[str] = "*") -> dict[str, Any]:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": on}


PULL = allow("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
LOGS = allow("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")


def log_text(aws: LocalAws, group: str, prefix: str) -> str:
    """All a job logged."""
    logs = aws.client("logs")
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
    except logs.exceptions.ResourceNotFoundException:
        return ""
    lines = []
    for stream in streams:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
        lines += [event["message"] for event in events["events"]]
    return "\n".join(lines)


def until(describe: Callable[[], dict[str, Any]], field: str, *final: str, seconds: float = 30.0) -> dict[str, Any]:
    """Describes something until a field has one of the values; fails with the last description."""
    deadline = time.monotonic() + seconds
    while True:
        found = describe()
        if found[field] in final:
            return found
        assert time.monotonic() < deadline, f"{field} is {found[field]}, not {final}: {found}"
        time.sleep(0.05)


def eventually(found: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What a function returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
    return value


def events_queue(aws: LocalAws, name: str, source: str) -> str:
    """A queue that receives all events of a source on the default bus; returns its URL."""
    sqs, events = aws.client("sqs"), aws.client("events")
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    policy = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [policy]})}
    )
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def received(aws: LocalAws, url: str, wanted: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """Events of a queue, gathered until they are enough."""
    sqs, found = aws.client("sqs"), []
    deadline = time.monotonic() + 15
    while not wanted(found):
        assert time.monotonic() < deadline, f"events so far: {found}"
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        time.sleep(0.05)
    return found
