"""Arguments of SageMaker jobs as plain data, secure by construction.

There is no option to run a job outside the VPC, with network access from its container, or with an unencrypted volume
or output: such a job cannot be written with these functions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

from aws_cdk import aws_kms as kms

from mlops_constructs.governance.network import Network
from mlops_constructs.names import job_name
from mlops_constructs.orchestration.states import Json, State

# SageMaker needs minutes to find an instance, load the image and copy the data before the job's own clock starts.
PROVISIONING_SECONDS = 1800
_ENVIRONMENT_VALUE_LIMIT = 256
# Their volumes are NVMe disks that hardware encrypts with a key of its own; SageMaker refuses a job that names another.
HARDWARE_ENCRYPTED = re.compile(r"ml\.([a-z]+\d+[a-z]*d[a-z]*|g5|g6e?|gr6|p5(e|en)?|trn1n?|trn2)\.")

# A failed job's cause is its whole description as JSON; people need the one sentence in it. The backslash is written
# \x5C: JSONata takes one before a bracket as an escape and then finds no end of the expression.
_TEXT = r'\s*:\s*"(([^"\x5C]|\x5C.)*)"'
JOB_FAILURE = (
    "{% ($cause := $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '';"
    f' $reason := $match($cause, /"FailureReason"{_TEXT}/)[0].groups[0];'
    # What the script itself said, when it said something: SageMaker's reason may be no more than an exit code.
    f' $message := $match($cause, /"ExitMessage"{_TEXT}/)[0].groups[0];'
    " {'step': $states.context.State.Name, 'error': $states.errorOutput.Error, 'cause': $substring("
    "$exists($reason) or $exists($message) ? $join([$reason, $message], ' | ') : $cause, 0, 2000)}) %}"
)


@dataclass(frozen=True, kw_only=True)
class JobCompute:
    """What one job runs on.

    Args:
        instance_type: SageMaker instance type, for example `ml.m5.large`. The volume is encrypted with the caller's
            key, or by hardware on types with NVMe disks.
        volume_gb: Size of the encrypted volume, GiB; 30 by default.
        max_runtime_seconds: The job is stopped after this long, at least 60; one hour by default.

    Raises:
        ValueError: A value SageMaker would refuse.
    """

    instance_type: str
    volume_gb: int = 30
    max_runtime_seconds: int = 3600

    def __post_init__(self) -> None:
        check_instance_type(self.instance_type)
        if self.volume_gb < 1:
            raise ValueError(f"volume_gb must be at least 1, got {self.volume_gb}")
        if self.max_runtime_seconds < 60:
            raise ValueError(f"max_runtime_seconds must be at least 60, got {self.max_runtime_seconds}")

    def cluster(self, key_arn: str) -> State:
        """One instance with an encrypted volume, as processing and training jobs take it."""
        key: State = {"VolumeKmsKeyId": key_arn} if takes_volume_key(self.instance_type) else {}
        return {"InstanceCount": 1, "InstanceType": self.instance_type, "VolumeSizeInGB": self.volume_gb, **key}

    @property
    def timeout_seconds(self) -> int:
        """How long a workflow waits for the job, provisioning included."""
        return self.max_runtime_seconds + PROVISIONING_SECONDS


@dataclass(frozen=True, kw_only=True)
class JobBoundary:
    """Where jobs run, what encrypts what they leave, and who pays: shared by all jobs of a workflow."""

    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]
    key_arn: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def in_network(cls, network: Network, key: kms.IKey, tags: Mapping[str, str] | None = None) -> Self:
        """In the private subnets, wearing the jobs' security group, with these tags."""
        group = network.job_security_group.security_group_id
        return cls(
            subnet_ids=network.subnet_ids, security_group_ids=[group], key_arn=key.key_arn, tags=dict(tags or {})
        )

    @property
    def tagging(self) -> State:
        """`Tags` of a job or endpoint, which cost is counted by; nothing when there are none."""
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]} if self.tags else {}

    @property
    def vpc_config(self) -> State:
        """`VpcConfig` of a job or model."""
        return {"SecurityGroupIds": list(self.security_group_ids), "Subnets": list(self.subnet_ids)}


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a processing job runs: image, command, arguments and environment.

    `image_uri` may be a JSONata expression: a champion is judged by the image of its own package.
    """

    image_uri: str
    command: Sequence[str]
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def cost_tags(workload: str, environment_name: str) -> dict[str, str]:
    """Tags by which the cost of what a workflow makes is counted: budgets and anomalies look for them."""
    return {"mlops:environment": environment_name, "mlops:workload": workload}


def check_instance_type(instance_type: str) -> None:
    """Check that it looks like an instance type of SageMaker.

    Raises:
        ValueError: It lacks the prefix `ml.`.
    """
    if not instance_type.startswith("ml."):
        raise ValueError(f"instance_type must be a SageMaker type such as ml.m5.large, got {instance_type!r}")


def takes_volume_key(instance_type: str) -> bool:
    """Whether the volumes of an instance type are encrypted with a key of ours, rather than by hardware."""
    return not HARDWARE_ENCRYPTED.match(instance_type)


def environment_pieces(name: str, value: str) -> dict[str, str]:
    """A long value as `NAME_0`, `NAME_1` ...: SageMaker limits each value of a job's environment to 256 characters."""
    limit = _ENVIRONMENT_VALUE_LIMIT
    pieces = [value[start : start + limit] for start in range(0, len(value), limit)]
    return {f"{name}_{index}": piece for index, piece in enumerate(pieces)}


