"""`python -m mlops_constructs.compliance check PATH...`: the gate over any templates, from the command line."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from mlops_constructs.compliance.estate import Estate, TemplateError, load
from mlops_constructs.compliance.run import Finding, Status, evaluate, failing, waivers_of
from mlops_constructs.compliance.waivers import AppliedWaiver, Unreadable, read_file

UNUSABLE = 2


# Each has its own arguments and loads more than `check`, which has to start fast: `main(list of arguments) -> status`.
COMMANDS = {
    "review": "mlops_constructs.compliance.evidence.cli",
    "mutate": "mlops_constructs.compliance.mutation.cli",
    "diff": "mlops_constructs.compliance.diff.cli",
    "unused": "mlops_constructs.compliance.usage.cli",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 is clean, 1 means findings nobody waived, 2 input that cannot be judged."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments and arguments[0] in COMMANDS:
        status: int = import_module(COMMANDS[arguments[0]]).main(arguments[1:])
        return status
    return check(_parser().parse_args(arguments))


def check(given: argparse.Namespace) -> int:
    """Judge templates and say what was found."""
    try:
        estates = _selected([estate for path in given.paths for estate in load(path)], given.environment)
        extra = read_file(given.waivers) if given.waivers else []
        findings = judge(estates, extra, given.today)
        if given.json:
            given.json.parent.mkdir(parents=True, exist_ok=True)
            given.json.write_text(json.dumps(_document(findings), indent=1) + "\n")
    except (TemplateError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return UNUSABLE
    for name, found in findings.items():
        sys.stdout.writelines(f"{_line(finding)}\n" for finding in failing(found))
        counts = Counter(finding.status for finding in found)
        sys.stdout.write(f"{name}: {', '.join(f'{counts[status]} {status}' for status in Status)}\n")
    return 1 if any(map(failing, findings.values())) else 0


def judge(
    estates: Sequence[Estate], extra: Sequence[AppliedWaiver | Unreadable], today: dt.date
) -> dict[str, list[Finding]]:
    """Judge estates with their own waivers and those of a file, each where its path leads; the first gets the rest."""
    found: dict[str, list[Finding]] = {}
    left = list(extra)
    for last, estate in zip([*[False] * (len(estates) - 1), True], estates, strict=True):
        here = [each for each in left if last or _belongs(each, estate)]
        left = [each for each in left if each not in here]
        found[estate.name] = found.get(estate.name, []) + evaluate(estate, [*waivers_of(estate), *here], today)
    return found


def _belongs(waiver: AppliedWaiver | Unreadable, estate: Estate) -> bool:
    return isinstance(waiver, AppliedWaiver) and any(waiver.reaches(each.path) for each in estate.resources)


def _selected(estates: list[Estate], environment: str | None) -> list[Estate]:
    if environment is None:
        return estates
    selected = [estate for estate in estates if estate.name == environment]
    if not selected:
        names = ", ".join(sorted({estate.name for estate in estates}))
        raise TemplateError(f"--environment: got {environment!r}, there is {names}")
    return selected


def _line(finding: Finding) -> str:
    place = f" ({finding.template}:{finding.line})" if finding.template else ""
    return (
        f"{finding.status} {finding.severity} {finding.path}{place} {finding.finding}: {finding.message.rstrip('.')}. "
        f"Remedy: {finding.remedy or 'report it, with the template'}"
    )


def _document(findings: dict[str, list[Finding]]) -> dict[str, object]:
    return {
        "environments": {
            name: {"passed": not failing(found), "findings": [finding.as_dict() for finding in found]}
            for name, found in findings.items()
        }
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlops_constructs.compliance", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser(
        "check", help="judge templates; exit 1 on findings nobody waived, 2 on input that cannot be judged"
    )
    for name in COMMANDS:
        commands.add_parser(name, help=f"see `{name} --help`", add_help=False)
    check.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="cdk.out, a folder of templates, a template")
    check.add_argument("--json", type=Path, metavar="OUT", help="write every finding, passes included")
    check.add_argument("--waivers", type=Path, metavar="FILE", help="YAML waivers of templates the CDK did not write")
    check.add_argument("--environment", metavar="NAME", help="judge only this environment of the assembly")
    check.add_argument(
        "--today",
        type=dt.date.fromisoformat,
        default=dt.datetime.now(dt.UTC).date(),
        metavar="DAY",
        help="day at which review dates are looked at (default: today)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
