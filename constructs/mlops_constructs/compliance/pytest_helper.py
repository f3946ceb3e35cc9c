"""The gate as an assertion, for the tests of an app that uses these constructs or only their rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.estate import Estate, from_templates, load
from mlops_constructs.compliance.rule import Rule
from mlops_constructs.compliance.rules import ALL
from mlops_constructs.compliance.run import evaluate, failing, waivers_of
from mlops_constructs.compliance.waivers import AppliedWaiver, Unreadable


def assert_compliant(
    subject: Path | Estate | Mapping[str, Any],
    *,
    stage: str | None = None,
    waivers: Iterable[AppliedWaiver | Unreadable] = (),
    today: dt.date | None = None,
    rules: Iterable[Rule] = ALL,
) -> None:
    """Assert that templates pass the gate.

    Example:
        >>> assert_compliant({"Resources": {"Group": {"Type": "AWS::XRay::Group"}}})

    Args:
        subject: A `cdk.out` folder, a folder of templates, a template file, an estate, or one template in memory,
            such as `assertions.Template.from_stack(stack).to_json()`.
        stage: Stage of a template in memory; without one the rules of production apply.
        waivers: Further waivers; those noted in an assembly always count.
        today: Day at which review dates are looked at, today by default.
        rules: Rules to apply, all by default.

    Raises:
        AssertionError: There are findings nobody waived, or waivers that are no good; all of them, with remedies.
        TemplateError: There is nothing to judge.
    """
    __tracebackhide__ = True
    if isinstance(subject, Path):
        estates = load(subject)
    else:
        estates = [subject if isinstance(subject, Estate) else from_templates({"template": subject}, stage=stage)]
    day, rules, extra = today or dt.datetime.now(dt.UTC).date(), tuple(rules), tuple(waivers)
    found = [
        f"{finding.path}: {finding.finding}: {finding.message} ({finding.remedy})"
        for estate in estates
        for finding in failing(evaluate(estate, [*waivers_of(estate), *extra], day, rules))
    ]
    assert not found, f"{len(found)} findings nobody waived:\n" + "\n".join(found)
