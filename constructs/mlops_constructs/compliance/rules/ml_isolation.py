"""ML-1, ML-2 and the jobs' share of ENC: isolated containers, inside the VPC, encrypted within and at rest.

One table (`asked.SHAPES`) says where each kind of request keeps the setting; the rules are the same for a resource of
the template, a task of a workflow and a step of a pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlops_constructs.compliance.asked import Asked, asked, given, on, texts
from mlops_constructs.compliance.asl import machines
from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

# Families with instance storage encrypt it in hardware and refuse a key for it:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/InstanceStorage.html
# The constructs, which rules may not import, have the same expression (`training/jobs.py`); a test holds them together.
LOCAL_STORAGE = re.compile(r"ml\.([a-z]+\d+[a-z]*d[a-z]*|g5|g6e?|gr6|p5(e|en)?|trn1n?|trn2)\.")
_VOLUME = re.compile(r"(?:^|\.)(?:VolumeKmsKeyId|KmsKeyId)$")


def _isolated(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate):
        if path := one.shape.isolation:
            ok = on(one.get(path))
            yield _judge(one, ok, f"{one.label} leaves its containers a network: {path} is not true")


def _in_vpc(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate):
        if path := one.shape.vpc:
            missing = [key for key in ("Subnets", "SecurityGroupIds") if not _ids(one.get(f"{path}.{key}"))]
            yield _judge(one, not missing, f"{one.label} runs outside the VPC: no {' and no '.join(missing)} in {path}")


def _traffic(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate):
        if path := one.shape.traffic:
            yield _judge(one, on(one.get(path)), f"traffic between the containers of {one.label} is in clear text")


def _job_keys(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate):
        if not one.where:
            continue  # a declared resource: ENC-1 judges its properties
        for path in one.shape.keys:
            if _needs_no_key(one, path):
                continue
            key = one.get(path)
            ok = given(key) and "alias/aws/" not in str(key)
            message = f"{one.label} has no customer key at {path}"
            yield Judgement(one.resource, ok, detail=f"{one.where}:{path}", message=message)


def _needs_no_key(one: Asked, path: str) -> bool:
    """Instance storage takes no key, and neither does an endpoint without instances."""
    if one.kind == "EndpointConfig":
        variants = [each for each in one.values("ProductionVariants.*") if isinstance(each, Mapping)]
        if variants and all("ServerlessConfig" in each for each in variants):
            return True
    holder = path.rpartition(".")[0]
    types = [one.get(f"{holder}.InstanceType"), *one.values("ProductionVariants.*.InstanceType")]
    named = [str(each) for each in types if each]
    return bool(_VOLUME.search(path) and named and all(LOCAL_STORAGE.match(each) for each in named))


def _glue(estate: Estate) -> Iterator[Judgement]:
    for job in estate.of("AWS::Glue::Job"):
        ok = bool(_ids(job.get("Connections.Connections")))
        yield Judgement(job, ok, message="the job has no Glue connection, so it runs outside the VPC")
    for endpoint in estate.of("AWS::Glue::DevEndpoint"):
        yield Judgement(endpoint, given(endpoint.get("SubnetId")), message="the development endpoint has no subnet")


def _batch(estate: Estate) -> Iterator[Judgement]:
    for environment in estate.of("AWS::Batch::ComputeEnvironment"):
        resources = environment.get("ComputeResources")
        if isinstance(resources, Mapping):
            missing = [key for key in ("Subnets", "SecurityGroupIds") if not _ids(resources.get(key))]
            template = resources.get("LaunchTemplate")
            ok = not missing or (missing == ["SecurityGroupIds"] and bool(template))
            yield Judgement(environment, ok, message=f"compute resources without {' and '.join(missing)}")
    for definition in estate.of("AWS::Batch::JobDefinition"):
        public = definition.get("ContainerProperties.NetworkConfiguration.AssignPublicIp")
        if "FARGATE" in texts(definition.values("PlatformCapabilities.*")) or public is not None:
            ok = str(public).upper() in ("DISABLED", "NONE")
            yield Judgement(definition, ok, message="the container gets a public address")


def _submitted(estate: Estate) -> Iterator[Judgement]:
    """Containers a workflow starts on ECS: a task without a network configuration, or with a public address."""
    for machine in machines(estate):
        for task in machine.tasks():
            if task.integration != ("ecs", "runTask"):
                continue
            network = task.arguments.get("NetworkConfiguration")
            vpc = network.get("AwsvpcConfiguration") if isinstance(network, Mapping) else None
            public = vpc.get("AssignPublicIp") if isinstance(vpc, Mapping) else None
            ok = isinstance(vpc, Mapping) and bool(_ids(vpc.get("Subnets"))) and public in (None, "DISABLED")
            yield Judgement(machine.resource, ok, detail=task.name, message=f"{task.name} is not in private subnets")


def _ids(value: Any) -> list[Any]:
    """The ids in a list; a parameter that will hold a list counts as one."""
    return [each for each in value if given(each)] if isinstance(value, list) else [value] if given(value) else []


def _judge(one: Asked, ok: bool, message: str) -> Judgement:
    return Judgement(one.resource, ok, detail=one.where, message=message)


RULES: tuple[Rule, ...] = (
    Rule(
        id="ML-1.network-isolation",
        title="Containers of jobs, models and monitors have no network",
        rationale="A poisoned package or model in a container with a network can send the training data anywhere.",
        remedy="Set EnableNetworkIsolation to true; SageMaker itself moves inputs and outputs.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_isolated,
    ),
    Rule(
        id="ML-2.job-in-vpc",
        title="Jobs, models and monitors run in the VPC",
        rationale="Outside a VPC neither endpoint policies nor flow logs see what a job reads and writes.",
        remedy="Give VpcConfig private subnets and a security group of the platform.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_in_vpc,
        also=("NET-1",),
    ),
    Rule(
        id="ML-2.glue-in-vpc",
        title="Glue jobs run in the VPC",
        rationale="A Glue job without a connection reaches the data over addresses that no endpoint policy guards.",
        remedy="Name a NETWORK connection in Connections.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_glue,
        also=("NET-1",),
    ),
    Rule(
        id="ML-2.batch-in-vpc",
        title="Batch jobs run in private subnets",
        rationale="A public address makes a training container a machine on the internet.",
        remedy="Name private subnets and security groups; set AssignPublicIp to DISABLED.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_batch,
        also=("NET-1", "PUB-3"),
    ),
    Rule(
        id="ML-2.task-in-vpc",
        title="Containers a workflow starts run in private subnets",
        rationale="A public address makes a processing container a machine on the internet.",
        remedy="Give the task an AwsvpcConfiguration of private subnets without a public address.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_submitted,
        also=("NET-1", "PUB-3"),
    ),
    Rule(
        id="ENC-3.inter-container-traffic",
        title="Traffic between the containers of a job is encrypted",
        rationale="Distributed jobs exchange data and weights over a network they share with others.",
        remedy="Set EnableInterContainerTrafficEncryption to true; on one instance it costs nothing.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_traffic,
        also=("ML-4",),
    ),
    Rule(
        id="ENC-1.workflow-job-key",
        title="Jobs that workflows start write with a customer key",
        rationale="Without a key of its own a job's disk and results are readable to whoever may read the bucket.",
        remedy="Name the workload's key for outputs and volumes in the task's arguments.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_job_keys,
    ),
)
