"""Runs of Glue python shell jobs as child processes, with their arguments as the real service passes them."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import re
import secrets
import shutil
import sys
import tempfile
import threading
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from ..awsjson import Request, ServiceError
from ..children import Child, child_environment, write_log
from ..errors import AssumeRoleDenied, LocalAwsError
from ..objects import DataError, split_uri
from ..runtime import Runtime
from .access import PRINCIPAL, Access
from .jobs import Jobs, Record, invalid, missing, now

logger = logging.getLogger(__name__)

_ACTIVE = ("STARTING", "RUNNING", "STOPPING")
_GRACE_SECONDS = 5.0
_LIBRARY = Path(__file__).parent / "library"
_LOG_GROUP = "/aws-glue/python-jobs"


class Runs:
    """StartJobRun and its siblings."""

    def __init__(self, runtime: Runtime, access: Access, jobs: Jobs) -> None:
        self._runtime, self._access, self._jobs = runtime, access, jobs
        self._runs: dict[str, list[Record]] = {}
        self._children: dict[str, Child] = {}
        self._lock = threading.Lock()

    # -- operations ---------------------------------------------------------------------------------------------

    def start(self, request: Request) -> Record:
        """StartJobRun."""
        parameters = request.parameters
        name = parameters["JobName"]
        self._access.check(request, f"job/{name}")
        job = self._jobs.find(name)
        if job["Command"].get("Name") != "pythonshell":
            raise LocalAwsError(
                f"the local AWS runs Glue jobs of type pythonshell only, and {name} is "
                f"{job['Command'].get('Name')!r}: it has no Spark"
            )
        arguments = _arguments(job, parameters.get("Arguments", {}))
        session = self._session(job, name)
        with self._lock:
            runs = self._runs.setdefault(name, [])
            limit = job["ExecutionProperty"].get("MaxConcurrentRuns", 1)
            if sum(run["JobRunState"] in _ACTIVE for run in runs) >= limit:
                raise ServiceError("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}")
            run = {
                "Id": f"jr_{secrets.token_hex(32)}",
                "Attempt": 0,
                "JobName": name,
                "StartedOn": now(),
                "LastModifiedOn": now(),
                "JobRunState": "RUNNING",
                "Arguments": parameters.get("Arguments", {}),
                "PredecessorRuns": [],
                "ExecutionTime": 0,
                "Timeout": parameters.get("Timeout", job["Timeout"]),
                "MaxCapacity": job.get("MaxCapacity", 0.0625),
                "LogGroupName": _LOG_GROUP,
                "SecurityConfiguration": job.get("SecurityConfiguration"),
                "GlueVersion": job.get("GlueVersion"),
            }
            runs.append(run)
            child = self._children[run["Id"]] = Child(self._runtime, _GRACE_SECONDS)
        threading.Thread(target=self._run, args=(job, run, arguments, session, child), daemon=True).start()
        return {"JobRunId": run["Id"]}

    def get(self, request: Request) -> Record:
        """GetJobRun."""
        name = request.parameters["JobName"]
        self._access.check(request, f"job/{name}")
        return {"JobRun": self._find(name, request.parameters["RunId"])}

    def get_all(self, request: Request) -> Record:
        """GetJobRuns, newest first."""
        name = request.parameters["JobName"]
        self._access.check(request, f"job/{name}")
        self._jobs.find(name)
        start, size = int(request.parameters.get("NextToken") or 0), request.parameters.get("MaxResults", 200)
        runs = self._runs.get(name, [])[::-1]
        token = str(start + size) if start + size < len(runs) else None
        return {"JobRuns": runs[start : start + size], "NextToken": token}

    def stop(self, request: Request) -> Record:
        """BatchStopJobRun."""
        name = request.parameters["JobName"]
        self._access.check(request, f"job/{name}")
        stopped, errors = [], []
        for run_id in request.parameters["JobRunIds"]:
            names = {"JobName": name, "JobRunId": run_id}
            try:
                self._mark_stopping(self._find(name, run_id))
            except ServiceError as error:
                detail = {"ErrorCode": error.code, "ErrorMessage": error.message}
                errors.append({**names, "ErrorDetail": detail})
                continue
            threading.Thread(target=self._children[run_id].stop, daemon=True).start()
            stopped.append(names)
        return {"SuccessfulSubmissions": stopped, "Errors": errors}

    def _mark_stopping(self, run: Record) -> None:
        with self._lock:  # the run's own thread sets its final state under it
            if run["JobRunState"] not in _ACTIVE:
                raise ServiceError("InvalidInputException", f"Job run {run['Id']} is in state {run['JobRunState']}")
            run["JobRunState"] = "STOPPING"

    # -- a run --------------------------------------------------------------------------------------------------

    def _run(self, job: Record, run: Record, arguments: Record, session: boto3.Session, child: Child) -> None:
        folder = Path(tempfile.mkdtemp(prefix="glue-", dir=_made(self._runtime.home / "jobs")))
        try:
            state, message = self._execute(job, run, arguments, session, child, folder)
        except (DataError, ClientError) as error:
            state, message = "FAILED", f"LAUNCH ERROR | {error}"
        except Exception as error:  # a run must end in a state, whatever happened
            logger.exception("Glue run %s", run["Id"])
            state, message = "ERROR", f"the local AWS failed: {error!r}"
        shutil.rmtree(folder, ignore_errors=True)
        run["CompletedOn"] = run["LastModifiedOn"] = now()
        run["ExecutionTime"] = round((run["CompletedOn"] - run["StartedOn"]).total_seconds())
        if message:
            run["ErrorMessage"] = message[:4000]
        with self._lock:
            run["JobRunState"] = state
        detail = {
            "jobName": run["JobName"],
            "jobRunId": run["Id"],
            "state": state,
            "message": message or "Job run succeeded",
        }
        severity = "INFO" if state == "SUCCEEDED" else "ERROR"
        self._runtime.put_event("aws.glue", "Glue Job State Change", {**detail, "severity": severity}, [])

    def _execute(
        self, job: Record, run: Record, arguments: Record, session: boto3.Session, child: Child, folder: Path
    ) -> tuple[str, str]:
        self._check_network(job, session)
        script = folder / Path(job["Command"]["ScriptLocation"]).name
        self._fetch(session, job["Command"]["ScriptLocation"], script)
        paths = [str(_LIBRARY)]
        for uri in filter(None, arguments.get("--extra-py-files", "").split(",")):
            extra = folder / Path(uri.strip()).name
            self._fetch(session, uri.strip(), extra)
            paths.append(str(extra if extra.suffix in (".whl", ".egg", ".zip") else folder))
        _check_modules(arguments.get("--additional-python-modules", ""))
        argv = [sys.executable, str(script), "--JOB_NAME", run["JobName"], "--JOB_RUN_ID", run["Id"]]
        argv += [part for key, value in arguments.items() if key.startswith("--") for part in (key, value)]
        environment = {**child_environment(self._runtime, session), "PYTHONPATH": os.pathsep.join(paths)}
        code, log, timed_out = child.run(argv, environment, folder, folder / ".log", run["Timeout"] * 60)
        write_log(self._runtime, session, f"{_LOG_GROUP}/output", run["Id"], log)
        if child.stopped:
            return "STOPPED", "Job run stopped"
        if timed_out:
            return "TIMEOUT", f"Job run exceeded its timeout of {run['Timeout']} minutes"
        if code:
            write_log(self._runtime, session, f"{_LOG_GROUP}/error", run["Id"], log)
            return "FAILED", _reason(log, code)
        return "SUCCEEDED", ""

    def _check_network(self, job: Record, session: boto3.Session) -> None:
        """Reads the job's connections as its role, as Glue does before it starts a job in a network."""
        for name in job.get("Connections", {}).get("Connections", []):
            self._runtime.client("glue", session).get_connection(Name=name)

    def _fetch(self, session: boto3.Session, uri: str, target: Path) -> None:
        bucket, key = split_uri(uri)
        try:
            body = self._runtime.client("s3", session).get_object(Bucket=bucket, Key=key)["Body"]
        except ClientError as error:
            raise DataError(f"{uri} can't be read: {error}") from error
        with target.open("wb") as file:
            shutil.copyfileobj(body, file, 1 << 20)

    # -- inside -------------------------------------------------------------------------------------------------

    def _session(self, job: Record, name: str) -> boto3.Session:
        role = self._access.role_arn(job["Role"])
        try:
            return self._runtime.session_for_role(
                role, PRINCIPAL, "GlueJobRunnerSession", self._access.arn(f"job/{name}")
            )
        except AssumeRoleDenied as denied:
            raise invalid(
                f"Role {role} should be given assume role permissions for Glue Service. {denied.message}"
            ) from denied

    def _find(self, name: str, run_id: str) -> Record:
        self._jobs.find(name)
        for run in self._runs.get(name, []):
            if run["Id"] == run_id:
                return run
        raise missing(f"Job Run {run_id}")


