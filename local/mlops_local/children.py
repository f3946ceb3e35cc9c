"""Child processes of managed jobs: stoppable, with the role's credentials or none, logged as the role."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from .runtime import Runtime
from .warm import Process, end_process, start_process

logger = logging.getLogger(__name__)

_MAX_EVENT_CHARACTERS = 250_000
_EVENTS_PER_CALL = 1000


class Child:
    """One process that somebody may stop from another thread.

    Args:
        runtime: The local AWS.
        grace_seconds: Between SIGTERM and SIGKILL when the process is stopped or its time is over.

    Attributes:
        stopped: True once `stop` was called.
    """

    def __init__(self, runtime: Runtime, grace_seconds: float) -> None:
        self._runtime, self._grace = runtime, grace_seconds
        self.stopped = False
        self._process: Process | None = None
        self._lock = threading.Lock()

    def run(
        self, argv: Sequence[str], environment: Mapping[str, str], cwd: Path, log: Path, timeout: float
    ) -> tuple[int, str, bool]:
        """Runs the process to its end.

        Args:
            argv: Program and arguments.
            environment: Its variables, besides the few every child gets.
            cwd: Working directory.
            log: File that receives the output.
            timeout: Seconds; then the process is stopped.

        Returns:
            Exit code, output, and whether the time limit ended it.
        """
        with self._lock:
            if self.stopped:
                return -15, "", False
            process = self._process = start_process(self._runtime, argv, environment, cwd, log)
        try:
            code, timed_out = process.wait(timeout), False
        except subprocess.TimeoutExpired:
            end_process(self._runtime, process, self._grace)
            code, timed_out = process.wait(), True
        return code, log.read_text(encoding="utf-8", errors="replace"), timed_out

    def stop(self) -> None:
        """Asks the process to end, and ends it after the grace time; one that has not begun never begins."""
        with self._lock:
            self.stopped = True
            process = self._process
        if process is not None:
            end_process(self._runtime, process, self._grace)


def child_environment(runtime: Runtime, session: boto3.Session | None) -> dict[str, str]:
    """AWS variables of a child: the role's credentials, or none at all when it has no session."""
    nothing_else = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    if session is None:
        return {**nothing_else, "AWS_EC2_METADATA_DISABLED": "true"}
    return {**nothing_else, **runtime.environment_for(session)}


def write_log(runtime: Runtime, session: boto3.Session, group: str, stream: str, text: str) -> None:
    """Writes a job's log as its role, as the services do: without the permission the job runs, but has no log."""
    logs = runtime.client("logs", session)
    stamp = int(time.time() * 1000)
    lines = [line[:_MAX_EVENT_CHARACTERS] for line in text.splitlines() if line.strip()]
    events = [{"timestamp": stamp, "message": line} for line in lines]
    try:
        for make, names in (
            (logs.create_log_group, {"logGroupName": group}),
            (logs.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
        ):
            # There already, or made by the template: then the role may do without this permission.
            with contextlib.suppress(ClientError):
                make(**names)
        for start in range(0, len(events), _EVENTS_PER_CALL):
            batch = events[start : start + _EVENTS_PER_CALL]
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
    except ClientError as error:
        logger.warning("no log %s/%s: %s", group, stream, error)
