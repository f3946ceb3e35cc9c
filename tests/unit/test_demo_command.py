"""`make demo` as a command: what it may delete, which options reach it, what a signal does to it."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlops_local.demo.cli import main
from mlops_local.demo.folder import MARKER, check_out, claim

ROOT = Path(__file__).parents[2]


def test_a_folder_with_files_of_somebody_else_is_refused_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "thesis.txt").write_text("years of work")
    assert main(["--out", str(tmp_path)]) == 2
    assert f"{tmp_path} holds files and no {MARKER}" in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="choose another folder with --out"):
        claim(tmp_path)
    assert (tmp_path / "sub" / "thesis.txt").read_text() == "years of work"


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is not a folder" in str(check_out(tmp_path / "file"))


def test_what_an_earlier_demo_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    assert check_out(folder) is None
    claim(folder)
    (folder / "result.json").write_text("of yesterday")
    assert check_out(folder) is None
    claim(folder)
    assert [path.name for path in folder.iterdir()] == [MARKER]


@pytest.mark.skipif(os.name != "posix", reason="make")
def test_make_hands_the_options_over_as_they_were_written() -> None:
    asked = ["make", "--dry-run", "demo", "MONTHS=4 - 6", "PORT=4600", "OUT=/tmp/a folder"]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # not as its child
    printed = subprocess.run(asked, cwd=ROOT, env=outside, capture_output=True, text=True, check=True).stdout
    command = shlex.split(printed.splitlines()[-1])
    assert command[-7:] == ["demo", "--months", "4 - 6", "--port", "4600", "--out", "/tmp/a folder"]


@pytest.mark.parametrize("option", ["PORT", "OUT"])
def test_messages_name_the_variable_of_make(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["--port", str(taken.getsockname()[1]), "--out", str(tmp_path)]) == 2
    assert f"make demo {option}=" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "number"),
    [
        (0.3, signal.SIGINT),
        (0.8, signal.SIGTERM),
        pytest.param(2.5, signal.SIGINT, marks=pytest.mark.e2e),  # the local AWS and the CDK CLI run by then
    ],
)
def test_an_interrupted_demo_says_so_and_leaves_no_process(
    tmp_path: Path, seconds: float, number: signal.Signals
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [sys.executable, "-m", "mlops_local", "demo", "--months", "4", "--port", str(port), "--out", str(tmp_path)]
    with subprocess.Popen(
        argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as demo:
        time.sleep(seconds)
        demo.send_signal(number)
        _, said = demo.communicate(timeout=60)
    assert (demo.returncode, said.count("\n")) == (130, 1), said
    assert said.startswith(f"stopped by {number.name}")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