def _arguments(job: Record, given: dict[str, str]) -> dict[str, str]:
    fixed = job.get("NonOverridableArguments", {})
    if taken := sorted(set(fixed) & set(given)):
        raise invalid(f"the arguments {', '.join(taken)} of job {job['Name']} can't be overridden")
    merged: dict[str, str] = {**job.get("DefaultArguments", {}), **given, **fixed}
    return merged


def _check_modules(wanted: str) -> None:
    for module in filter(None, (part.strip() for part in wanted.split(","))):
        match = re.fullmatch(r"([\w.-]+)==([\w.]+)", module)
        if match is None:
            raise DataError(f"--additional-python-modules: pin {module} as name==version")
        try:
            installed = importlib.metadata.version(match[1])
        except importlib.metadata.PackageNotFoundError:
            installed = "not installed"
        if installed != match[2]:
            raise DataError(f"--additional-python-modules wants {module}, here it is {installed}")


def _reason(log: str, code: int) -> str:
    """The last line of a traceback, as Glue reports it; else the exit code."""
    lines = [line for line in log.splitlines() if line.strip()]
    if any(line.startswith("Traceback (most recent call last):") for line in lines):
        return lines[-1]
    return f"Command failed with exit code {code}" + (f": {lines[-1]}" if lines else "")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
