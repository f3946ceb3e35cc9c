"""Small templates for tests of the local AWS, and what deploys and runs them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from mlops_local.server import LocalAws

Template = dict[str, Any]


def allow(action: str | list[str], resource: Any, **condition: Any) -> Template:
    """A policy statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **condition}


def get(logical_id: str, attribute: str = "Arn") -> Template:
    """Fn::GetAtt."""
    return {"Fn::GetAtt": [logical_id, attribute]}


def role(service: str, *statements: Template, **properties: Any) -> Template:
    """A role that a service may assume, with one inline policy."""
    policies = [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}]
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "Path": "/mlops/local/",
            "AssumeRolePolicyDocument": trust,
            **({"Policies": policies} if statements else {}),
            **properties,
        },
    }


def key() -> Template:
    """A key that the account's policies govern."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return {
        "Type": "AWS::KMS::Key",
        "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": [statement]}},
    }


def bucket(key_id: str = "Key", **properties: Any) -> Template:
    """A bucket encrypted with a key of the template."""
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": get(key_id)}
    encryption = {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": default}]}
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketEncryption": encryption, **properties}}


def function(role_id: str, code: str, **properties: Any) -> Template:
    """A Python function with its code in the template."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": get(role_id),
            "Code": {"ZipFile": code},
            "Timeout": 20,
            **properties,
        },
    }


def machine(role_id: str, states: Template, **substitutions: Any) -> Template:
    """A JSONata state machine that starts at its first state."""
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": get(role_id),
            "DefinitionString": json.dumps(definition),
            "DefinitionSubstitutions": substitutions,
        },
    }


def task(resource: str, arguments: Any, **fields: Any) -> Template:
    """A Task that ends the machine unless it has a Next."""
    end = {} if "Next" in fields else {"End": True}
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments, **end, **fields}


def template(resources: Template, outputs: dict[str, Any] | None = None) -> Template:
    """Resources, with a Ref of each as output."""
    given = outputs or {name: {"Ref": name} for name in resources}
    return {"Resources": resources, "Outputs": {name: {"Value": value} for name, value in given.items()}}


def change(aws: LocalAws, operation: str, name: str, wanted: Template) -> dict[str, str]:
    """Creates or updates a stack and returns its outputs; fails with the reasons CloudFormation gives."""
    client = aws.client("cloudformation")
    arguments = {"StackName": name, "TemplateBody": json.dumps(wanted), "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    getattr(client, f"{operation}_stack")(**arguments)
    stack = settled(aws, name)
    assert stack["StackStatus"] == f"{operation.upper()}_COMPLETE", failures(aws, name)
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def settled(aws: LocalAws, name: str) -> dict[str, Any]:
    """The stack when nothing changes any more."""
    client = aws.client("cloudformation")
    for _ in range(600):
        stack: dict[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack
        time.sleep(0.05)
    raise AssertionError(f"{name} does not settle")


def failures(aws: LocalAws, name: str) -> list[str]:
    """What CloudFormation says went wrong."""
    events = aws.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
        for event in events
        if "FAILED" in event["ResourceStatus"]
    ]


def destroy(aws: LocalAws, name: str) -> None:
    """Deletes a stack and waits until it is gone."""
    client = aws.client("cloudformation")
    identity = client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    client.delete_stack(StackName=name)
    assert settled(aws, identity)["StackStatus"] == "DELETE_COMPLETE", failures(aws, identity)


@contextlib.contextmanager
def deployed(aws: LocalAws, name: str, resources: Template) -> Iterator[dict[str, str]]:
    """A stack for the length of a with block; yields the Ref of every resource."""
    outputs = change(aws, "create", name, template(resources))
    try:
        yield outputs
    finally:
        destroy(aws, name)


def execute(aws: LocalAws, machine_arn: str, given: Any = None) -> dict[str, Any]:
    """Runs a state machine to its end and returns its description."""
    states = aws.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine_arn, input=json.dumps(given or {}))["executionArn"]

    def ended() -> Any:
        found = states.describe_execution(executionArn=arn)
        return found if found["status"] != "RUNNING" else None

    result: dict[str, Any] = wait_for("the execution's end", ended, 30)
    return result


def wait_for(what: str, found: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Calls `found` until it returns something true; fails with `what` when it never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")
