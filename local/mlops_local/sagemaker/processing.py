"""SageMaker processing jobs: S3 inputs and outputs around one run of an image."""

from __future__ import annotations

import json
from typing import Any

from ..awsjson import Request
from ..children import write_log
from ..objects import DataError, download_manifest, download_prefix, upload_folder
from .account import Account, Record, invalid, now, refuse_unsupported
from .container import Container
from .jobs import JobKind, Jobs

_ECHOED = (
    "ProcessingJobName",
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
)
_KIND = JobKind(
    prefix="ProcessingJob",
    arn_kind="processing-job",
    missing="Could not find requested job with name: {name}",
    event="SageMaker Processing Job State Change",
    event_fields=(
        *_ECHOED[:9],
        "ProcessingJobArn",
        "ProcessingJobStatus",
        "ExitMessage",
        "FailureReason",
        "CreationTime",
        "ProcessingStartTime",
        "ProcessingEndTime",
        "LastModifiedTime",
    ),
    outlined=(
        "ProcessingJobName",
        "ProcessingJobArn",
        "CreationTime",
        "ProcessingEndTime",
        "LastModifiedTime",
        "ProcessingJobStatus",
        "FailureReason",
        "ExitMessage",
    ),
)
_ROOT = "/opt/ml/processing/"
_DEFAULT_SECONDS = 86400


