"""One container of a SageMaker job as a child process with a private /opt/ml."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from ..images import ImageError, resolve_image
from ..objects import DataError
from ..runtime import Runtime

logger = logging.getLogger(__name__)

STOP_GRACE_SECONDS = 120.0  # as the real service: SIGTERM, two minutes, SIGKILL


class Container:
    """Runs one image with one command; `stop` may come from another thread at any time.

    Args:
        runtime: The local AWS.
        session: The job's execution role.
        name: Job name; becomes part of the private folder's name.

    Attributes:
        opt_ml: Private folder that stands for /opt/ml.
        stopped: True once somebody asked for a stop.
    """

    def __init__(self, runtime: Runtime, session: boto3.Session, name: str) -> None:
        self._runtime, self._session = runtime, session
        self._folder = runtime.home / "jobs" / f"{name}-{uuid.uuid4().hex[:8]}"
        self.opt_ml = self._folder / "ml"
        self.opt_ml.mkdir(parents=True)
        self.stopped = False
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def path(self, local_path: str) -> Path:
        """Where a path of the container (`/opt/ml/...`) is on this machine.

        Raises:
            DataError: the path is not under /opt/ml.
        """
        clean = Path(os.path.normpath(local_path))
        if not clean.is_relative_to("/opt/ml"):
            raise DataError(f'the local AWS maps only paths under /opt/ml, got "{local_path}"')
        return self.opt_ml / clean.relative_to("/opt/ml")

    def run(
        self,
        image_uri: str,
        entrypoint: Sequence[str],
        arguments: Sequence[str],
        environment: Mapping[str, str],
        timeout: float,
        *,
        isolated: bool,
    ) -> tuple[int, str, bool]:
        """Runs the container to its end.

        Args:
            image_uri: Image in ECR, pulled as the execution role.
            entrypoint: Replaces the image's ENTRYPOINT; empty keeps it.
            arguments: Arguments of the entrypoint.
            environment: Variables of the job.
            timeout: Seconds; then the container is stopped.
            isolated: Network isolation: the process gets no AWS credentials and no endpoint.

        Returns:
            Exit code, log, and whether the time limit ended it.

        Raises:
            DataError: the image can't be pulled with the role.
        """
        try:
            image = resolve_image(self._runtime, image_uri, self._session)
            argv = image.argv([*(entrypoint or image.entrypoint), *arguments])
        except (ImageError, ClientError) as error:
            raise DataError(f"the image {image_uri} can't be used: {error}") from error
        variables = child_environment(self._runtime, None if isolated else self._session)
        variables |= {**image.environment, **environment, "OPT_ML": str(self.opt_ml)}
        log = self._folder / "log"
        with log.open("wb") as output:
            with self._lock:
                if self.stopped:
                    return -15, "", False
                self._child = self._runtime.popen(argv, variables, image.workdir, output)
            try:
                code, timed_out = self._child.wait(timeout), False
            except subprocess.TimeoutExpired:
                self._runtime.processes.kill(self._child, STOP_GRACE_SECONDS)
                code, timed_out = self._child.wait(), True
        return code, log.read_text(encoding="utf-8", errors="replace"), timed_out

    def stop(self) -> None:
        """Asks the process to end (SIGTERM), and ends it after the grace time."""
        with self._lock:
            self.stopped = True
            child = self._child
        if child is not None:
            self._runtime.processes.kill(child, STOP_GRACE_SECONDS)

    def remove(self) -> None:
        """Removes the private folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


def child_environment(runtime: Runtime, session: boto3.Session | None) -> dict[str, str]:
    """AWS variables of a container: the role's credentials, or none at all when it has no session."""
    nothing_else = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    if session is None:
        return {**nothing_else, "AWS_EC2_METADATA_DISABLED": "true"}
    return {**nothing_else, **runtime.environment_for(session)}


def write_log(runtime: Runtime, session: boto3.Session, group: str, stream: str, text: str) -> None:
    """Writes a job's log as its role, as SageMaker does: without the permission the job runs, but has no log."""
    logs = runtime.client("logs", session)
    stamp = int(time.time() * 1000)
    events = [{"timestamp": stamp, "message": line[:250_000]} for line in text.splitlines() if line.strip()]
    try:
        for make, names in (
            (logs.create_log_group, {"logGroupName": group}),
            (logs.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
        ):
            try:
                make(**names)
            except logs.exceptions.ResourceAlreadyExistsException:
                pass
        for start in range(0, len(events), 1000):
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events[start : start + 1000])
    except ClientError as error:
        logger.warning("no log %s/%s: %s", group, stream, error)
