"""`make demo` as a command: what it may delete, which options reach it, what a signal does to it."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlops_local.demo.cli import main
from mlops_local.demo.folder import MARKER, FolderError, check_out, claim

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_folder_with_files_of_somebody_else_is_refused_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "thesis.txt").write_text("years of work")
    assert main(["--out", str(tmp_path)]) == 2
    assert f"{tmp_path} holds files and no {MARKER}" in capsys.readouterr().err
    with pytest.raises(FolderError, match="choose another folder with --out"):
        claim(tmp_path)
    assert (tmp_path / "sub" / "thesis.txt").read_text() == "years of work"


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is not a folder" in str(check_out(tmp_path / "file"))


def test_what_an_earlier_demo_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    assert check_out(folder) is None
    claim(folder).close()
    (folder / "result.json").write_text("of yesterday")
    (folder / "logs").mkdir()
    (folder / "logs" / "deploy.log").touch()
    (folder / "latest").symlink_to("logs")
    assert check_out(folder) is None
    claim(folder).close()
    assert [path.name for path in folder.iterdir()] == [MARKER]


def test_the_folder_of_a_running_demo_is_refused_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with claim(tmp_path):
        (tmp_path / "events.jsonl").write_text("of this minute")
        assert main(["--out", str(tmp_path), "--port", str(free_port())]) == 2
        assert (tmp_path / "events.jsonl").read_text() == "of this minute"
    said = capsys.readouterr().err
    assert said.startswith(f"error: another demo runs in {tmp_path}: ") and "make demo OUT=" in said
    assert said.count("\n") == 1


def test_a_killed_demo_gives_its_folder_back(tmp_path: Path) -> None:
    code = "import sys, time; from mlops_local.demo.folder import *; held = claim(Path(sys.argv[1])); print(flush=True)"
    argv = [sys.executable, "-c", f"{code}; time.sleep(60)", str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as demo:
        assert demo.stdout and demo.stdout.readline()
        with pytest.raises(FolderError, match="another demo runs in"):
            claim(tmp_path)
        demo.kill()
    claim(tmp_path).close()


def test_a_folder_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match=r"can't be written \(Not a directory\): choose another"):
        claim(tmp_path / "file" / "out")


def test_a_folder_that_can_not_be_emptied_is_one_line_and_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)

    claim(tmp_path).close()
    (tmp_path / "cdk.out").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refuse)
        with pytest.raises(FolderError, match=r"can't be emptied \(Directory not empty\): try again, or choose"):
            claim(tmp_path)
    claim(tmp_path).close()


@pytest.mark.parametrize("port", ["80", "1023", "65536", "abc", "", "-1"])
def test_a_port_outside_what_the_message_says_is_one_line(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", port]) == 2
    said = capsys.readouterr().err
    assert said == f"error: port {port!r} can't be used: choose 1024 to 65535 with --port (make demo PORT=...)\n"


@pytest.mark.e2e
def test_of_two_demos_on_one_port_the_second_is_refused_in_one_line(tmp_path: Path) -> None:
    port = free_port()
    argv = [sys.executable, "-m", "mlops_local", "demo", "--months", "4", "--port", str(port), "--out"]
    demos = [
        subprocess.Popen([*argv, str(tmp_path / name)], cwd=ROOT, stderr=subprocess.PIPE, text=True) for name in "ab"
    ]
    deadline = time.monotonic() + 60
    while all(demo.poll() is None for demo in demos) and time.monotonic() < deadline:
        time.sleep(0.05)
    refused, goes_on = sorted(demos, key=lambda demo: demo.poll() is None)
    assert (refused.poll(), goes_on.poll()) == (2, None)
    assert refused.stderr and (said := refused.stderr.read()).startswith(f"error: port {port} on 127.0.0.1 ")
    assert said.count("\n") == 1
    goes_on.send_signal(signal.SIGINT)
    goes_on.communicate(timeout=60)
    assert goes_on.returncode == 130


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
    port = free_port()
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
