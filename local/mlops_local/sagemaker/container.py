"""One container of a SageMaker job as a child process with a private /opt/ml."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from ..children import Child, child_environment
from ..images import ImageError, resolve_image
from ..objects import DataError
from ..runtime import Runtime

STOP_GRACE_SECONDS = 120.0  # as the real service: SIGTERM, two minutes, SIGKILL


class Container:
    """Runs one image with one command; `stop` may come from another thread at any time.

    Args:
        runtime: The local AWS.
        session: The job's execution role.
        name: Job name; becomes part of the private folder's name.

    Attributes:
        folder: Private folder; `/opt/ml` is `ml` in it.
    """

    def __init__(self, runtime: Runtime, session: boto3.Session, name: str) -> None:
        self._runtime, self._session = runtime, session
        self._child = Child(runtime, STOP_GRACE_SECONDS)
        self.folder = runtime.home / "jobs" / f"{name}-{uuid.uuid4().hex[:8]}"
        self._opt_ml = self.folder / "ml"
        self._opt_ml.mkdir(parents=True)

    @property
    def stopped(self) -> bool:
        """True once somebody asked for a stop."""
        return self._child.stopped

    def path(self, local_path: str) -> Path:
        """Where a path of the container (`/opt/ml/...`) is on this machine.

        Raises:
            DataError: the path is not under /opt/ml.
        """
        clean = Path(os.path.normpath(local_path))
        if not clean.is_relative_to("/opt/ml"):
            raise DataError(f'the local AWS maps only paths under /opt/ml, got "{local_path}"')
        return self._opt_ml / clean.relative_to("/opt/ml")

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
            DataError: the image can't be pulled with the role, or its command can't run here.
        """
        try:
            image = resolve_image(self._runtime, image_uri, self._session)
            argv = image.argv([*(entrypoint or image.entrypoint), *arguments])
        except (ImageError, ClientError) as error:
            raise DataError(f"the image {image_uri} can't be used: {error}") from error
        variables = child_environment(self._runtime, None if isolated else self._session)
        variables |= {**image.environment, **environment, "OPT_ML": str(self._opt_ml)}
        return self._child.run(argv, variables, image.workdir, self.folder / "log", timeout)

    def stop(self) -> None:
        """Asks the process to end (SIGTERM), and ends it after the grace time."""
        self._child.stop()

    def remove(self) -> None:
        """Removes the private folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
