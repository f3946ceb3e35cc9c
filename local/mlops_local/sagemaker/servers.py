"""Model servers: one child process per endpoint variant, started and asked as SageMaker does with containers."""

from __future__ import annotations

import http.client
import logging
import shutil
import socket
import tarfile
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ..children import child_environment, write_log
from ..images import ImageError, resolve_image
from ..objects import DataError, split_uri
from ..warm import Process, end_process, start_process
from .account import Account, Record

logger = logging.getLogger(__name__)

MODEL_TIMEOUT_SECONDS = 60.0
_DEFAULT_HEALTH_SECONDS = 240
_WATCH_SECONDS = 1.0
_PING_SECONDS = 0.05


class ServerError(Exception):
    """A model server did not come up; the message becomes the endpoint's FailureReason."""


@dataclass(frozen=True)
class ModelResponse:
    """What a container answered.

    Args:
        status: HTTP status; 0 when there was no answer.
        content_type: Of the body.
        custom_attributes: The container's X-Amzn-SageMaker-Custom-Attributes, or "".
        body: The bytes.
        seconds: Time from sending the request to the end of the answer.
    """

    status: int
    content_type: str
    custom_attributes: str
    body: bytes
    seconds: float


class ModelServer:
    """The server of one variant.

    Args:
        account: The SageMaker account.
        endpoint: Name of the endpoint it belongs to.
        variant: The variant as its endpoint configuration gives it.
        model: Record of the variant's model.
    """

    def __init__(self, account: Account, endpoint: str, variant: Record, model: Record) -> None:
        self._runtime, self.variant, self.model = account.runtime, variant, model
        self.session = account.session(model["ExecutionRoleArn"], model["ModelArn"])
        self.resolved_image = model["serves"]["Image"]
        self.log_group = f"/aws/sagemaker/Endpoints/{endpoint}"
        self.log_stream = f"{variant['VariantName']}/i-{uuid.uuid4().hex[:17]}"
        self._name = variant["VariantName"]
        self._folder = account.runtime.home / "endpoints" / f"{endpoint}-{uuid.uuid4().hex[:8]}"
        self._child: Process | None = None
        self._port = 0
        self._logged = 0
        self._stopping = False

    def start(self) -> None:
        """Starts the server and waits until /ping answers 200.

        Raises:
            ServerError: image, model archive or the server itself failed.
        """
        self._folder.mkdir(parents=True)
        try:
            self._fetch_model()
            self._launch()
        except (DataError, ClientError, ImageError, tarfile.TarError) as error:
            raise ServerError(f"The container for production variant {self._name} can't start: {error}") from error
        limit = self.variant.get("ContainerStartupHealthCheckTimeoutInSeconds", _DEFAULT_HEALTH_SECONDS)
        if not self._healthy(time.monotonic() + limit):
            self._flush_log()
            raise ServerError(
                f"The primary container for production variant {self._name} did not pass the ping health check. "
                "Please check CloudWatch logs for this endpoint."
            )
        threading.Thread(target=self._watch, daemon=True).start()

    def _fetch_model(self) -> None:
        model_dir = self._folder / "ml" / "model"
        model_dir.mkdir(parents=True)
        uri = self.model["serves"]["ModelDataUrl"]
        if uri is None:
            return
        bucket, key = split_uri(uri)
        archive = self._folder / "model.tar.gz"
        with archive.open("wb") as file:
            body = self._runtime.client("s3", self.session).get_object(Bucket=bucket, Key=key)["Body"]
            shutil.copyfileobj(body, file, 1 << 20)
        with tarfile.open(archive) as tar:
            tar.extractall(model_dir, filter="data")
        archive.unlink()

    def _launch(self) -> None:
        image = resolve_image(self._runtime, self.model["serves"]["Image"], self.session)
        self._port = _free_port()
        environment = child_environment(self._runtime, None if self.model["EnableNetworkIsolation"] else self.session)
        environment |= {
            **image.environment,
            **self.model["serves"]["Environment"],
            "OPT_ML": str(self._folder / "ml"),
            "SAGEMAKER_BIND_TO_PORT": str(self._port),
            "BIND_HOST": "127.0.0.1",
        }
        argv = image.argv([*image.entrypoint, "serve"])
        self._child = start_process(self._runtime, argv, environment, image.workdir, self._folder / "log")

    def _healthy(self, deadline: float) -> bool:
        while time.monotonic() < deadline and self.alive:
            if self._ask("GET", "/ping", b"", {}, timeout=2.0).status == 200:
                return True
            time.sleep(_PING_SECONDS)
        return False

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._child is not None and self._child.poll() is None

    def invoke(self, body: bytes, headers: dict[str, str]) -> ModelResponse:
        """POST /invocations; an answer with status 0 means that there was none."""
        return self._ask("POST", "/invocations", body, headers, timeout=MODEL_TIMEOUT_SECONDS)

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str], timeout: float) -> ModelResponse:
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            connection.request(method, path, body=body or None, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            kind = answer.getheader("Content-Type", "application/octet-stream")
            custom = answer.getheader("X-Amzn-SageMaker-Custom-Attributes", "")
            return ModelResponse(answer.status, kind, custom, content, time.perf_counter() - started)
        except (OSError, http.client.HTTPException) as error:
            message = f"{type(error).__name__}: {error}".encode()
            return ModelResponse(0, "text/plain", "", message, time.perf_counter() - started)
        finally:
            connection.close()

    def stop(self) -> None:
        """Ends the process and removes its folder."""
        self._stopping = True
        if self._child is not None:
            end_process(self._runtime, self._child, 2.0)
            self._child.wait()
            self._flush_log()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _watch(self) -> None:
        """Hands the log on, and starts a container that ended again, as SageMaker does."""
        while not self._stopping:
            time.sleep(_WATCH_SECONDS)
            self._flush_log()
            if not self.alive and not self._stopping:
                logger.warning("the container of %s ended: it is started again", self.log_group)
                try:
                    self._launch()
                except (RuntimeError, ClientError, ImageError):
                    logger.exception("the container of %s can't be started again", self.log_group)
                    return
                if self._stopping and self._child is not None:  # stopped in between
                    end_process(self._runtime, self._child, 0.0)

    def _flush_log(self) -> None:
        path: Path = self._folder / "log"
        if path.is_file() and path.stat().st_size > self._logged:
            with path.open("rb") as log:
                log.seek(self._logged)
                text = log.read()
            self._logged += len(text)
            decoded = text.decode("utf-8", errors="replace")
            write_log(self._runtime, self.session, self.log_group, self.log_stream, decoded)


class Fleet:
    """The servers of one endpoint configuration.

    Args:
        account: The SageMaker account.
        endpoint: Name of the endpoint.
        config: Record of the endpoint configuration, as deployed.
        models: Model record by name.
    """

    def __init__(self, account: Account, endpoint: str, config: Record, models: dict[str, Record]) -> None:
        self.config = config
        self.servers = {
            variant["VariantName"]: ModelServer(account, endpoint, variant, models[variant["ModelName"]])
            for variant in config["ProductionVariants"]
        }

    def start(self) -> None:
        """Starts all servers at the same time.

        Raises:
            ServerError: one of them did not come up; all are stopped then.
        """
        problems: list[ServerError] = []

        def start_one(server: ModelServer) -> None:
            try:
                server.start()
            except ServerError as error:
                problems.append(error)

        threads = [threading.Thread(target=start_one, args=(server,)) for server in self.servers.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            self.stop()
            raise problems[0]

    def stop(self) -> None:
        """Stops all servers."""
        for server in self.servers.values():
            server.stop()

    def images(self) -> dict[str, list[dict[str, Any]]]:
        """Deployed images by variant, as DescribeEndpoint lists them."""
        return {
            name: [{"SpecifiedImage": server.model["serves"]["Image"], "ResolvedImage": server.resolved_image}]
            for name, server in self.servers.items()
        }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
