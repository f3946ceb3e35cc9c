"""SageMaker training jobs: File mode, one instance, the image run as a child process."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path
from typing import Any

from ..awsjson import Request
from ..children import write_log
from ..objects import DataError, download_manifest, download_prefix, join_uri, upload_file
from .account import Account, Record, invalid, now, refuse_unsupported
from .container import Container
from .jobs import JobKind, Jobs

_ECHOED = (
    "TrainingJobName",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "Environment",
    "RetryStrategy",
    "ExperimentConfig",
)
_IGNORED_SAFELY = ("Tags", "EnableManagedSpotTraining", "ProfilerConfig")
_KIND = JobKind(
    prefix="TrainingJob",
    arn_kind="training-job",
    missing="Requested resource not found.",
    event="SageMaker Training Job State Change",
    event_fields=(
        *_ECHOED[:7],
        "StoppingCondition",
        "TrainingJobArn",
        "TrainingJobStatus",
        "SecondaryStatus",
        "FailureReason",
        "ModelArtifacts",
        "CreationTime",
        "TrainingStartTime",
        "TrainingEndTime",
        "LastModifiedTime",
        "SecondaryStatusTransitions",
        "FinalMetricDataList",
    ),
    outlined=(
        "TrainingJobName",
        "TrainingJobArn",
        "CreationTime",
        "TrainingEndTime",
        "LastModifiedTime",
        "TrainingJobStatus",
        "SecondaryStatus",
    ),
)
_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


class TrainingJobs:
    """CreateTrainingJob and what follows from it."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.jobs = Jobs(account, _KIND, self._work)

    def create(self, request: Request) -> Record:
        """CreateTrainingJob."""
        parameters = request.parameters
        _check(parameters)
        arn = self._account.arn("training-job", parameters["TrainingJobName"])
        self._account.authorize_create(request, arn, _condition_keys(parameters))
        session = self._account.role(request, parameters["RoleArn"], arn)
        record = {name: parameters[name] for name in _ECHOED if name in parameters}
        record |= {"TrainingJobArn": arn, "SecondaryStatus": "Starting", "SecondaryStatusTransitions": []}
        record.setdefault("EnableNetworkIsolation", False)
        output = parameters["OutputDataConfig"]["S3OutputPath"]
        model = join_uri(output, parameters["TrainingJobName"], "output", "model.tar.gz")
        record["ModelArtifacts"] = {"S3ModelArtifacts": model}
        self._account.add_tags(arn, parameters.get("Tags", []))
        _enter(record, "Starting")
        self.jobs.start(record, lambda: Container(self._account.runtime, session, parameters["TrainingJobName"]))
        return {"TrainingJobArn": arn}

    def _work(self, record: Record, container: Container) -> None:
        session = self._account.session(record["RoleArn"], record["TrainingJobArn"])
        s3 = self._account.runtime.client("s3", session)
        try:
            _enter(record, "Downloading")
            record["TrainingStartTime"] = now()
            _lay_out(record, container, s3)
            _enter(record, "Training")
            code, log, timed_out = self._train(record, container)
            stream = f"{record['TrainingJobName']}/algo-1-{int(record['CreationTime'].timestamp())}"
            write_log(self._account.runtime, session, "/aws/sagemaker/TrainingJobs", stream, log)
            record["FinalMetricDataList"] = _metrics(record, log)
            if code and not (timed_out or container.stopped):
                self._end(record, "Failed", "Failed", f"AlgorithmError: {_failure(container, log)}, exit code: {code}")
                return
            _enter(record, "Uploading")
            _upload(record, container, s3)
        except DataError as error:
            self._end(record, "Failed", "Failed", f"ClientError: {error}")
            return
        if timed_out:
            self._end(record, "Stopped", "MaxRuntimeExceeded")
        elif container.stopped:
            self._end(record, "Stopped", "Stopped")
        else:
            self._end(record, "Completed", "Completed")

    def _train(self, record: Record, container: Container) -> tuple[int, str, bool]:
        algorithm = record["AlgorithmSpecification"]
        return container.run(
            algorithm["TrainingImage"],
            algorithm.get("ContainerEntrypoint", []),
            algorithm.get("ContainerArguments", [] if algorithm.get("ContainerEntrypoint") else ["train"]),
            {
                "TRAINING_JOB_NAME": record["TrainingJobName"],
                "TRAINING_JOB_ARN": record["TrainingJobArn"],
                **record.get("Environment", {}),
            },
            record["StoppingCondition"].get("MaxRuntimeInSeconds", 86400),
            isolated=record["EnableNetworkIsolation"],
        )

    def _end(self, record: Record, status: str, secondary: str, reason: str = "") -> None:
        record["TrainingEndTime"] = now()
        seconds = (record["TrainingEndTime"] - record["TrainingStartTime"]).total_seconds()
        record["TrainingTimeInSeconds"] = record["BillableTimeInSeconds"] = max(1, round(seconds))
        if status == "Failed":
            record.pop("ModelArtifacts", None)
        _enter(record, secondary, reason)
        record["SecondaryStatusTransitions"][-1]["EndTime"] = now()
        self.jobs.finish(record, status, reason)


