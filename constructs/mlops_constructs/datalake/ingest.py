"""The `ingest` workflow as data: from an object in the landing zone to `Dataset Ready` or `Dataset Rejected`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlops_constructs.datalake.quality import quality_states
from mlops_constructs.orchestration import states as asl
from mlops_constructs.orchestration.callee import Callee
from mlops_constructs.orchestration.retries import GLUE_TRANSIENT, sdk_transient
from mlops_constructs.orchestration.states import Json, State

START = "ReadEvent"
NOTHING = "{% '' %}"  # an empty text; a bare "" is refused by validators of the States Language
_OBJECT = "$states.input.detail.object"
_KEY = f"{_OBJECT}.key"


@dataclass(frozen=True, kw_only=True)
class IngestTargets:
    """What the workflow calls and where it writes. ARNs and names may be CDK tokens."""

    workload: str
    environment_name: str
    schema_guard: Callee
    quarantine: Callee
    quality_gate: Callee
    publish_snapshot: Callee
    event_emitter: Callee
    job_name: str
    quality_role: str
    database: str
    staged_tables: Mapping[str, str]
    rulesets: Mapping[str, str]
    raw_bucket: str
    curated_bucket: str
    quarantine_bucket: str


def ingest_states(targets: IngestTargets) -> dict[str, State]:
    """All states of the workflow, by name. It starts at `START`."""
    return {
        START: _read_event(targets),
        **_accept(targets),
        **_stage(targets),
        **quality_states(
            database=targets.database, quality_role=targets.quality_role, quality_gate=targets.quality_gate
        ),
        **_publish(targets),
        **_reject(targets),
    }


def _read_event(targets: IngestTargets) -> State:
    version = f"{_OBJECT}.`version-id`"
    parts = f"$split({_KEY}, '/')"
    return asl.pass_(
        next="SchemaGuard",
        assign={
            "bucket": "{% $states.input.detail.bucket.name %}",
            "key": f"{{% {_KEY} %}}",
            "version_id": f"{{% $exists({version}) ? {version} : null %}}",
            "source_uri": f"{{% 's3://' & $states.input.detail.bucket.name & '/' & {_KEY} %}}",
            "dataset": f"{{% $count({parts}) > 2 ? {parts}[1] : '' %}}",
            "content_sha256": NOTHING,
            "reason_code": NOTHING,
            "reason": NOTHING,
            "quarantine_uri": NOTHING,
            "failed": False,
            "polls": 0,
            "round": 1,
            "staged_tables": dict(targets.staged_tables),
            "rulesets": dict(targets.rulesets),
        },
    )


def _accept(targets: IngestTargets) -> dict[str, State]:
    version = "$exists($version_id) and $version_id != null ? '?versionId=' & $version_id : ''"
    return {
        "SchemaGuard": asl.invoke(
            targets.schema_guard,
            {
                "bucket": "{% $bucket %}",
                "key": "{% $key %}",
                "version_id": "{% $version_id %}",
                "execution": "{% $states.context.Execution.Id %}",
            },
            next="Verdict",
            catch_next="Failed",
            assign={
                "dataset": "{% $states.result.Payload.dataset %}",
                "content_sha256": "{% $states.result.Payload.content_sha256 %}",
                "reason_code": "{% $states.result.Payload.reason_code %}",
                "reason": "{% $states.result.Payload.reason %}",
                "raw_key": "{% $states.result.Payload.raw_key %}",
            },
        ),
        "Verdict": asl.choice([("{% $states.input.verdict = 'accepted' %}", "CopyToRaw")], default="Quarantine"),
        "CopyToRaw": asl.task(
            "arn:aws:states:::aws-sdk:s3:copyObject",
            {
                "Bucket": targets.raw_bucket,
                "Key": "{% $raw_key %}",
                # S3 wants the source URL-encoded, and the very version that was checked.
                "CopySource": f"{{% $bucket & '/' & $encodeUrlComponent($key) & ({version}) %}}",
            },
            next="Curate",
            timeout_seconds=900,
            retry=sdk_transient("S3"),
            catch_next="Failed",
        ),
    }


def _stage(targets: IngestTargets) -> dict[str, State]:
    place = f"{targets.workload}/"
    folder = f"{place}' & $dataset & '/"

    def uri(bucket: str, path: str) -> str:
        return f"{{% 's3://{bucket}/{path}' %}}"

    arguments: dict[str, Json] = {
        "--dataset": "{% $dataset %}",
        "--content_sha256": "{% $content_sha256 %}",
        "--raw_uri": f"{{% 's3://{targets.raw_bucket}/' & $raw_key %}}",
        "--staged_uri": uri(targets.raw_bucket, f"staged/{folder}file=' & $content_sha256 & '/"),
        "--meta_uri": uri(targets.raw_bucket, f"staged-meta/{folder}' & $content_sha256 & '.json"),
        "--curated_uri": uri(targets.curated_bucket, folder),
        "--quarantine_uri": uri(targets.quarantine_bucket, f"{folder}' & $content_sha256 & '/"),
        "--staged_table": "{% $lookup($staged_tables, $dataset) %}",
    }
    return {
        "Curate": asl.task(
            "arn:aws:states:::glue:startJobRun.sync",
            {"JobName": targets.job_name, "Arguments": arguments},
            next="ReadSummary",
            timeout_seconds=3600,
            retry=GLUE_TRANSIENT,
            catch_next="Failed",
        ),
        "ReadSummary": asl.task(
            "arn:aws:states:::aws-sdk:s3:getObject",
            {
                "Bucket": targets.raw_bucket,
                "Key": f"{{% 'staged-meta/{folder}' & $content_sha256 & '.json' %}}",
            },
            next="AnyRows",
            timeout_seconds=60,
            retry=sdk_transient("S3"),
            catch_next="Failed",
            output="{% $parse($states.result.Body) %}",
        ),
        "AnyRows": asl.choice([("{% $states.input.rows > 0 %}", "StartQuality")], default="NoRows"),
        # Without rows there is nothing to evaluate, and the rows' own reason says more than a failed rule.
        "NoRows": asl.pass_(
            next="Quarantine",
            assign={
                "reason_code": "{% $states.input.rows_quarantined > 0 ? 'every_row_refused' : 'nothing_new' %}",
                "reason": "{% 'no row is left: ' & $join($states.input.warnings, '; ') %}",
            },
        ),
    }


def _publish(targets: IngestTargets) -> dict[str, State]:
    result = "$states.input"
    names = ("snapshot_id", "rows", "rows_quarantined", "curated_prefix", "warnings")
    staged: dict[str, Json] = {
        "dataset": "{% $dataset %}",
        "content_sha256": "{% $content_sha256 %}",
        "source_uri": "{% $source_uri %}",
        "execution": "{% $states.context.Execution.Id %}",
    }
    return {
        "Publish": asl.invoke(targets.publish_snapshot, staged, next="Published", catch_next="Failed"),
        # Another file with some of its keys was published since it was curated: curating it once more drops or
        # quarantines those rows, as if it had landed after the other.
        "Published": asl.choice([(f"{{% {result}.outdated %}}", "CurateAgain")], default="EmitReady"),
        "CurateAgain": asl.pass_(next="Curate", assign={"round": "{% $round + 1 %}", "polls": 0}),
        # Publishing came through although its task failed. Asked again, it changes nothing and says what it published.
        "PublishAgain": asl.invoke(targets.publish_snapshot, staged, next="EmitReady", catch_next="NotAnnounced"),
        "EmitReady": asl.emit(
            targets.event_emitter,
            source="mlops.data",
            detail_type="Dataset Ready",
            workload=targets.workload,
            environment_name=targets.environment_name,
            detail={
                "dataset": "{% $dataset %}",
                "source_uri": "{% $source_uri %}",
                "content_sha256": "{% $content_sha256 %}",
                **{name: f"{{% {result}.{name} %}}" for name in names},
            },
            next="Ready",
            catch_next="NotAnnounced",
        ),
        # The rows are published: the file must not be quarantined, but whoever waits for the event must hear of it.
        "NotAnnounced": asl.pass_(
            next="EmitRejected",
            assign={
                "failed": True,
                "reason_code": "announcement_failed",
                "reason": "{% 'the rows are published, but Dataset Ready could not be sent: ' & $failure.cause %}",
            },
        ),
        "Ready": asl.succeed(),
    }


def _reject(targets: IngestTargets) -> dict[str, State]:
    file: dict[str, Json] = {
        name: f"{{% ${name} %}}" for name in ("dataset", "reason_code", "reason", "content_sha256")
    }
    return {
        "Failed": asl.pass_(
            next="Quarantine",
            assign={
                "failed": True,
                "reason_code": "processing_failed",
                "reason": "{% $failure.step & ' failed: ' & $failure.error & ' ' & $failure.cause %}",
            },
        ),
        "Quarantine": asl.invoke(
            targets.quarantine,
            {
                "bucket": "{% $bucket %}",
                "key": "{% $key %}",
                "version_id": "{% $version_id %}",
                "execution": "{% $states.context.Execution.Id %}",
                **file,
            },
            next="Quarantined",
            catch_next="EmitRejected",
            assign={"quarantine_uri": "{% $states.result.Payload.quarantine_uri %}"},
            catch_assign={
                "failed": True,
                "reason": "{% $reason & ' (and it could not be quarantined: ' & $states.errorOutput.Error & ')' %}",
            },
        ),
        "Quarantined": asl.choice([("{% $states.input.published %}", "PublishAgain")], default="EmitRejected"),
        "EmitRejected": asl.emit(
            targets.event_emitter,
            source="mlops.data",
            detail_type="Dataset Rejected",
            workload=targets.workload,
            environment_name=targets.environment_name,
            detail={"source_uri": "{% $source_uri %}", "quarantine_uri": "{% $quarantine_uri %}", **file},
            next="Outcome",
            catch_next="NotSent",
        ),
        # A refused file is a normal end; a file that we failed to process must raise the alarm.
        "Outcome": asl.choice([("{% $failed %}", "IngestFailed")], default="Rejected"),
        "Rejected": asl.succeed(),
        "IngestFailed": asl.fail("IngestFailed", "{% $reason %}"),
        "NotSent": asl.fail("EventNotSent", "{% $failure.cause %}"),
    }
