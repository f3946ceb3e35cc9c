"""Every template is one that CloudFormation takes: current schemas, limits, one meaning per name."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from cloudformation_validate import CompositeEngine, Diagnostic, Severity

from mlops_constructs.compliance.evidence.accepted import read_accepted
from mlops_constructs.identity.personas import PERSONAS
from mlops_constructs.names import VENDED_LOGS
from tests.assembly import Assembly, workload_of

MAX_RESOURCES = 500
MAX_BYTES = 1_000_000
MAX_STACK_NAME = 128
SPARE = 0.8
"""Share of a limit that may be used: the next workload's resources must fit too."""

OPTIONAL = {"audit", "budget", "identity", "identity-center", "organisation"}
"""Stacks that an environment has only when its file has the section."""

ADDRESSED = {"control", *PERSONAS}
"""What people call by its name: the kill switch, and the roles that an identity provider's assertion names."""

ACCEPTED = {
    entry.finding.split("::")[1].split("[")[0]
    for entry in read_accepted(Path(__file__).parents[2] / "stacks" / "second_opinion.yaml")
    if entry.finding.startswith("cloudformation-validate::")
}
"""Rules of cloudformation-validate that we do not follow; where and why is in the file the review reads."""


@pytest.fixture(scope="module")
def diagnostics(assembly: Assembly) -> list[tuple[str, Diagnostic]]:
    engine = CompositeEngine()
    found = []
    for (environment, stack), path in assembly.template_files.items():
        report = engine.validate_template(path)
        found += [(f"{environment}/{stack}", diagnostic) for diagnostic in report.diagnostics]
    return found


def test_current_schemas_accept_every_template(diagnostics: list[tuple[str, Diagnostic]]) -> None:
    serious = (Severity.ERROR, Severity.FATAL, Severity.WARN)
    lines = [
        f"{where}: {d.rule_id} {d.entity.logical_id if d.entity else ''}: {d.message}"
        for where, d in diagnostics
        if d.severity in serious and d.rule_id not in ACCEPTED
    ]
    assert not lines, "\n".join(lines)


def test_every_accepted_rule_still_fires(diagnostics: list[tuple[str, Diagnostic]]) -> None:
    assert {diagnostic.rule_id for _, diagnostic in diagnostics} >= ACCEPTED


def test_the_validator_bites() -> None:
    template = {"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketNam": "x"}}}}
    report = CompositeEngine().validate_template(json.dumps(template).encode())
    assert report.diagnostics


def test_limits_leave_room(assembly: Assembly) -> None:
    for (environment, stack), path in assembly.template_files.items():
        template = assembly.templates[environment][stack]
        where = f"{environment}/{stack}"
        assert len(template["Resources"]) <= MAX_RESOURCES * SPARE, where
        assert path.stat().st_size <= MAX_BYTES * SPARE, where
        assert len(f"mlops-{environment}-{stack}") <= MAX_STACK_NAME * SPARE, where


def test_only_what_people_address_has_a_physical_name(assembly: Assembly) -> None:
    named = {
        "AWS::S3::Bucket": "BucketName",
        "AWS::DynamoDB::Table": "TableName",
        "AWS::IAM::Role": "RoleName",
        "AWS::Lambda::Function": "FunctionName",
        "AWS::StepFunctions::StateMachine": "StateMachineName",
        "AWS::SQS::Queue": "QueueName",
        "AWS::KMS::Key": "KeyName",
        "AWS::SageMaker::Model": "ModelName",
        "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
    }
    found = [
        f"{environment}/{stack}: {logical_id}"
        for environment, stack, logical_id, resource in assembly.resources(*named)
        if named[resource["Type"]] in resource.get("Properties", {})
        and str(resource["Properties"][named[resource["Type"]]]).removeprefix(f"mlops-{environment}-") not in ADDRESSED
    ]
    assert not found, f"a physical name makes a replacement fail and lets only one stack exist: {found}"