class ProcessingJobs:
    """CreateProcessingJob and what follows from it."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.jobs = Jobs(account, _KIND, self._work)

    def create(self, request: Request) -> Record:
        """CreateProcessingJob."""
        parameters = request.parameters
        _check(parameters)
        name = parameters["ProcessingJobName"]
        arn = self._account.arn("processing-job", name)
        self._account.authorize_create(request, arn, _condition_keys(parameters))
        session = self._account.role(request, parameters["RoleArn"], arn)
        record = {field: parameters[field] for field in _ECHOED if field in parameters} | {"ProcessingJobArn": arn}
        self._account.add_tags(arn, parameters.get("Tags", []))
        self.jobs.start(record, lambda: Container(self._account.runtime, session, name))
        return {"ProcessingJobArn": arn}

    def _work(self, record: Record, container: Container) -> None:
        session = self._account.session(record["RoleArn"], record["ProcessingJobArn"])
        s3 = self._account.runtime.client("s3", session)
        record["ProcessingStartTime"] = now()
        status, reason = "Completed", ""
        try:
            _lay_out(record, container, s3)
            code, log, timed_out = self._process(record, container)
            stream = f"{record['ProcessingJobName']}/algo-1-{int(record['CreationTime'].timestamp())}"
            write_log(self._account.runtime, session, "/aws/sagemaker/ProcessingJobs", stream, log)
            _read_message(record, container)
            if timed_out or container.stopped:
                status = "Stopped"
            elif code:
                status, reason = "Failed", _reason(container, code)
            else:
                _upload(record, container, s3)
        except DataError as error:
            status, reason = "Failed", f"ClientError: {error}"
        record["ProcessingEndTime"] = now()
        self.jobs.finish(record, status, reason)

    def _process(self, record: Record, container: Container) -> tuple[int, str, bool]:
        application = record["AppSpecification"]
        return container.run(
            application["ImageUri"],
            application.get("ContainerEntrypoint", []),
            application.get("ContainerArguments", []),
            {"PROCESSING_JOB_ARN": record["ProcessingJobArn"], **record.get("Environment", {})},
            record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DEFAULT_SECONDS),
            isolated=record.get("NetworkConfig", {}).get("EnableNetworkIsolation", False),
        )


def _check(parameters: Record) -> None:
    refuse_unsupported(parameters, (*_ECHOED, "Tags"), "CreateProcessingJob")
    if parameters["ProcessingResources"]["ClusterConfig"]["InstanceCount"] != 1:
        raise invalid("the local AWS processes on one instance: set ClusterConfig.InstanceCount to 1")
    for item in parameters.get("ProcessingInputs", []):
        source, name = item.get("S3Input"), item["InputName"]
        if not source or not source.get("LocalPath"):
            raise invalid(f"the local AWS supports S3Input with LocalPath only, not input {name}")
        if source.get("S3InputMode", "File") != "File" or source.get("S3CompressionType", "None") != "None":
            raise invalid(f"input {name}: the local AWS supports S3InputMode File without compression only")
        _check_path(source["LocalPath"], name)
    for item in _outputs(parameters):
        target, name = item.get("S3Output"), item["OutputName"]
        if not target or target.get("S3UploadMode") != "EndOfJob" or not target.get("LocalPath"):
            raise invalid(f"output {name}: the local AWS supports S3Output with LocalPath and EndOfJob only")
        _check_path(target["LocalPath"], name)


def _check_path(local_path: str, name: str) -> None:
    if not local_path.startswith(_ROOT):
        raise invalid(f"LocalPath of {name} must be under {_ROOT}, got {local_path}")


def _outputs(record: Record) -> list[Record]:
    outputs: list[Record] = record.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return outputs


def _condition_keys(parameters: Record) -> dict[str, Any]:
    cluster, network = parameters["ProcessingResources"]["ClusterConfig"], parameters.get("NetworkConfig", {})
    vpc = network.get("VpcConfig", {})
    keys = {
        "sagemaker:InstanceTypes": [cluster["InstanceType"]],
        "sagemaker:NetworkIsolation": str(network.get("EnableNetworkIsolation", False)).lower(),
        "sagemaker:InterContainerTrafficEncryption": str(
            network.get("EnableInterContainerTrafficEncryption", False)
        ).lower(),
        "sagemaker:VolumeKmsKey": cluster.get("VolumeKmsKeyId"),
        "sagemaker:OutputKmsKey": parameters.get("ProcessingOutputConfig", {}).get("KmsKeyId"),
        "sagemaker:VpcSubnets": vpc.get("Subnets"),
        "sagemaker:VpcSecurityGroupIds": vpc.get("SecurityGroupIds"),
    }
    return {key: value for key, value in keys.items() if value}


def _lay_out(record: Record, container: Container, s3: Any) -> None:
    config = container.path("/opt/ml/config")
    config.mkdir(parents=True)
    container.path("/opt/ml/output").mkdir()
    visible = {name: record[name] for name in _ECHOED if name in record} | {
        "ProcessingJobArn": record["ProcessingJobArn"]
    }
    (config / "processingjobconfig.json").write_text(json.dumps(visible), encoding="utf-8")
    hosts = {"current_host": "algo-1", "hosts": ["algo-1"]}
    (config / "resourceconfig.json").write_text(json.dumps(hosts), encoding="utf-8")
    for item in record.get("ProcessingInputs", []):
        source = item["S3Input"]
        fetch = download_manifest if source["S3DataType"] == "ManifestFile" else download_prefix
        fetch(s3, source["S3Uri"], container.path(source["LocalPath"]))
    for item in _outputs(record):
        container.path(item["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)


def _upload(record: Record, container: Container, s3: Any) -> None:
    key = record.get("ProcessingOutputConfig", {}).get("KmsKeyId")
    for item in _outputs(record):
        upload_folder(s3, container.path(item["S3Output"]["LocalPath"]), item["S3Output"]["S3Uri"], key)


def _read_message(record: Record, container: Container) -> None:
    path = container.path("/opt/ml/output/message")
    if path.is_file():
        record["ExitMessage"] = path.read_text(encoding="utf-8", errors="replace")[:1024]


def _reason(container: Container, code: int) -> str:
    path = container.path("/opt/ml/output/failure")
    said = path.read_text(encoding="utf-8", errors="replace").strip()[:900] if path.is_file() else ""
    return f"AlgorithmError: {said or 'See job logs for more information'}, exit code: {code}"
