"""The control catalogue as a page, `docs/compliance/controls.md`: written from the code, never by hand.

python -m mlops_constructs.compliance.controls_page docs/compliance/controls.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from mlops_constructs.compliance.controls import CONTROLS, FRAMEWORKS, Control, Framework, requirements
from mlops_constructs.compliance.rule import Rule
from mlops_constructs.compliance.rules import ALL

_HEAD = """# Control catalogue

Written from the code by `make schema`; a test holds it current. Change
`constructs/mlops_constructs/compliance/data/frameworks.json` or the rules, not this page.

A control is one promise under one id, kept in up to three layers. A **rule** of the compliance pack judges templates
before anything is deployed; an **AWS Config rule** whose name begins with the control watches the account; a **deny
statement** whose Sid begins with it (without the hyphen) stops the call. The phase is the one of the MLOps maturity
model in which an organisation needs the control.
"""
_READING = """
Ids of requirements are their publishers' own. Which control serves which requirement follows the published maps of
cdk-nag (NIST, HIPAA) and prowler (PCI, ISO, SOC 2, Security Hub), both Apache-2.0, where they have one, and is our
judgement elsewhere; nobody has mapped the two frameworks marked *our reading* to cloud settings for us. A control that
serves a requirement is a contribution to it, never the whole of it: see [who does what](shared-responsibility.md).
"""


def page() -> str:
    """Return the whole page, the same bytes for the same code."""
    return "\n".join([_HEAD, *_overview(), *_controls(), *_frameworks()]).rstrip() + "\n"


def _overview() -> Iterator[str]:
    yield f"{len(CONTROLS)} controls, {len(ALL)} rules, {len(FRAMEWORKS)} frameworks.\n"
    yield "| control | promise | phase | rules | Config rules | denies |"
    yield "|---|---|---|---|---|---|"
    for control in CONTROLS.values():
        counts = (len(_rules(control)), len(control.detect), len(control.prevent))
        cells = " | ".join(str(count or "") for count in counts)
        yield f"| [{control.id}](#{_anchor(control)}) | {control.title} | {control.phase.lower()} | {cells} |"
    yield ""


def _controls() -> Iterator[str]:
    family = ""
    for control in CONTROLS.values():
        if control.family != family:
            family = control.family
            yield f"## {family}\n"
        yield from _section(control)


def _section(control: Control) -> Iterator[str]:
    yield f"### {control.id} {control.title}\n"
    yield f"{control.intent}\n"
    rules = _rules(control)
    if rules:
        yield "| rule | severity | waivable in production | what to do |"
        yield "|---|---|---|---|"
    for rule in rules:
        waivable = "yes" if rule.waivable_in_prod else "no"
        yield f"| `{rule.id}` {_cell(rule.title)} | {rule.severity.lower()} | {waivable} | {_cell(rule.remedy)} |"
    yield "" if rules else "No rule over templates speaks of it.\n"
    if control.detect:
        yield f"AWS Config: {', '.join(f'`{name}`' for name in control.detect)}\n"
    if control.prevent:
        yield f"Denied: {', '.join(f'`{sid}`' for sid in control.prevent)}\n"
    for key, ids in control.frameworks.items():
        yield f"- {_title(FRAMEWORKS[key])}: {', '.join(ids)}"
    yield ""


def _frameworks() -> Iterator[str]:
    yield f"## Frameworks\n{_READING}"
    for framework in FRAMEWORKS.values():
        served = requirements(framework.id)
        yield f"### {_title(framework)}\n"
        yield f"{framework.version}; {framework.source}; {len(served)} requirements served.\n"
        yield "| requirement | controls |"
        yield "|---|---|"
        for requirement, controls in served.items():
            yield f"| {requirement} | {', '.join(controls)} |"
        yield ""


def _rules(control: Control) -> list[Rule]:
    return [rule for rule in ALL if control.id in rule.controls]


def _title(framework: Framework) -> str:
    return framework.name if framework.official else f"{framework.name} (our reading)"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _anchor(control: Control) -> str:
    kept = (each for each in f"{control.id} {control.title}".lower() if each.isalnum() or each in " -_")
    return "".join(kept).replace(" ", "-")


def main(arguments: list[str]) -> int:
    """Write the page to the path given."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m mlops_constructs.compliance.controls_page PATH\n")
        return 2
    Path(arguments[0]).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
