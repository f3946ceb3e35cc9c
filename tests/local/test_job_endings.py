"""A stop that comes while a job ends must not leave the job stopping for ever: `.sync` would wait on it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mlops_local.awsjson import Request
from mlops_local.glue.jobs import Jobs as GlueJobs
from mlops_local.glue.jobs import now
from mlops_local.glue.runs import Runs
from mlops_local.sagemaker.jobs import JobKind, Jobs


class Slow(dict[str, Any]):
    """A record whose status takes a while to read, long enough for the job to end in between."""

    def __init__(self, status_field: str, content: dict[str, Any], read: threading.Event) -> None:
        super().__init__(content)
        self._status_field, self._read = status_field, read

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if key == self._status_field and not self._read.is_set():
            self._read.set()  # the job may end now
            time.sleep(0.3)
        return value


def nothing(*given: Any, **named: Any) -> None:
    pass


def test_a_sagemaker_job_that_ends_while_it_is_stopped_has_ended() -> None:
    read = threading.Event()
    account: Any = SimpleNamespace(authorize=nothing, arn=lambda kind, name: f"{kind}/{name}", event=nothing)
    kind = JobKind("TrainingJob", "training-job", "no {name}", "changed", (), ())

    def work(record: dict[str, Any], container: Any) -> None:
        read.wait()
        jobs.finish(record, "Completed")
        ended.set()

    ended = threading.Event()
    jobs = Jobs(account, kind, work)
    record = Slow("TrainingJobStatus", {"TrainingJobName": "j", "TrainingJobArn": "arn"}, read)
    container: Any = SimpleNamespace(stop=nothing, remove=nothing)
    jobs.start(record, lambda: container)
    jobs.stop(Request({}, "StopTrainingJob", {"TrainingJobName": "j"}))
    assert ended.wait(5)
    assert record["TrainingJobStatus"] == "Completed"


def test_a_glue_run_that_ends_while_it_is_stopped_has_ended(tmp_path: Path) -> None:
    read, ended = threading.Event(), threading.Event()
    runtime: Any = SimpleNamespace(home=tmp_path, put_event=lambda *given: ended.set())
    access: Any = SimpleNamespace(check=nothing)
    jobs = GlueJobs(access)
    jobs._jobs["g"] = {"Name": "g"}
    runs = Runs(runtime, access, jobs)
    run = Slow("JobRunState", {"Id": "jr", "JobName": "g", "JobRunState": "RUNNING", "StartedOn": now()}, read)
    runs._runs["g"] = [run]
    runs._children["jr"] = child = SimpleNamespace(stop=nothing)  # type: ignore[assignment]

    def execute(*given: Any) -> tuple[str, str]:
        read.wait()
        return "SUCCEEDED", ""

    runs._execute = execute  # type: ignore[method-assign]
    job: Any = {}
    thread = threading.Thread(target=runs._run, args=(job, run, {}, None, child))
    thread.start()
    runs.stop(Request({}, "BatchStopJobRun", {"JobName": "g", "JobRunIds": ["jr"]}))
    thread.join(5)
    assert ended.is_set()
    assert run["JobRunState"] == "SUCCEEDED"
