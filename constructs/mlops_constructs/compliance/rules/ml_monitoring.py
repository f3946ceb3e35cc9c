"""ML-3 and ML-4: what a model was asked and answered is kept, and compared with its baseline on a schedule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlops_constructs.compliance.asked import Asked, asked, given, objects, on, texts
from mlops_constructs.compliance.asl import Machine, machines
from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

_BASELINE = re.compile(r"baseline|constraint|statistic", re.IGNORECASE)
_CAPTURE = re.compile(r"capture", re.IGNORECASE)
_DEFINITIONS = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
_WORKLOAD = "mlops:workload"


def _capture(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "EndpointConfig"):
        if not _can_capture(one):
            continue
        config = one.get("DataCaptureConfig")
        for aspect, wrong in _capture_flaws(config if isinstance(config, Mapping) else {}):
            detail = f"{one.where}:{aspect}" if one.where else aspect
            yield Judgement(one.resource, not wrong, detail=detail, message=f"{one.label}: {wrong}")


def _can_capture(one: Asked) -> bool:
    """Serverless and asynchronous endpoints have no data capture."""
    variants = [each for each in one.values("ProductionVariants.*") if isinstance(each, Mapping)]
    return not one.get("AsyncInferenceConfig") and not any("ServerlessConfig" in each for each in variants)


def _capture_flaws(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each aspect of a capture, and what is wrong with it; empty when nothing is."""
    yield "on", "" if on(config.get("EnableCapture")) else "data capture is off"
    share = str(config.get("InitialSamplingPercentage"))
    yield "sampling", "" if share == "100" else f"only {share} per cent of the requests are captured"
    modes = {str(each.get("CaptureMode")) for each in objects(config.get("CaptureOptions"))}
    both = "InputAndOutput" in modes or {"Input", "Output"} <= modes
    yield "both-sides", "" if both else f"captured is {' and '.join(sorted(modes)) or 'nothing'}, not input and output"
    key = config.get("KmsKeyId")
    yield "key", "" if given(key) and "alias/aws/" not in str(key) else "captured data have no customer key"
    yield "destination", "" if given(config.get("DestinationS3Uri")) else "captured data have no destination"


def _transform_capture(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "TransformJob"):
        config = one.get("DataCaptureConfig")
        if isinstance(config, Mapping):
            yield Judgement(one.resource, given(config.get("KmsKeyId")), one.where, f"{one.label}: capture has no key")


def _present(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "Endpoint"):
        ok = any(_same_workload(one.resource, each) for each in _monitors(estate))
        yield Judgement(one.resource, ok, detail=one.where, message=f"no monitor watches the {one.label}")


def _monitors(estate: Estate) -> Iterator[Resource]:
    yield from (machine.resource for machine in _workflows(estate))
    yield from estate.of("AWS::SageMaker::MonitoringSchedule")


def _workflows(estate: Estate) -> Iterator[Machine]:
    """Workflows that monitor: they read captured data, or say so in their comment, and train and serve nothing."""
    for machine in machines(estate):
        made = [one for one in asked(estate) if one.resource is machine.resource and one.where]
        kinds = {one.kind for one in made}
        if kinds & {"TrainingJob", "HyperParameterTuningJob", "Endpoint", "EndpointConfig"} or not kinds:
            continue
        says = str((machine.definition or {}).get("Comment"))
        if re.search("monitor", f"{says} {machine.resource.logical_id}", re.IGNORECASE) or _inputs(made, _CAPTURE):
            yield machine


def _inputs(made: list[Asked], pattern: re.Pattern[str]) -> bool:
    """Whether a processing job has an input of that name or place."""
    return any(
        given(item.get("S3Input")) and pattern.search(f"{item.get('InputName')} {item['S3Input'].get('LocalPath')}")
        for one in made
        for item in one.values("ProcessingInputs.*")
        if isinstance(item, Mapping) and isinstance(item.get("S3Input"), Mapping)
    )


def _workflow_inputs(estate: Estate) -> Iterator[Judgement]:
    for machine in _workflows(estate):
        made = [one for one in asked(estate, "ProcessingJob") if one.resource is machine.resource]
        for detail, pattern in (("baseline", _BASELINE), ("capture", _CAPTURE)):
            message = f"the monitoring workflow has no job with a {detail} among its inputs"
            yield Judgement(machine.resource, _inputs(made, pattern), detail=detail, message=message)


