"""Names of what workflows make in SageMaker: what they begin with, what tells them apart, what fits; and of their logs.

Plain data that a reader without the CDK can load.
"""

from __future__ import annotations

VENDED_LOGS = "/aws/vendedlogs/states/"
"""What the log groups of workflows begin with. Step Functions enters each group in a policy of the account that holds
5,120 characters; groups of this name share one entry."""

EXECUTION_NAME = "$states.context.Execution.Name"
NAME_LIMIT = 63
# A name that was cut ends in a hyphen and eight digits of its hash.
_KEPT = NAME_LIMIT - 9
# The longest word behind `<workload>-<environment>`, with a version of four digits; a config has `-v9999`. It survives
# the cut, so that a name says whose job it was, and which version a config serves.
_LONGEST_WORD = "-former-9999"
OWN_NAME_LIMIT = _KEPT - len(_LONGEST_WORD)
"""Characters that `<workload>-<environment>` may have."""

# Redrives of the execution and retries of the step, nothing for the first attempt. Each retry reads them anew, and a
# redrive begins again to count retries.
_ATTEMPT = (
    "($count := [$states.context.Execution.RedriveCount, 0][0] & '.' & [$states.context.State.RetryCount, 0][0];"
    " $count = '0.0' ? '' : ' ' & $count)"
)


def own_name(workload: str, environment_name: str) -> str:
    """`<workload>-<environment>`: the endpoint's name, and what those of jobs, models and configs begin with.

    Raises:
        ValueError: It is so long that what follows it would be cut off.
    """
    name = f"{workload}-{environment_name}"
    if len(name) > OWN_NAME_LIMIT:
        raise ValueError(
            f"<workload>-<environment_name> must have at most {OWN_NAME_LIMIT} characters, got {name!r} with"
            f" {len(name)}: of SageMaker's {NAME_LIMIT} the others tell jobs and versions apart"
        )
    return name


def execution_name(prefix: str, *, item: str = "") -> str:
    """JSONata for `<prefix>-<execution name>` as SageMaker allows names: 63 of letters, digits and hyphens.

    Nothing of the clock is in it. A longer name is cut and ends in eight digits of its hash: two executions that differ
    only at the end stay apart.

    Args:
        prefix: What the name begins with.
        item: JSONata of a word that follows the prefix. None by default.
    """
    return _name(prefix, item, attempt="''")


def job_name(prefix: str, *, item: str = "") -> str:
    """JSONata for the name of a job: that of `execution_name`, and another one for each attempt at the step.

    SageMaker takes a job's name once and for all, and a job that has failed or was stopped cannot be started again. So
    a retried step and a redriven execution address a new job: from the second attempt on the name ends in eight digits
    of a hash, in which the numbers of redrives and retries are. What the jobs write lies under the execution's name,
    file by file in the same place. When only the answer to a create was lost, the first job goes on beside the second
    and costs at most its own longest runtime.

    Args:
        prefix: What the name begins with.
        item: JSONata of a word that tells the jobs of one Map state apart; it follows the prefix. None by default.
    """
    return _name(prefix, item, attempt=_ATTEMPT)


def _name(prefix: str, item: str, *, attempt: str) -> str:
    """The name that fits: `attempt` is JSONata of a text, empty when the name needs none."""
    begin = f"'{prefix}-' & {item} & '-' & " if item else f"'{prefix}-' & "
    return (
        f"{{% ($name := $replace($replace({begin}{EXECUTION_NAME}, /[^a-zA-Z0-9-]/, '-'), /-+$/, '');"
        f" $attempt := {attempt};"
        f" $attempt = '' and $length($name) <= {NAME_LIMIT} ? $name"
        f" : $substring($name, 0, {_KEPT}) & '-' & $substring($hash($name & $attempt, 'SHA-256'), 0, 8)) %}}"
    )
