"""Glue Data Quality evaluation runs: rulesets of DQDL over a catalog table, evaluated on DuckDB."""

from __future__ import annotations

import logging
import secrets
import shutil
import tempfile
import threading
from pathlib import Path

import boto3
import duckdb
from botocore.exceptions import ClientError

from ..awsjson import Request
from ..dqdl import RuleResult, evaluate, parse, score
from ..errors import AssumeRoleDenied
from ..objects import DataError
from ..runtime import Runtime
from .access import PRINCIPAL, Access
from .jobs import Record, invalid, missing, now
from .rulesets import Rulesets
from .tables import load_table

logger = logging.getLogger(__name__)

_RELATION = "data"
_ACTIVE = ("STARTING", "RUNNING", "STOPPING")
_METRICS_NAMESPACE = "Glue Data Quality"


class QualityRuns:
    """StartDataQualityRulesetEvaluationRun and what follows from it."""

    def __init__(self, runtime: Runtime, access: Access, rulesets: Rulesets) -> None:
        self._runtime, self._access, self._rulesets = runtime, access, rulesets
        self._runs: dict[str, Record] = {}
        self._results: dict[str, Record] = {}
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    # -- operations ---------------------------------------------------------------------------------------------

    def start(self, request: Request) -> Record:
        """StartDataQualityRulesetEvaluationRun."""
        parameters = request.parameters
        names = parameters["RulesetNames"]
        self._access.check(request, *(f"dataQualityRuleset/{name}" for name in names))
        self._access.pass_role(request, parameters["Role"])
        for name in names:
            self._rulesets.find(name)
        if "GlueTable" not in parameters["DataSource"] or parameters.get("AdditionalDataSources"):
            raise invalid("the local AWS checks one GlueTable: no other data sources")
        if "ResultsS3Prefix" in parameters.get("AdditionalRunOptions", {}):
            raise invalid("the local AWS does not write results to S3: leave ResultsS3Prefix out")
        session = self._session(parameters["Role"])
        with self._lock:
            token = parameters.get("ClientToken", "")
            if token in self._tokens:
                return {"RunId": self._tokens[token]}
            run_id = f"dqrun-{secrets.token_hex(20)}"
            if token:
                self._tokens[token] = run_id
            run = {key: value for key, value in parameters.items() if key != "ClientToken"}
            run |= {
                "RunId": run_id,
                "Status": "RUNNING",
                "StartedOn": now(),
                "LastModifiedOn": now(),
                "ExecutionTime": 0,
            }
            self._runs[run_id] = run
        threading.Thread(target=self._run, args=(run, session), daemon=True).start()
        return {"RunId": run_id}

    def get(self, request: Request) -> Record:
        """GetDataQualityRulesetEvaluationRun."""
        self._access.check(request, "dataQualityRuleset/*")
        return self._find(request.parameters["RunId"])

    def cancel(self, request: Request) -> Record:
        """CancelDataQualityRulesetEvaluationRun: no results are kept."""
        self._access.check(request, "dataQualityRuleset/*")
        run = self._find(request.parameters["RunId"])
        with self._lock:
            if run["Status"] in ("STARTING", "RUNNING"):
                run["Status"] = "STOPPING"
        return {}

    def list_all(self, request: Request) -> Record:
        """ListDataQualityRulesetEvaluationRuns, newest first."""
        self._access.check(request, "dataQualityRuleset/*")
        parameters = request.parameters
        fields = ("RunId", "Status", "StartedOn", "DataSource")
        runs = [{key: run.get(key) for key in fields} for run in reversed(list(self._runs.values()))]
        start, size = int(parameters.get("NextToken") or 0), parameters.get("MaxResults", 100)
        token = str(start + size) if start + size < len(runs) else None
        return {"Runs": runs[start : start + size], "NextToken": token}

    def result(self, request: Request) -> Record:
        """GetDataQualityResult."""
        self._access.check(request, "dataQualityRuleset/*")
        result_id = request.parameters["ResultId"]
        if result_id not in self._results:
            raise missing(f"Data quality result {result_id}")
        return self._results[result_id]

    # -- a run --------------------------------------------------------------------------------------------------

    def _run(self, run: Record, session: boto3.Session) -> None:
        folder = Path(tempfile.mkdtemp(prefix="quality-", dir=self._runtime.home))
        status, ids = "SUCCEEDED", list[str]()
        try:
            ids = self._evaluate(run, session, folder)
        except (DataError, ClientError) as error:
            status, run["ErrorString"] = "FAILED", str(error)
        except Exception as error:  # a run must end in a state, whatever happened
            logger.exception("data quality run %s", run["RunId"])
            status, run["ErrorString"] = "FAILED", f"the local AWS failed: {error!r}"
        shutil.rmtree(folder, ignore_errors=True)
        run["CompletedOn"] = run["LastModifiedOn"] = now()
        run["ExecutionTime"] = round((run["CompletedOn"] - run["StartedOn"]).total_seconds())
        with self._lock:
            if run["Status"] == "STOPPING":
                status = "STOPPED"
            elif ids:
                run["ResultIds"] = ids
            run["Status"] = status
        for result_id in run.get("ResultIds", []):
            self._emit(self._results[result_id])

    def _evaluate(self, run: Record, session: boto3.Session, folder: Path) -> list[str]:
        glue = self._runtime.client("glue", session)
        ids = []
        with duckdb.connect(config={"threads": 2}) as connection:
            load_table(self._runtime, session, run["DataSource"]["GlueTable"], folder, connection, _RELATION)
            counted = connection.execute(f"SELECT count(*) FROM {_RELATION}").fetchone()  # noqa: S608
            for name in run["RulesetNames"]:
                text = glue.get_data_quality_ruleset(Name=name)["Ruleset"]  # as the role, like the real service
                results = evaluate(parse(text), connection, _RELATION)
                record = _result(run, name, results, counted[0] if counted else 0)
                self._results[record["ResultId"]] = record
                ids.append(record["ResultId"])
                if run.get("AdditionalRunOptions", {}).get("CloudWatchMetricsEnabled"):
                    self._publish(session, run, record)
        return ids

    def _publish(self, session: boto3.Session, run: Record, record: Record) -> None:
        table = run["DataSource"]["GlueTable"]
        dimensions = [
            {"Name": "Database", "Value": table["DatabaseName"]},
            {"Name": "Table", "Value": table["TableName"]},
            {"Name": "Ruleset", "Value": record["RulesetName"]},
        ]
        totals = record["AggregatedMetrics"]
        data = [
            {
                "MetricName": f"glue.data.quality.rules.{word.lower()}",
                "Value": totals[f"TotalRules{word}"],
                "Dimensions": dimensions,
            }
            for word in ("Passed", "Failed")
        ]
        self._runtime.client("cloudwatch", session).put_metric_data(Namespace=_METRICS_NAMESPACE, MetricData=data)

    def _emit(self, result: Record) -> None:
        totals, table = result["AggregatedMetrics"], result["DataSource"]["GlueTable"]
        detail = {
            "context": {
                "contextType": "GLUE_DATA_CATALOG",
                "runId": result["RulesetEvaluationRunId"],
                "databaseName": table["DatabaseName"],
                "tableName": table["TableName"],
                "catalogId": self._runtime.account,
            },
            "resultId": result["ResultId"],
            "rulesetNames": [result["RulesetName"]],
            "state": "SUCCEEDED" if result["Score"] == 1 else "FAILED",
            "score": result["Score"],
            "numRulesSucceeded": totals["TotalRulesPassed"],
            "numRulesFailed": totals["TotalRulesFailed"],
            "numRulesSkipped": 0,
        }
        self._runtime.put_event("aws.glue-dataquality", "Data Quality Evaluation Results Available", detail, [])

    # -- inside -------------------------------------------------------------------------------------------------

    def _session(self, name_or_arn: str) -> boto3.Session:
        role = self._access.role_arn(name_or_arn)
        try:
            return self._runtime.session_for_role(role, PRINCIPAL, "GlueDataQuality")
        except AssumeRoleDenied as denied:
            raise invalid(f"Role {role} can't be assumed by Glue. {denied.message}") from denied

    def _find(self, run_id: str) -> Record:
        if run_id not in self._runs:
            raise missing(f"Data quality ruleset evaluation run {run_id}")
        return self._runs[run_id]


def _result(run: Record, ruleset: str, results: list[RuleResult], rows: int) -> Record:
    passed = sum(result.result == "PASS" for result in results)
    return {
        "ResultId": f"dqresult-{secrets.token_hex(20)}",
        "Score": score(results),
        "DataSource": run["DataSource"],
        "RulesetName": ruleset,
        "StartedOn": run["StartedOn"],
        "CompletedOn": now(),
        "RulesetEvaluationRunId": run["RunId"],
        "RuleResults": [
            {
                "Name": result.name,
                "Description": result.description,
                "EvaluatedRule": result.description,
                "EvaluationMessage": result.message or None,
                "Result": result.result,
                "EvaluatedMetrics": result.metrics,
            }
            for result in results
        ],
        "AggregatedMetrics": {
            "TotalRowsProcessed": rows,
            "TotalRulesProcessed": len(results),
            "TotalRulesPassed": passed,
            "TotalRulesFailed": len(results) - passed,
        },
    }
