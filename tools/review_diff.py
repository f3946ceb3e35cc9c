"""`make review-diff BASE=<git rev>`: the review of what the work tree changes in every environment.

The base is checked out beside the work tree for the time of the run and synthesized with the tools of this one, so
both versions are judged by the same rules.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from mlops_constructs.compliance.diff.cli import main as diff

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "review-diff"


def main(base: str) -> int:
    """Write build/review-diff; 1 when the change would lose data, 2 when a version cannot be synthesized."""
    with tempfile.TemporaryDirectory(prefix="review-diff-") as scratch:
        checkout, old, new = (Path(scratch) / name for name in ("base", "old", "new"))
        added = _run(["git", "worktree", "add", "--detach", "--quiet", str(checkout), base], ROOT)
        if added.returncode:
            sys.stderr.write(f"review-diff: BASE={base} cannot be checked out: {added.stderr.strip()}\n")
            return 2
        try:
            for folder, out in ((checkout, old), (ROOT, new)):
                made = _synthesize(folder, out)
                if made.returncode:
                    sys.stderr.write(f"review-diff: {folder} does not synthesize:\n{made.stderr.strip()[-2000:]}\n")
                    return 2
        finally:
            _run(["git", "worktree", "remove", "--force", str(checkout)], ROOT)
        return diff([str(old), str(new), "--out", str(OUT)])


def _synthesize(folder: Path, out: Path) -> subprocess.CompletedProcess[str]:
    paths = (folder / name for name in ("local", "lambda", "constructs"))
    environment = {
        **os.environ,
        "CDK_VALIDATION": "false",
        # Before the installed packages: each version synthesizes with its own constructs.
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
    }
    cdk, app = ROOT / "node_modules/.bin/cdk", f"{shlex.quote(str(ROOT / '.venv/bin/python'))} app.py"
    command = [str(cdk), "synth", "--app", app, "-c", "env=all", "--quiet", "--no-notices"]
    return _run([*command, "--output", str(out)], folder, environment)


def _run(
    command: list[str], folder: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit("usage: make review-diff BASE=<git revision>, for example BASE=main")
    sys.exit(main(sys.argv[1]))
