"""The server starts with one line of explanation or not at all, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mlops_local import patches, server
from mlops_local.errors import LocalAwsError
from mlops_local.home import hold
from mlops_local.main_loop import raise_file_limit
from mlops_local.processes import ProcessTable
from mlops_local.server import LocalAws
from tests.local import core
from tests.local.conftest import free_port

FUNCTION = "import os\ndef handler(event, context):\n    return os.getpid()\n"


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_taken_port_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalAwsError, match=rf"port {port} .*--port"):
            LocalAws(tmp_path, port).start()
        argv = [sys.executable, "-m", "mlops_local", "serve", "--port", str(port), "--home", str(tmp_path)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_a_port_is_held_from_before_anything_is_started(tmp_path: Path) -> None:
    with server.listen(0) as held, pytest.raises(LocalAwsError, match="--port"):
        server.check_room(tmp_path, held.getsockname()[1])


def test_a_full_disk_is_one_line_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "FREE_BYTES", 10**18)
    with pytest.raises(LocalAwsError, match=r"GB free.*--home"):
        server.check_room(tmp_path, free_port())


def test_a_folder_that_can_not_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalAwsError, match="--home"):
        server.check_room(tmp_path / "file" / "home", free_port())


def test_a_name_that_is_gone_from_the_emulator_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(patches.NAMES, "ministack.core.router", ("detect_service", "gone"))
    with pytest.raises(LocalAwsError, match=r"ministack\.core\.router\.gone"):
        patches.check_names()


def test_another_release_of_the_emulator_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "MINISTACK_VERSION", "9.9.9")
    with pytest.raises(LocalAwsError, match=r"needs 9\.9\.9: run `pip install"):
        patches.check_names()


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.local
def test_a_proxy_and_a_profile_of_the_caller_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "internal.example")
    for name, value in (("AWS_PROFILE", "nosuch"), ("AWS_SESSION_TOKEN", "of-a-real-account")):
        monkeypatch.setenv(name, value)
    code = "import urllib.request\ndef handler(event, context):\n    return urllib.request.urlopen(event).status\n"
    with LocalAws(tmp_path, free_port()) as aws:
        made = {"Role": core.role("lambda.amazonaws.com"), "F": core.function("Role", code)}
        name = core.change(aws, "create", "proxy", core.template(made))["F"]
        health = json.dumps(f"{aws.endpoint_url}/_ministack/health").encode()
        assert json.loads(aws.client("lambda").invoke(FunctionName=name, Payload=health)["Payload"].read()) == 200
        environment = aws.environ()
    assert environment["NO_PROXY"] == environment["no_proxy"] == "internal.example,127.0.0.1"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & set(environment)


@pytest.mark.local
def test_a_new_start_is_an_empty_account_and_two_do_not_share_a_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("not the local AWS's")
    with LocalAws(tmp_path, free_port()) as aws:
        aws.client("s3").create_bucket(Bucket="left-over")
        with pytest.raises(LocalAwsError, match=rf"another local AWS runs in {tmp_path}: .*--home"):
            LocalAws(tmp_path, free_port()).start()
        assert [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]] == ["left-over"]
    with LocalAws(tmp_path, free_port()) as aws:
        assert aws.client("s3").list_buckets()["Buckets"] == []
    assert (tmp_path / "mine.txt").exists()


def test_what_no_local_aws_made_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "holiday.jpg").touch()
    with pytest.raises(LocalAwsError, match="holds images and no LOCAL-AWS"):
        hold(tmp_path)
    assert (tmp_path / "images" / "holiday.jpg").exists()


@pytest.mark.parametrize(
    ("soft", "hard", "set_to"),
    [
        (256, resource.RLIM_INFINITY, [(10_240, resource.RLIM_INFINITY)]),  # macOS
        (1024, 4096, [(4096, 4096)]),
        (65_536, 1_048_576, []),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, []),
    ],
)
def test_the_limit_of_open_files_is_raised_to_what_every_system_grants(
    soft: int, hard: int, set_to: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: asked.append(limits))
    raise_file_limit()
    assert asked == set_to


@pytest.mark.local
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_the_server_ends(tmp_path: Path, number: signal.Signals) -> None:
    aws = LocalAws(tmp_path, free_port()).start()
    made = {"Role": core.role("lambda.amazonaws.com"), "F": core.function("Role", FUNCTION)}
    outputs = core.change(aws, "create", "server", core.template(made))
    worker = int(aws.client("lambda").invoke(FunctionName=outputs["F"])["Payload"].read())
    pids = [aws.pid, *(child.pid for child in psutil.Process(aws.pid).children(recursive=True))]
    assert worker in pids
    os.kill(aws.pid, number)
    core.wait_for("the end of every process", lambda: not any(alive(pid) for pid in pids))
    assert not listens(aws.port)
    aws.stop()


def test_children_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from mlops_local.processes import ProcessTable\n"
        "table = ProcessTable()\n"
        "child = table.popen(['sleep', '60'], {'PATH': os.environ['PATH']}, pathlib.Path('.'), -3)\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    pid = int(done.stdout)
    core.wait_for("the end of the child", lambda: not alive(pid))


def test_a_child_is_killed_with_its_children(tmp_path: Path) -> None:
    table = ProcessTable()
    script = "sleep 60 & echo started $!; wait"
    with (tmp_path / "log").open("wb") as output:
        child = table.popen(["/bin/sh", "-c", script], {"PATH": os.environ["PATH"]}, tmp_path, output)
    core.wait_for("the grandchild", lambda: (tmp_path / "log").read_text().endswith("\n"))
    grandchild = int((tmp_path / "log").read_text().split()[-1])
    assert alive(grandchild)
    table.kill(child)
    core.wait_for("the end of the grandchild", lambda: not alive(grandchild))
    table.stop()
    with pytest.raises(RuntimeError, match="stopping"):
        table.popen(["true"], {}, tmp_path, subprocess.DEVNULL)


@pytest.mark.local
def test_the_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    port = free_port()
    code = (
        "import os, sys, pathlib\n"
        "from mlops_local.server import LocalAws\n"
        f"print(LocalAws(pathlib.Path({str(tmp_path)!r}), {port}).start().pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    core.wait_for("the end of the server", lambda: not alive(pid) and not listens(port))
