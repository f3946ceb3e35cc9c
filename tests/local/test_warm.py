from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_local.warm import WarmInterpreter, WarmProcess
from tests.local.ml import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks only on Linux")


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmInterpreter]:
    interpreter = WarmInterpreter({"PATH": os.environ["PATH"]})
    yield interpreter
    interpreter.stop()


def start(warm: WarmInterpreter, folder: Path, script: str, *arguments: str, **env: str) -> WarmProcess:
    path = folder / "job.py"
    path.write_text(script)
    process = warm.start([str(path), *arguments], env, folder, folder / "log")
    assert process is not None
    return process


def run(warm: WarmInterpreter, folder: Path, script: str, *arguments: str, **env: str) -> tuple[int, str]:
    code = start(warm, folder, script, *arguments, **env).wait(20)
    return code, (folder / "log").read_text()


def test_a_job_has_its_own_arguments_environment_folder_and_main(warm: WarmInterpreter, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("value = 7")
    script = """
import json, os, sys
import beside
print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd(), __name__, beside.value, os.getpgid(0) == os.getpid()]))
print("warned", file=sys.stderr)
"""
    code, log = run(warm, tmp_path, script, "--a", "b c", ONLY="this")
    assert code == 0
    assert json.loads(log.splitlines()[0]) == [["--a", "b c"], {"ONLY": "this"}, str(tmp_path), "__main__", 7, True]
    assert "warned" in log


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('told why')", 1, "told why"),
        ("raise ValueError('broken')", 1, 'Traceback (most recent call last):\n  File "'),
        ("raise ValueError('broken')", 1, "ValueError: broken"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, ""),
        ("import atexit; atexit.register(print, 'late'); print('early')", 0, "early\nlate"),
        (
            "import threading, time\ndef f():\n time.sleep(.1); print('thread')\nthreading.Thread(target=f).start()",
            0,
            "thread",
        ),
        ("def", 1, "SyntaxError"),
    ],
)
def test_exit_codes_and_last_words_are_those_of_python(
    warm: WarmInterpreter, tmp_path: Path, script: str, code: int, said: str
) -> None:
    ended, log = run(warm, tmp_path, script)
    assert ended == code
    assert said in log
    assert "warm_worker" not in log


def test_jobs_share_no_randomness(warm: WarmInterpreter, tmp_path: Path) -> None:
    script = "import random, numpy; print(numpy.random.rand(), random.random())"
    run(warm, tmp_path, script)
    numbers = run(warm, tmp_path, script)[1].split()
    assert len(numbers) == len(set(numbers)) == 4


def test_a_wait_has_a_limit_and_a_signal_reaches_the_group(warm: WarmInterpreter, tmp_path: Path) -> None:
    process = start(warm, tmp_path, "import subprocess; subprocess.run(['sleep', '60'])")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(5) == -9


def test_jobs_end_with_the_server(tmp_path: Path) -> None:
    interpreter = WarmInterpreter({"PATH": os.environ["PATH"]})
    process = start(interpreter, tmp_path, "import time; print('up'); time.sleep(60)")
    log: Any = tmp_path / "log"
    eventually(lambda: log.exists() and "up" in log.read_text())
    interpreter.stop()
    assert process.wait(5) == -9
    eventually(lambda: not Path(f"/proc/{process.pid}").exists())
    assert interpreter.start(["x.py"], {}, tmp_path, tmp_path / "log") is None
