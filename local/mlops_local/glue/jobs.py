"""Glue job definitions: created, updated and deleted by templates; run by `runs`."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

from ..awsjson import Request, ServiceError
from .access import Access

Record = dict[str, Any]

_FIELDS = (
    "JobMode",
    "Description",
    "LogUri",
    "Role",
    "ExecutionProperty",
    "Command",
    "DefaultArguments",
    "NonOverridableArguments",
    "Connections",
    "MaxRetries",
    "Timeout",
    "MaxCapacity",
    "SecurityConfiguration",
    "NotificationProperty",
    "GlueVersion",
    "NumberOfWorkers",
    "WorkerType",
    "ExecutionClass",
)


def invalid(message: str) -> ServiceError:
    """The error Glue gives for wrong input."""
    return ServiceError("InvalidInputException", message)


def missing(what: str) -> ServiceError:
    """The error Glue gives for what doesn't exist."""
    return ServiceError("EntityNotFoundException", f"{what} is not found")


def now() -> datetime:
    """The time of the local AWS, with zone."""
    return datetime.now(UTC)


class Jobs:
    """CreateJob and its siblings."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._jobs: dict[str, Record] = {}
        self._lock = threading.Lock()

    def create(self, request: Request) -> Record:
        """CreateJob."""
        parameters = request.parameters
        name = parameters.get("Name")
        if not name:
            raise invalid("Name is required")
        self._access.check(request, f"job/{name}")
        self._access.pass_role(request, parameters["Role"])
        _check(parameters)
        with self._lock:
            if name in self._jobs:
                raise ServiceError("AlreadyExistsException", f"Job {name} already exists")
            defaults: Record = {"ExecutionProperty": {"MaxConcurrentRuns": 1}, "Timeout": 2880, "MaxRetries": 0}
            given = {field: parameters[field] for field in _FIELDS if field in parameters}
            self._jobs[name] = {**defaults, **given, "Name": name, "CreatedOn": now(), "LastModifiedOn": now()}
        return {"Name": name}

    def update(self, request: Request) -> Record:
        """UpdateJob: replaces the definition, as the real service does."""
        name, update = request.parameters["JobName"], request.parameters["JobUpdate"]
        self._access.check(request, f"job/{name}")
        if "Role" in update:
            self._access.pass_role(request, update["Role"])
        _check(update)
        with self._lock:
            job = self.find(name)
            kept = {"Name": name, "CreatedOn": job["CreatedOn"], "LastModifiedOn": now()}
            defaults: Record = {"ExecutionProperty": {"MaxConcurrentRuns": 1}, "Timeout": 2880, "MaxRetries": 0}
            given = {field: update[field] for field in _FIELDS if field in update}
            self._jobs[name] = {**defaults, **given, **kept}
        return {"JobName": name}

    def get(self, request: Request) -> Record:
        """GetJob."""
        name = request.parameters["JobName"]
        self._access.check(request, f"job/{name}")
        return {"Job": self.find(name)}

    def get_all(self, request: Request) -> Record:
        """GetJobs, in one page."""
        self._access.check(request)
        return {"Jobs": list(self._jobs.values())}

    def delete(self, request: Request) -> Record:
        """DeleteJob; deleting what is gone succeeds, as in the real service."""
        name = request.parameters["JobName"]
        self._access.check(request, f"job/{name}")
        with self._lock:
            self._jobs.pop(name, None)
        return {"JobName": name}

    def find(self, name: str) -> Record:
        """A job's definition.

        Raises:
            ServiceError: no such job.
        """
        if name not in self._jobs:
            raise missing(f"Job {name}")
        return self._jobs[name]


def _check(definition: Record) -> None:
    if definition.get("MaxRetries", 0) > 0:
        raise invalid("the local AWS does not retry Glue jobs: set MaxRetries to 0 and retry in the workflow")
