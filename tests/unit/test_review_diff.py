"""The review of a change from a checkout whose path the shell would read as something else."""

from pathlib import Path

import pytest

from tools import review_diff

SHELL = "#!/bin/sh\n"


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(SHELL + text)
    path.chmod(0o755)


def test_a_checkout_may_lie_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "it's $HOME; here"
    script(root / "node_modules/.bin/cdk", 'exec sh -c "$3"\n')  # as the CDK runs what `--app` says
    script(root / ".venv/bin/python", 'printf %s "$1"\n')
    monkeypatch.setattr(review_diff, "ROOT", root)
    made = review_diff._synthesize(root, root / "out")
    assert (made.returncode, made.stdout, made.stderr) == (0, "app.py", "")
