"""The monitor workflow as plain data: one window of captured traffic against the champion's baseline and late labels.

    SelectWindow -> (nothing captured: No Traffic)
      -> ReadChampion -> DescribeChampion -> Monitor -> Report -> Monitoring Completed | Drift Detected | No Traffic
    anything that breaks -> Monitoring Failed

No traffic is an answer, not a failure. The window comes from the input (`window_start`, `window_end`, ISO 8601) or is
the last days before today: "run now" is to start the same workflow by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlops_constructs.orchestration.callee import Callee
from mlops_constructs.orchestration.outcomes import Announcer, failure
from mlops_constructs.orchestration.retries import sdk_transient
from mlops_constructs.orchestration.states import Json, State, choice, fail, invoke, succeed, task
from mlops_constructs.training.branches import PROCESSING, job_task
from mlops_constructs.training.image import ContainerImage
from mlops_constructs.training.jobs import (
    JobBoundary,
    JobCompute,
    Program,
    job_input,
    job_output,
    processing_job,
)
from mlops_constructs.training.registry import NO_CHAMPION

START_AT = "SelectWindow"


@dataclass(frozen=True, kw_only=True)
class MonitorFunctions:
    """The Lambda functions the workflow calls."""

    select_window: Callee
    monitor_report: Callee
    event_emitter: Callee


@dataclass(frozen=True, kw_only=True)
class MonitorContext:
    """Names and ARNs of one deployment of the workflow."""

    workload: str
    environment_name: str
    champion_parameter: str
    image: ContainerImage
    job_environment: dict[str, str]
    job_role_arn: str
    compute: JobCompute
    boundary: JobBoundary
    functions: MonitorFunctions


def definition(context: MonitorContext) -> dict[str, State]:
    """All states of the monitor workflow, first state `START_AT`."""
    return {
        START_AT: _select(context),
        "HasTraffic": choice([("{% $window.traffic %}", "ReadChampion")], default="EmitNoTraffic"),
        **_champion(context),
        "Monitor": _monitor(context),
        "Report": _report(context),
        "Judged": choice(
            [
                ("{% $report.detail_type = 'Drift Detected' %}", "EmitDrift"),
                ("{% $report.detail_type = 'No Traffic' %}", "EmitNoTraffic"),
            ],
            default="EmitCompleted",
        ),
        **_endings(context),
    }


def _select(context: MonitorContext) -> State:
    def given(name: str) -> str:
        return f"{{% $exists($states.input.{name}) ? $states.input.{name} : null %}}"

    return invoke(
        context.functions.select_window,
        {
            "window_start": given("window_start"),
            "window_end": given("window_end"),
            "execution": "{% $states.context.Execution.Id %}",
        },
        next="HasTraffic",
        catch_next="EmitFailed",
        assign={"window": "{% $states.result.Payload %}"},
    )


def _champion(context: MonitorContext) -> dict[str, State]:
    return {
        "ReadChampion": task(
            "arn:aws:states:::aws-sdk:ssm:getParameter",
            {"Name": context.champion_parameter},
            next="ChampionKnown",
            timeout_seconds=60,
            retry=sdk_transient("Ssm"),
            catch_next="EmitFailed",
            output={},
            assign={"champion": "{% $states.result.Parameter.Value %}"},
        ),
        "ChampionKnown": choice([(f"{{% $champion != '{NO_CHAMPION}' %}}", "DescribeChampion")], default="NoChampion"),
        "NoChampion": failure(
            "'NoChampion'", "'traffic was captured, but no deployment has published a champion'", next="EmitFailed"
        ),
        "DescribeChampion": task(
            "arn:aws:states:::aws-sdk:sagemaker:describeModelPackage",
            {"ModelPackageName": "{% $champion %}"},
            next="Monitor",
            timeout_seconds=60,
            retry=sdk_transient("SageMaker"),
            catch_next="EmitFailed",
            output={},
            # The baseline travels with the package: a new champion brings its own.
            assign={
                "baseline": "{% $substringBefore("
                "$states.result.DriftCheckBaselines.ModelDataQuality.Statistics.S3Uri, 'statistics.json') %}"
            },
        ),
    }


def _monitor(context: MonitorContext) -> State:
    arguments = processing_job(
        Program(
            image_uri=context.image.uri,
            command=context.image.command("monitor.py"),
            arguments=["run"],
            environment={
                **context.job_environment,
                "WINDOW_START": "{% $window.window_start %}",
                "WINDOW_END": "{% $window.window_end %}",
                "LABELLED_FROM": "{% $window.labelled_from %}",
                "CHAMPION_VERSION": "{% $split($champion, '/')[-1] %}",
            },
        ),
        name=f"{context.workload}-{context.environment_name}-monitor",
        role_arn=context.job_role_arn,
        inputs=[
            job_input("capture", "{% $window.capture_manifest %}", data_type="ManifestFile"),
            job_input("labels", "{% $window.labels_manifest %}", data_type="ManifestFile"),
            job_input("baseline", "{% $baseline %}"),
        ],
        outputs=[job_output("report", "{% $window.report_uri %}")],
        compute=context.compute,
        boundary=context.boundary,
    )
    return job_task(PROCESSING, arguments, context.compute, next="Report", catch_next="EmitFailed", output={})


def _report(context: MonitorContext) -> State:
    return invoke(
        context.functions.monitor_report,
        {
            "report_uri": "{% $window.report_uri %}",
            "window_start": "{% $window.window_start %}",
            "window_end": "{% $window.window_end %}",
            "model_package_arn": "{% $champion %}",
            "execution": "{% $states.context.Execution.Id %}",
        },
        next="Judged",
        catch_next="EmitFailed",
        assign={"report": "{% $states.result.Payload %}"},
    )


_REPORTED = (
    "window_start",
    "window_end",
    "rows",
    "labelled_rows",
    "violations",
    "drift",
    "quality",
    "report_uri",
    "model_package_arn",
)


def _endings(context: MonitorContext) -> dict[str, State]:
    events = Announcer(
        source="mlops.monitoring",
        event_emitter=context.functions.event_emitter,
        workload=context.workload,
        environment_name=context.environment_name,
    )
    reported: dict[str, Json] = {name: f"{{% $report.detail.{name} %}}" for name in _REPORTED}
    window: dict[str, Json] = {name: f"{{% $window.{name} %}}" for name in ("window_start", "window_end")}
    failed: dict[str, Json] = {name: f"{{% $failure.{name} %}}" for name in ("error", "cause", "step")}
    return {
        "EmitDrift": events.event("Drift Detected", reported, next="Finished"),
        "EmitCompleted": events.event("Monitoring Completed", reported, next="Finished"),
        "EmitNoTraffic": events.event("No Traffic", window, next="Finished"),
        "Finished": succeed(),
        "EmitFailed": events.event("Monitoring Failed", failed, next="Failed", catch_next="Failed"),
        "Failed": fail("{% $failure.error %}", "{% $failure.cause %}"),
    }
