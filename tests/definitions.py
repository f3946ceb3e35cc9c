"""State machine definitions out of synthesized templates, intrinsics folded into concrete text."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.assembly import Assembly, Template

Json = dict[str, Any]
ACCOUNT = "000000000000"
REGION = "us-east-1"

SERVICES = {
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{id}",
    "AWS::S3::Bucket": "s3:::{id}",
    "AWS::IAM::Role": "iam::{account}:role/{id}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{id}",
    "AWS::StepFunctions::StateMachine": "states:{region}:{account}:stateMachine:{id}",
}


@dataclass(frozen=True)
class Definition:
    """One state machine.

    Attributes:
        stack: id of its stack.
        logical_id: its id in the template.
        body: the definition, without intrinsics.
        role: logical id of its role.
    """

    stack: str
    logical_id: str
    body: Json
    role: str

    @property
    def name(self) -> str:
        """What the definition calls itself."""
        return str(self.body["Comment"])


@dataclass(frozen=True)
class Task:
    """A Task state with its place."""

    workflow: str
    name: str
    body: Json
    scope: Json
    """States of the same machine or branch."""

    def __str__(self) -> str:
        return f"{self.workflow}.{self.name}"


def definitions(assembly: Assembly, environment: str) -> list[Definition]:
    """Return every state machine of an environment."""
    found = []
    for _, stack, logical_id, resource in assembly.resources(
        "AWS::StepFunctions::StateMachine", environment=environment
    ):
        template = {**assembly.templates[environment][stack], "Exports": assembly.exports(environment)}
        properties = resource["Properties"]
        text = properties.get("DefinitionString", properties.get("Definition"))
        body = resolve(text, template)
        role = properties["RoleArn"]["Fn::GetAtt"][0]
        found.append(Definition(stack, logical_id, json.loads(body) if isinstance(body, str) else body, role))
    return found


def states(body: Json) -> Iterator[tuple[str, Json, Json]]:
    """Yield name, state and sibling states, those inside of Parallel and Map included."""
    for name, state in body["States"].items():
        yield name, state, body["States"]
        for inner in (*state.get("Branches", ()), *filter(None, (state.get("ItemProcessor"),))):
            yield from states(inner)


def tasks(definition: Definition) -> Iterator[Task]:
    """Yield every Task of a workflow."""
    for name, state, scope in states(definition.body):
        if state["Type"] == "Task":
            yield Task(definition.name, name, state, scope)


def resolve(value: Any, template: Template) -> Any:
    """Return a value with every CloudFormation intrinsic replaced by a plausible text."""
    if isinstance(value, list):
        return [resolve(item, template) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        return {key: resolve(item, template) for key, item in value.items()}
    ((key, argument),) = value.items()
    match key:
        case "Fn::Join":
            return argument[0].join(str(resolve(part, template)) for part in argument[1])
        case "Fn::GetAtt":
            return _attribute(argument[0], argument[1], template)
        case "Ref":
            return _reference(argument, template)
        case "Fn::ImportValue":
            value, origin = template["Exports"][resolve(argument, template)]
            return resolve(value, origin)
        case "Fn::Sub":
            return _substitute(argument, template)
        case "Fn::Select":
            return resolve(argument[1], template)[int(argument[0])]
        case "Fn::Split":
            return str(resolve(argument[1], template)).split(argument[0])
        case _ if key.startswith("Fn::"):
            raise ValueError(f"{key} in a definition is not understood: add it to tests/definitions.py")
    return {key: resolve(argument, template)}


def _attribute(logical_id: str, attribute: str, template: Template) -> str:
    kind = template["Resources"][logical_id]["Type"]
    if attribute == "Arn" and kind in SERVICES:
        return "arn:aws:" + SERVICES[kind].format(region=REGION, account=ACCOUNT, id=logical_id)
    return f"{logical_id}.{attribute}"


def _reference(name: str, template: Template) -> str:
    pseudo = {
        "AWS::AccountId": ACCOUNT,
        "AWS::Region": REGION,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
    }
    if name in pseudo:
        return pseudo[name]
    if template.get("Resources", {}).get(name, {}).get("Type") == "AWS::StepFunctions::StateMachine":
        return _attribute(name, "Arn", template)
    return name


def _substitute(argument: Any, template: Template) -> str:
    text, variables = argument if isinstance(argument, list) else (argument, {})
    for name in ("AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::URLSuffix"):
        text = text.replace(f"${{{name}}}", _reference(name, template))
    for name, value in variables.items():
        text = text.replace(f"${{{name}}}", str(resolve(value, template)))
    return str(text)