def _baseline(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "MonitoringJob", *(f"{kind}JobDefinition" for kind in _DEFINITIONS)):
        config = one.get(one.shape.baseline)
        ok = isinstance(config, Mapping) and any(given(value) for value in config.values())
        yield Judgement(one.resource, ok, detail=one.where, message=f"{one.label} has no baseline to compare with")


def _scheduled(estate: Estate) -> Iterator[Judgement]:
    for machine in _workflows(estate):
        ok = any(_starts(each, machine.resource) for each in estate.of("AWS::Scheduler::Schedule", "AWS::Events::Rule"))
        yield Judgement(machine.resource, ok, message="no enabled schedule starts the monitoring workflow")
    for schedule in estate.of("AWS::SageMaker::MonitoringSchedule"):
        ok = given(schedule.get("MonitoringScheduleConfig.ScheduleConfig.ScheduleExpression"))
        stopped = schedule.get("MonitoringScheduleStatus") == "Stopped"
        yield Judgement(schedule, ok and not stopped, message="the monitoring schedule has no expression or is stopped")
    scheduled = {str(r.get("MonitoringScheduleConfig.MonitoringJobDefinitionName")) for r in _schedules(estate)}
    for kind in _DEFINITIONS:
        for definition in estate.of(f"AWS::SageMaker::{kind}JobDefinition"):
            names = {definition.physical_id, definition.arn, str(definition.get("JobDefinitionName"))}
            yield Judgement(definition, bool(names & scheduled), message="no monitoring schedule runs this definition")


def _schedules(estate: Estate) -> Iterator[Resource]:
    return estate.of("AWS::SageMaker::MonitoringSchedule")


def _starts(trigger: Resource, machine: Resource) -> bool:
    if trigger.properties.get("State", "ENABLED") != "ENABLED" or not given(trigger.get("ScheduleExpression")):
        return False
    return machine.arn in texts([*trigger.values("Target.Arn"), *trigger.values("Targets.*.Arn")])


def _same_workload(one: Resource, other: Resource) -> bool:
    mine, theirs = (_tag(each, _WORKLOAD) for each in (one, other))
    return mine is None or theirs is None or mine == theirs


def _tag(resource: Resource, key: str) -> str | None:
    tags = resource.get("Tags")
    pairs = tags if isinstance(tags, list) else []
    return next((str(tag.get("Value")) for tag in pairs if isinstance(tag, Mapping) and tag.get("Key") == key), None)


RULES: tuple[Rule, ...] = (
    Rule(
        id="ML-3.capture",
        title="Endpoints capture every request and answer, encrypted",
        rationale="Drift, bias and complaints can only be examined on what the model was asked and what it answered.",
        remedy="Set DataCaptureConfig: on, 100 per cent, Input and Output, a destination and a customer key.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_capture,
        also=("ENC-1",),
    ),
    Rule(
        id="ML-3.transform-capture-key",
        title="Captured batch data are encrypted with a customer key",
        rationale="Captured data hold the features of real people; a customer key makes each read a recorded one.",
        remedy="Name the workload's key in the transform job's DataCaptureConfig.",
        severity=Severity.MEDIUM,
        phase=Phase.RELIABLE,
        check=_transform_capture,
        also=("ENC-1",),
    ),
    Rule(
        id="ML-4.monitor-present",
        title="Each endpoint has a monitor",
        rationale="A model that nobody watches goes wrong in silence.",
        remedy="Add a monitoring workflow or a SageMaker monitoring schedule for the endpoint's workload.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_present,
    ),
    Rule(
        id="ML-4.monitor-inputs",
        title="A monitoring workflow reads the capture and the baseline",
        rationale="Without the baseline of its training a monitor has nothing to call drift.",
        remedy="Give the monitor's processing job one input with the captured data and one with the baseline.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_workflow_inputs,
    ),
    Rule(
        id="ML-4.baseline",
        title="Monitoring jobs have a baseline",
        rationale="Without constraints and statistics a monitor reports no violation, whatever happens.",
        remedy="Name the baselining job, or the constraints and statistics it wrote.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_baseline,
    ),
    Rule(
        id="ML-4.monitor-scheduled",
        title="Monitors run on a schedule",
        rationale="A monitor somebody must remember to start is off when it matters.",
        remedy="Start it by an enabled schedule.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_scheduled,
    ),
)
