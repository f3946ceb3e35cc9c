"""Names of jobs, models and endpoint configs: what fits, and what a name that was cut still says."""

import re
from collections.abc import Callable

import aws_cdk as cdk
import pytest

from mlops_constructs.names import OWN_NAME_LIMIT, execution_name, job_name, own_name
from mlops_constructs.training import ModelRegistry
from tests.unit.jsonata_asl import evaluate
from tests.unit.ml_stack import Parts, monitoring, serving, training

LONGEST = "w" * 30 + "-" + "e" * (OWN_NAME_LIMIT - 31)
EXECUTION = "0f9c1a5e-6f2b-4a52-9d3e-0c1d2e3f4a5b_1a2b3c4d-aaaa-bbbb-cccc-1234567890ab"


def named(execution: str, *, redrives: int | None = 0, retries: int | None = 0, name=job_name) -> str:
    counts = {"Name": execution, "RedriveCount": redrives}
    context = {"Execution": counts, "State": {"RetryCount": retries}}
    present = {
        part: {key: value for key, value in fields.items() if value is not None} for part, fields in context.items()
    }
    return evaluate(name("flight-delays-staging-challenger"), context=present)


@pytest.mark.parametrize("name", [execution_name, job_name])
def test_names_derive_from_the_execution(name):
    assert named("drift-7", name=name) == "flight-delays-staging-challenger-drift-7"
    assert named("an_event_", name=name) == "flight-delays-staging-challenger-an-event"


@pytest.mark.parametrize("name", [execution_name, job_name])
def test_long_executions_that_differ_at_the_end_have_different_names(name):
    first, second = named("x" * 70 + "1", name=name), named("x" * 70 + "2", name=name)
    assert first != second
    assert len(first) == len(second) == 63


@pytest.mark.parametrize("execution", ["drift-7", "x" * 70])
def test_every_attempt_at_a_step_has_a_job_name_of_its_own(execution):
    """SageMaker takes no name twice: a retry or redrive under the first one's would be refused."""
    names = [named(execution, redrives=redrives, retries=retries) for redrives in range(3) for retries in range(3)]
    assert len(set(names)) == 9
    assert all(re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name) for name in names)
    assert all(name.startswith("flight-delays-staging-challenger-") for name in names)
    assert not {named(f"{execution}-1"), named(f"{execution}-0.1"), named(f"{execution} 0.1")} & set(names)


def test_a_context_without_counts_is_the_first_attempt():
    assert named("drift-7", redrives=None, retries=None) == named("drift-7")


def test_models_and_configs_keep_their_name_whatever_the_attempt():
    assert named("drift-7", redrives=1, retries=2, name=execution_name) == named("drift-7")


def built(step: str, **variables: object) -> str:
    """The name of what a step makes for the longest name of a workload and its environment."""
    context = {"Execution": {"Name": EXECUTION, "RedriveCount": 1}, "State": {"RetryCount": 2}}
    return evaluate(step, context=context, **variables)


@pytest.mark.parametrize("step", ["features", "baseline", "train", "refit", "monitor"])
def test_the_longest_name_still_says_which_step_it_was(step: str):
    assert built(job_name(f"{LONGEST}-{step}")).startswith(f"{LONGEST}-{step}-")


@pytest.mark.parametrize("who", ["challenger", "champion", "former-1", "former-9999"])
def test_the_longest_name_still_says_who_was_judged(who: str):
    name = built(job_name(LONGEST, item="$states.input.who"), input={"who": who})
    assert name.startswith(f"{LONGEST}-{who}-")
    assert len(name) == 63


@pytest.mark.parametrize("version", [1, 12, 9999])
def test_the_longest_name_still_says_which_version_a_config_serves(version: int):
    name = built(execution_name(LONGEST, item="'v' & $string($states.input)"), input=version)
    assert name.startswith(f"{LONGEST}-v{version}-")


def test_a_workload_and_an_environment_that_leave_no_room_are_refused():
    assert own_name(*LONGEST.split("-")) == LONGEST
    with pytest.raises(ValueError, match=rf"at most 42 characters, got 'x{LONGEST}' with 43: of SageMaker's 63"):
        own_name(*f"x{LONGEST}".split("-"))


@pytest.mark.parametrize("build", [training, serving, monitoring])
def test_every_construct_that_names_something_refuses_them(build: Callable[[cdk.Stack, Parts, ModelRegistry], object]):
    stack = cdk.Stack(cdk.App(), "Ml", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    parts, registry = Parts(stack), ModelRegistry(stack, "Registry", name="long", description="test")
    parts.common.update(workload="w" * 30, environment_name="e" * 12)
    with pytest.raises(ValueError, match="at most 42 characters"):
        build(stack, parts, registry)