def job_input(name: str, s3_uri: str, *, data_type: Literal["S3Prefix", "ManifestFile"] = "S3Prefix") -> State:
    """A processing input that lands in `/opt/ml/processing/input/<name>`."""
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": s3_uri,
            "LocalPath": f"/opt/ml/processing/input/{name}",
            "S3DataType": data_type,
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    }


def job_output(name: str, s3_uri: str) -> State:
    """A processing output taken from `/opt/ml/processing/output/<name>` when the job has ended."""
    return {
        "OutputName": name,
        "S3Output": {"S3Uri": s3_uri, "LocalPath": f"/opt/ml/processing/output/{name}", "S3UploadMode": "EndOfJob"},
    }


def processing_job(
    program: Program,
    *,
    name: str,
    role_arn: str,
    inputs: Json,
    outputs: Sequence[State],
    compute: JobCompute,
    boundary: JobBoundary,
    item: str = "",
) -> State:
    """Arguments of `sagemaker:createProcessingJob.sync`; `inputs` is a list, or JSONata that gives one.

    `item` tells the jobs of one Map state apart (see `job_name`).
    """
    application: State = {"ImageUri": program.image_uri, "ContainerEntrypoint": list(program.command)}
    if program.arguments:
        application["ContainerArguments"] = list(program.arguments)
    arguments: State = {
        "ProcessingJobName": job_name(name, item=item),
        "RoleArn": role_arn,
        "AppSpecification": application,
        "ProcessingInputs": inputs,
        "ProcessingOutputConfig": {"Outputs": list(outputs), "KmsKeyId": boundary.key_arn},
        "ProcessingResources": {"ClusterConfig": compute.cluster(boundary.key_arn)},
        "StoppingCondition": {"MaxRuntimeInSeconds": compute.max_runtime_seconds},
        "NetworkConfig": {
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": True,
            "VpcConfig": boundary.vpc_config,
        },
        **boundary.tagging,
    }
    if program.environment:
        arguments["Environment"] = dict(program.environment)
    return arguments


def training_job(
    *,
    name: str,
    role_arn: str,
    image_uri: str,
    channels: Mapping[str, str],
    output_uri: str,
    hyperparameters: Mapping[str, str],
    metrics: Sequence[str],
    compute: JobCompute,
    boundary: JobBoundary,
) -> State:
    """Arguments of `sagemaker:createTrainingJob.sync`.

    Args:
        name: Prefix of the job's name.
        role_arn: Role of the job.
        image_uri: Image that is started with the argument `train`.
        channels: S3 prefix of the rows by channel name (may be JSONata).
        output_uri: S3 prefix under which SageMaker writes `<job>/output/model.tar.gz` (may be JSONata).
        hyperparameters: Passed on as they are; SageMaker knows strings only.
        metrics: Names the script prints as `train:<name>=<number>`.
        compute: Instance, volume and longest runtime.
        boundary: Subnets, security groups and key.
    """
    return {
        "TrainingJobName": job_name(name),
        "RoleArn": role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": image_uri,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": f"train:{m}", "Regex": rf"train:{m}=([0-9.eE+-]+)"} for m in metrics],
        },
        "HyperParameters": dict(hyperparameters),
        "InputDataConfig": [_channel(channel, uri) for channel, uri in channels.items()],
        "OutputDataConfig": {"S3OutputPath": output_uri, "KmsKeyId": boundary.key_arn},
        "ResourceConfig": compute.cluster(boundary.key_arn),
        "StoppingCondition": {"MaxRuntimeInSeconds": compute.max_runtime_seconds},
        "VpcConfig": boundary.vpc_config,
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
        **boundary.tagging,
    }


def _channel(name: str, s3_uri: str) -> State:
    source: State = {"S3DataType": "S3Prefix", "S3Uri": s3_uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}