def test_ids_carry_no_environment_name(assembly: Assembly) -> None:
    by_environment = {
        environment: {stack: set(template["Resources"]) for stack, template in stacks.items()}
        for environment, stacks in assembly.templates.items()
    }
    staging, prod = by_environment["staging"], by_environment["prod"]
    assert staging.keys() & prod.keys(), "they have no stack in common: the test looks at nothing"
    for stack in staging.keys() & prod.keys():
        assert staging[stack] <= prod[stack], "staging rehearses prod: it has nothing that prod lacks"
    shared = {stack for each in by_environment.values() for stack in each if not workload_of(stack)} - OPTIONAL
    for environment, stacks in by_environment.items():
        assert shared <= stacks.keys(), f"every environment has the same stacks beside its workloads': {environment}"


PEOPLE = ("identity", "identity-center")
"""Stacks of people's roles: in an emergency one of them may write any parameter."""


@pytest.fixture(scope="module")
def written(assembly: Assembly) -> dict[str, set[str]]:
    """Names of the parameters that functions and workflows may write, some of them patterns, by environment."""
    found: dict[str, set[str]] = {}
    for environment, stack, _, policy in assembly.resources("AWS::IAM::Policy"):
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if stack not in PEOPLE and "ssm:PutParameter" in statement["Action"]:
                names = re.findall(r":parameter(/[^\"]+)", json.dumps(statement["Resource"]))
                assert names, f"{environment}/{stack}: {statement}"
                found.setdefault(environment, set()).update(names)
    return found


def test_cloudformation_writes_no_parameter_that_the_platform_writes(
    assembly: Assembly, written: dict[str, set[str]]
) -> None:
    """Its update of an `AWS::SSM::Parameter`, be it for a tag, writes the template's value over the live one."""
    assert written.keys() == assembly.templates.keys()
    clashes = [
        f"{environment}/{stack}: {logical_id} is {name}"
        for environment, stack, logical_id, resource in assembly.resources("AWS::SSM::Parameter")
        for name in [resource["Properties"]["Name"]]
        if any(fnmatchcase(name, pattern) for pattern in written[environment])
    ]
    assert not clashes, "\n".join(clashes)


def test_every_parameter_that_the_platform_writes_is_made(assembly: Assembly, written: dict[str, set[str]]) -> None:
    for environment, patterns in written.items():
        live = assembly.resources("Custom::LiveParameter", environment=environment)
        names = {resource["Properties"]["Name"] for _, _, _, resource in live}
        switches = {"kill-switch", "promotion-freeze", "detached-endpoint"}
        assert {name.rsplit("/", 1)[1] for name in names} == {"champion", *switches}
        assert [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)] == []


def test_guarded_stateful_stacks_cannot_be_deleted_by_accident(assembly: Assembly) -> None:
    for environment in assembly.templates:
        manifest = json.loads((assembly.folder / f"assembly-{environment}" / "manifest.json").read_text())
        protected = {
            artifact["properties"]["stackName"].removeprefix(f"mlops-{environment}-")
            for artifact in manifest["artifacts"].values()
            if artifact["type"] == "aws:cloudformation:stack" and artifact["properties"].get("terminationProtection")
        }
        if environment in ("staging", "prod"):
            assert {"foundation", "data-lake", "audit"} <= protected
        else:
            assert not protected


def test_images_are_built_with_the_media_types_that_sagemaker_hosts(assembly: Assembly) -> None:
    outputs = {
        (path.name, image["source"]["directory"]): image["source"].get("dockerOutputs")
        for path in assembly.folder.rglob("*.assets.json")
        for image in json.loads(path.read_text())["dockerImages"].values()
    }
    assert outputs
    assert set(map(str, outputs.values())) == {"['type=docker']"}


def test_workflows_log_where_they_take_no_room_in_the_accounts_policy(assembly: Assembly) -> None:
    groups = {
        (environment, stack, logical_id): group["Properties"]
        for environment, stack, logical_id, group in assembly.resources("AWS::Logs::LogGroup")
    }
    logging = [
        (environment, stack, machine["Properties"]["LoggingConfiguration"])
        for environment, stack, _, machine in assembly.resources("AWS::StepFunctions::StateMachine")
    ]
    assert logging
    for environment, stack, configuration in logging:
        (destination,) = configuration["Destinations"]
        group = groups[environment, stack, destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0]]
        assert group["LogGroupName"].startswith(f"{VENDED_LOGS}mlops-{environment}-{stack}-")
