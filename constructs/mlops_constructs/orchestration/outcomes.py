"""How workflows end: failures no service reported, failures inside branches, the event that could not be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlops_constructs.orchestration.callee import Callee
from mlops_constructs.orchestration.states import Json, State, emit, fail, pass_

# The failure event itself could not be sent: the execution ends with the first failure, and says so.
EVENT_LOST = (
    "{% $merge([$failure, {'cause': $failure.cause & ' (and its event could not be sent: '"
    " & $states.errorOutput.Error & ')'}]) %}"
)


@dataclass(frozen=True, kw_only=True)
class Announcer:
    """Puts the outcome of one workflow on the bus.

    Args:
        source: Source of its events, for example `mlops.training`.
        event_emitter: The event emitter.
        workload: Name of the workload.
        environment_name: Name of the environment.
    """

    source: str
    event_emitter: Callee
    workload: str
    environment_name: str

    def event(
        self, detail_type: str, detail: Mapping[str, Json], *, next: str, catch_next: str = "EmitFailed"
    ) -> State:
        """A Task that sends one event; if the last one cannot be sent, the execution's failure says so."""
        return emit(
            self.event_emitter,
            source=self.source,
            detail_type=detail_type,
            workload=self.workload,
            environment_name=self.environment_name,
            detail=detail,
            next=next,
            catch_next=catch_next,
            catch_assign={"failure": EVENT_LOST} if catch_next == "Failed" else None,
        )


def failure(error: str, cause: str, *, next: str) -> State:
    """A Pass state that names a failure which no service reported as an error.

    Args:
        error: JSONata of the error's name, for example `'SmokeTestFailed'` in quotes.
        cause: JSONata of the explanation.
        next: State that follows.
    """
    record = f"{{'step': $states.context.State.Name, 'error': {error}, 'cause': $string({cause})}}"
    return pass_(next=next, assign={"failure": f"{{% {record} %}}"})


def caught_as_output(state: State, remembered: Json) -> State:
    """The Task for the inside of a branch: its Catch hands the failure on as output instead of assigning it.

    A branch must not assign a variable that its surroundings assign too.

    Args:
        state: A state from `task`.
        remembered: JSONata of the failure: `FAILURE`, or one that knows more of the error's cause. With more beside it
            the branch needs a Fail state of its own instead of `reraise`.
    """
    rules = state["Catch"]
    if not isinstance(rules, list):
        raise TypeError(f"a Task's Catch must be a list of rules, got {rules!r}")
    handed: list[Json] = [{"ErrorEquals": ["States.ALL"], "Next": rules[-1]["Next"], "Output": remembered}]
    return {**state, "Catch": handed}


def reraise() -> State:
    """A Fail state for the inside of a branch: the failure handed on, its cause led by the step's name."""
    return fail("{% $states.input.error %}", "{% $states.input.step & ': ' & $states.input.cause %}")
