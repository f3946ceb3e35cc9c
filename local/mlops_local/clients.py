"""boto3 sessions against the local AWS; they share one loader, so a client costs milliseconds, not a second."""

from __future__ import annotations

import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader, create_loader

_CONFIG = Config(
    s3={"addressing_style": "path"},
    retries={"max_attempts": 1, "mode": "standard"},
    connect_timeout=5,
    read_timeout=900,
    max_pool_connections=50,
    proxies={},  # the loopback is never behind the proxy that the environment may name
)
# The caller's profile is not looked for: the credentials are given, and one that is missing would be an error.
_NO_PROFILE = {"profile": (None, None, None, None)}


class LocalSession(boto3.Session):
    """A session whose clients talk to the local AWS unless told otherwise."""

    endpoint_url = ""
    _making = threading.Lock()  # making clients is not thread-safe in boto3, using them is

    def client(self, *names: Any, **options: Any) -> Any:
        """A client, as `boto3.Session.client` makes it."""
        options.setdefault("endpoint_url", self.endpoint_url)
        options.setdefault("config", _CONFIG)
        with self._making:
            return super().client(*names, **options)


class Clients:
    """Makes sessions for given credentials and caches one client per session and service."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        self._endpoint_url, self._region = endpoint_url, region
        self._loader: Loader = create_loader()
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._sessions: dict[str, LocalSession] = {}

    def session(self, credentials: dict[str, str]) -> boto3.Session:
        """A session with these credentials whose clients talk to the local AWS."""
        with self._lock:
            key = credentials["aws_access_key_id"]
            if key not in self._sessions:
                core = botocore.session.Session(session_vars=_NO_PROFILE)
                core.register_component("data_loader", self._loader)
                core.set_config_variable("region", self._region)
                session = LocalSession(botocore_session=core, region_name=self._region, **credentials)
                session.endpoint_url = self._endpoint_url
                self._sessions[key] = session
            return self._sessions[key]

    def client(self, session: boto3.Session, service: str) -> Any:
        """The one client of a session for a service; boto3 clients are thread-safe, their making isn't."""
        credentials = session.get_credentials()
        key = (credentials.access_key if credentials else "", service)
        with self._lock:
            if key not in self._clients:
                make: Any = session.client
                self._clients[key] = make(service)
            return self._clients[key]
