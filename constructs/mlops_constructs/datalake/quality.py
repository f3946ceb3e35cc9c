"""The part of the `ingest` workflow that runs Glue Data Quality on the staged rows and waits for its result."""

from __future__ import annotations

from mlops_constructs.orchestration import states as asl
from mlops_constructs.orchestration.callee import Callee
from mlops_constructs.orchestration.retries import sdk_transient
from mlops_constructs.orchestration.states import State

POLL_SECONDS = 15
MAX_POLLS = 240  # an hour of 15 second pauses; a data quality run has a timeout of 40 minutes of its own
QUALITY_TIMEOUT_MINUTES = 40
QUALITY_WORKERS = 2


def quality_states(*, database: str, quality_role: str, quality_gate: Callee) -> dict[str, State]:
    """States from `StartQuality` to `Publish`, `Quarantine` or `Failed`.

    Reads the workflow's variables `dataset`, `staged_tables`, `rulesets`, `content_sha256`, `round` (how many times the
    file was curated) and `polls` (0 at first).

    Args:
        database: Glue database of the staged tables.
        quality_role: ARN of the role that Glue Data Quality reads them with.
        quality_gate: The function that turns a result into a verdict.
    """
    running = "{% $states.input.Status in ['STARTING', 'RUNNING', 'STOPPING'] and $polls < " + str(MAX_POLLS) + " %}"
    return {
        "StartQuality": asl.task(
            "arn:aws:states:::aws-sdk:glue:startDataQualityRulesetEvaluationRun",
            {
                "DataSource": {
                    "GlueTable": {
                        "DatabaseName": database,
                        "TableName": "{% $lookup($staged_tables, $dataset) %}",
                        "AdditionalOptions": {"pushDownPredicate": '{% "file=\'" & $content_sha256 & "\'" %}'},
                    }
                },
                "Role": quality_role,
                "RulesetNames": ["{% $lookup($rulesets, $dataset) %}"],
                # Of its own for each time the file is curated: with an old one Glue answers with the old run.
                "ClientToken": "{% $states.context.Execution.Name & '-' & $string($round) %}",
                "Timeout": QUALITY_TIMEOUT_MINUTES,
                "NumberOfWorkers": QUALITY_WORKERS,
            },
            next="GetQuality",
            timeout_seconds=60,
            retry=sdk_transient("Glue"),
            catch_next="Failed",
            assign={"quality_run": "{% $states.result.RunId %}"},
        ),
        "WaitQuality": asl.wait(POLL_SECONDS, next="GetQuality", assign={"polls": "{% $polls + 1 %}"}),
        "GetQuality": asl.task(
            "arn:aws:states:::aws-sdk:glue:getDataQualityRulesetEvaluationRun",
            {"RunId": "{% $quality_run %}"},
            next="QualityRun",
            timeout_seconds=60,
            retry=sdk_transient("Glue"),
            catch_next="Failed",
        ),
        "QualityRun": asl.choice(
            [("{% $states.input.Status = 'SUCCEEDED' %}", "ReadQuality"), (running, "WaitQuality")],
            default="QualityRunFailed",
        ),
        "QualityRunFailed": asl.pass_(
            next="Failed",
            assign={
                "failure": "{% {'step': 'QualityRun', 'error': 'DataQualityRunFailed', 'cause': 'run ' & $quality_run"
                " & ' ended as ' & $states.input.Status & ': ' & $states.input.ErrorString} %}"
            },
        ),
        "ReadQuality": asl.task(
            "arn:aws:states:::aws-sdk:glue:getDataQualityResult",
            {"ResultId": "{% $states.input.ResultIds[0] %}"},
            next="QualityGate",
            timeout_seconds=60,
            retry=sdk_transient("Glue"),
            catch_next="Failed",
        ),
        "QualityGate": asl.invoke(
            quality_gate,
            {"result": "{% $states.input %}", "dataset": "{% $dataset %}"},
            next="Quality",
            catch_next="Failed",
            assign={"reason_code": "quality_rules_failed", "reason": "{% $states.result.Payload.reason %}"},
        ),
        "Quality": asl.choice([("{% $states.input.passed %}", "Publish")], default="Quarantine"),
    }
