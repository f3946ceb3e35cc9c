"""Measure synthesis and the test suite against their goals, as ratios in one run, so that any machine will do.

`python tools/bench.py` prints a table; `--runs N` takes the median of N interleaved runs.
Times are CPU seconds, user and system, of the whole process tree.
"""

import argparse
import contextlib
import ctypes
import json
import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
APP_FLAGS, APP = shlex.split(json.loads((ROOT / "cdk.json").read_text())["app"])[1:-1], "app.py"
EMPTY_APP = "import aws_cdk as cdk; app = cdk.App(); cdk.Stack(app, 'Empty'); app.synth()"
# Asks whether orphans are gone; here they are adopted, to be counted, and stay until the suite has ended.
ORPHANS = "tests/local/test_warm.py::test_jobs_end_with_the_server"
ALL = "all"
QUIET = {"CDK_VALIDATION": "false", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}


@dataclass(frozen=True)
class Run:
    """One process: CPU seconds of its tree, wall seconds, and the resources it synthesized."""

    cpu: float
    wall: float
    resources: int


@dataclass(frozen=True)
class Row:
    """One line of the table; without a goal the figure is for information."""

    name: str
    value: float | None
    unit: str
    goal: float | None = None

    def __str__(self) -> str:
        value = "not measured" if self.value is None else f"{self.value:.2f} {self.unit}"
        goal = "" if self.goal is None else f"at most {self.goal:g}"
        verdict = "" if self.goal is None or self.value is None else "ok" if self.value <= self.goal else "MISSED"
        return f"{self.name:<62}{value:>16}  {goal:<14}{verdict}"


def measure(command: Sequence[str], context: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end and return what it cost.

    Args:
        command: what to run.
        context: of a synthesis; None runs the command in the environment as it is.

    Raises:
        RuntimeError: the command failed.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        flags = json.loads((ROOT / "cdk.json").read_text())["context"]
        extra = {} if context is None else {"CDK_OUTDIR": folder, "CDK_CONTEXT_JSON": json.dumps({**flags, **context})}
        environment = {**os.environ, **QUIET, **extra}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or every run compiles again what the first one compiled
        before, start = _children_cpu(), time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        wall = time.monotonic() - start
        _reap_orphans()
        cpu = _children_cpu() - before
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        templates = Path(folder).rglob("*.template.json")
        return Run(cpu, wall, sum(len(json.loads(path.read_text()).get("Resources", {})) for path in templates))


def synthesis_rows(runs: int) -> list[Row]:
    """Compare the synthesis of prod, packs attached, with that of an empty app; the first round only warms up.

    That of all environments tells what more resources cost, once the imports and the packs are paid for.
    """
    python = [sys.executable, *APP_FLAGS]
    full, empty = [*python, APP], [*python, "-c", EMPTY_APP]
    rounds = [
        (measure(full, {"env": "prod"}), measure(full, {"env": ALL}), measure(empty, {})) for _ in range(runs + 1)
    ]
    pairs = [(prod, bare) for prod, _, bare in rounds[1:]]
    ratio = statistics.median(prod.cpu / bare.cpu for prod, bare in pairs)
    return [
        Row("resources of prod", pairs[0][0].resources, ""),
        Row("synthesis of prod with the packs / empty app", ratio, "x", 7.5),
        Row("synthesis of prod above empty, per 100 resources", _above(pairs), "s", 0.72),
        Row(
            "synthesis of all environments above empty, per 100 resources",
            _above([(everything, bare) for _, everything, bare in rounds[1:]]),
            "s",
        ),
    ]


def _above(pairs: Sequence[tuple[Run, Run]]) -> float:
    """Return the median CPU seconds per 100 resources of a synthesis above the empty app beside it."""
    return statistics.median((ours.cpu - bare.cpu) / ours.resources * 100 for ours, bare in pairs)


def suite_row() -> Row:
    """Compare the tests without the end-to-end part with one synthesis of all environments."""
    everything = measure([sys.executable, *APP_FLAGS, APP], {"env": ALL})
    suite = measure([sys.executable, "-m", "pytest", "-m", "not e2e", "-p", "no:cacheprovider", "--deselect", ORPHANS])
    return Row("tests without the end-to-end part / synthesis of all", suite.cpu / everything.cpu, "x", 1.5)


def demo_rows(result: Path) -> list[Row]:
    """Read what the last demo measured: each function's cold start and duration, and the way from drift to endpoint."""
    timings = json.loads(result.read_text()).get("timings", {}) if result.is_file() else {}
    rows = [
        Row(f"{name}: {figure.removesuffix('_seconds').replace('_', ' ')}", value, "s" if "seconds" in figure else "")
        for name, figures in sorted(timings.get("functions", {}).items())
        for figure, value in figures.items()
    ]
    return [*rows, Row("from Drift Detected to a verified endpoint", timings.get("drift_to_endpoint_seconds"), "s")]


def _adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent is gone: jsii leaves its Node process to end by itself."""
    if sys.platform == "linux":
        pr_set_child_subreaper = 36
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def _reap_orphans() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the table; the exit status says whether every goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="interleaved runs to take the median of (default 3)")
    parser.add_argument("--result", type=Path, default=ROOT / "build" / "demo" / "result.json")
    arguments = parser.parse_args()
    _adopt_orphans()
    rows = [*synthesis_rows(arguments.runs), suite_row(), *demo_rows(arguments.result)]
    print("\n".join(map(str, rows)))
    sys.exit(any(row.goal is not None and row.value is not None and row.value > row.goal for row in rows))


if __name__ == "__main__":
    main()
