"""What training and processing jobs have in common: their records, threads, stops and listing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ..awsjson import Request, ServiceError
from .account import Account, Record, invalid, now, page
from .container import Container

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobKind:
    """Words of one kind of job.

    Args:
        prefix: Of field names, `TrainingJob` or `ProcessingJob`.
        arn_kind: Resource type in ARNs.
        missing: Message for a job that doesn't exist; `{name}` is its name.
        event: Detail type of its state changes.
        event_fields: Fields of the record that the event carries.
        outlined: Fields of a list's summaries.
    """

    prefix: str
    arn_kind: str
    missing: str
    event: str
    event_fields: tuple[str, ...]
    outlined: tuple[str, ...]


class Jobs:
    """All jobs of one kind. The worker function does the job's work and sets its final fields."""

    def __init__(self, account: Account, kind: JobKind, worker: Callable[[Record, Container], None]) -> None:
        self.account, self.kind, self._worker = account, kind, worker
        self._records: dict[str, Record] = {}
        self._containers: dict[str, Container] = {}
        self._lock = threading.Lock()
        self.name_field, self.arn_field = f"{kind.prefix}Name", f"{kind.prefix}Arn"
        self.status_field = f"{kind.prefix}Status"

    def start(self, record: Record, container_of: Callable[[], Container]) -> None:
        """Takes a new job's record and starts its thread.

        Raises:
            ServiceError: a job of that name exists.
        """
        name = record[self.name_field]
        with self._lock:
            if name in self._records:
                taken = self._records[name][self.arn_field]
                raise ServiceError(
                    "ResourceInUse",
                    f"Job name must be unique within an AWS account and region, "
                    f"and a job with this name already exists ({taken})",
                )
            container = self._containers[name] = container_of()
            record.update(CreationTime=now(), LastModifiedTime=now())
            record[self.status_field] = "InProgress"
            self._records[name] = record
        threading.Thread(target=self._run, args=(record, container), daemon=True).start()

    def _run(self, record: Record, container: Container) -> None:
        self.emit(record)
        try:
            self._worker(record, container)
        except Exception as error:  # a job must end in a state, whatever happened
            logger.exception("%s %s", self.kind.prefix, record[self.name_field])
            self.finish(record, "Failed", f"InternalServerError: the local AWS failed: {error!r}")
        finally:
            container.remove()

    def finish(self, record: Record, status: str, reason: str = "") -> None:
        """Sets a job's final state and tells the bus. The status is set last: who sees it sees all the rest."""
        if reason:
            record["FailureReason"] = reason[:1024]
        record["LastModifiedTime"] = now()
        with self._lock:  # a stop that comes at the same time must not write over the final state
            record[self.status_field] = status
        self.emit(record)

    def emit(self, record: Record) -> None:
        """Puts the job's state on the bus."""
        self.account.event(self.kind.event, record[self.arn_field], record, self.kind.event_fields)

    def describe(self, request: Request) -> Record:
        """Describe<Kind>."""
        name = request.parameters[self.name_field]
        self.account.authorize(request, self.account.arn(self.kind.arn_kind, name))
        return self._find(name)

    def stop(self, request: Request) -> Record:
        """Stop<Kind>: SIGTERM, grace, SIGKILL; the job's own thread notes the end."""
        name = request.parameters[self.name_field]
        self.account.authorize(request, self.account.arn(self.kind.arn_kind, name))
        record = self._find(name)
        with self._lock:
            if record[self.status_field] not in ("InProgress", "Stopping"):
                raise invalid(f"The request was rejected because the job is in status {record[self.status_field]}.")
            record[self.status_field] = "Stopping"
        threading.Thread(target=self._containers[name].stop, daemon=True).start()
        return {}

    def list_all(self, request: Request) -> Record:
        """List<Kind>s."""
        parameters = request.parameters
        self.account.authorize(request, "*")
        status = parameters.get("StatusEquals")
        found = [r for r in list(self._records.values()) if not status or r[self.status_field] == status]
        keys = {"Name": self.name_field, "CreationTime": "CreationTime", "Status": self.status_field}
        chosen, token = page(found, parameters, sort_keys=keys, default_sort="CreationTime", name_field=self.name_field)
        summaries = [{field: record.get(field) for field in self.kind.outlined} for record in chosen]
        return {f"{self.kind.prefix}Summaries": summaries, "NextToken": token}

    def _find(self, name: str) -> Record:
        record = self._records.get(name)
        if record is None:
            raise invalid(self.kind.missing.format(name=name))
        return record