def _check(parameters: Record) -> None:
    refuse_unsupported(parameters, (*_ECHOED, *_IGNORED_SAFELY), "CreateTrainingJob")
    if "AlgorithmSpecification" not in parameters or "TrainingImage" not in parameters["AlgorithmSpecification"]:
        raise invalid("the local AWS trains images only: give AlgorithmSpecification.TrainingImage")
    if parameters["AlgorithmSpecification"]["TrainingInputMode"] != "File":
        raise invalid("the local AWS supports TrainingInputMode File only")
    for name in ("OutputDataConfig", "ResourceConfig", "StoppingCondition"):
        if name not in parameters:
            raise invalid(f"1 validation error detected: Value null at '{name}' failed to satisfy constraint")
    if parameters["ResourceConfig"].get("InstanceCount", 1) != 1:
        raise invalid("the local AWS trains on one instance: set ResourceConfig.InstanceCount to 1")
    for channel in parameters.get("InputDataConfig", []):
        source = channel["DataSource"].get("S3DataSource")
        if not source or source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
            raise invalid(f"the local AWS reads S3Prefix and ManifestFile channels only, not {channel['ChannelName']}")
        if channel.get("InputMode", "File") != "File" or channel.get("CompressionType", "None") != "None":
            raise invalid(
                f"channel {channel['ChannelName']}: the local AWS supports File mode without compression only"
            )


def _condition_keys(parameters: Record) -> dict[str, Any]:
    resources, output, vpc = (
        parameters["ResourceConfig"],
        parameters["OutputDataConfig"],
        parameters.get("VpcConfig", {}),
    )
    keys = {
        "sagemaker:InstanceTypes": [resources["InstanceType"]] if "InstanceType" in resources else [],
        "sagemaker:NetworkIsolation": str(parameters.get("EnableNetworkIsolation", False)).lower(),
        "sagemaker:InterContainerTrafficEncryption": str(
            parameters.get("EnableInterContainerTrafficEncryption", False)
        ).lower(),
        "sagemaker:VolumeKmsKey": resources.get("VolumeKmsKeyId"),
        "sagemaker:OutputKmsKey": output.get("KmsKeyId"),
        "sagemaker:VpcSubnets": vpc.get("Subnets"),
        "sagemaker:VpcSecurityGroupIds": vpc.get("SecurityGroupIds"),
    }
    return {key: value for key, value in keys.items() if value}


def _enter(record: Record, secondary: str, message: str = "") -> None:
    transitions, moment = record["SecondaryStatusTransitions"], now()
    if transitions:
        transitions[-1]["EndTime"] = moment
    transitions.append({"Status": secondary, "StartTime": moment, "StatusMessage": message or _MESSAGES[secondary]})
    record.update(SecondaryStatus=secondary, LastModifiedTime=moment)


def _lay_out(record: Record, container: Container, s3: Any) -> None:
    config = container.path("/opt/ml/input/config")
    for folder in (config, container.path("/opt/ml/model"), container.path("/opt/ml/output/data")):
        folder.mkdir(parents=True)
    channels = record.get("InputDataConfig", [])
    described = {
        channel["ChannelName"]: {
            "TrainingInputMode": "File",
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": "None",
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
        for channel in channels
    }
    hosts = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"}
    for name, content in (
        ("hyperparameters.json", record.get("HyperParameters", {})),
        ("inputdataconfig.json", described),
        ("resourceconfig.json", hosts),
    ):
        (config / name).write_text(json.dumps(content), encoding="utf-8")
    for channel in channels:
        source, folder = channel["DataSource"]["S3DataSource"], container.path("/opt/ml/input/data")
        fetch = download_manifest if source["S3DataType"] == "ManifestFile" else download_prefix
        fetch(s3, source["S3Uri"], folder / channel["ChannelName"])


def _upload(record: Record, container: Container, s3: Any) -> None:
    output = record["OutputDataConfig"]
    archive = container.folder / "model.tar.gz"
    _pack(container.path("/opt/ml/model"), archive)
    upload_file(s3, archive, record["ModelArtifacts"]["S3ModelArtifacts"], output.get("KmsKeyId"))
    extra = container.path("/opt/ml/output/data")
    if any(extra.iterdir()):
        archive = container.folder / "output.tar.gz"
        _pack(extra, archive)
        uri = join_uri(output["S3OutputPath"], record["TrainingJobName"], "output", "output.tar.gz")
        upload_file(s3, archive, uri, output.get("KmsKeyId"))


def _pack(folder: Path, archive: Path) -> None:
    with tarfile.open(archive, "w:gz", compresslevel=3) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)


def _metrics(record: Record, log: str) -> list[Record]:
    found = []
    for definition in record["AlgorithmSpecification"].get("MetricDefinitions", []):
        values = [match.group(1) for match in re.finditer(definition["Regex"], log) if match.groups()]
        if values:
            try:
                found.append({"MetricName": definition["Name"], "Value": float(values[-1]), "Timestamp": now()})
            except ValueError:
                continue  # the regex caught no number: the real service records no metric either
    return found


def _failure(container: Container, log: str) -> str:
    path = container.path("/opt/ml/output/failure")
    if path.is_file():
        return path.read_text(encoding="utf-8", errors="replace").strip()[:900]
    lines = [line for line in log.splitlines() if line.strip()]
    return "\n".join(lines[-8:])[-900:]
