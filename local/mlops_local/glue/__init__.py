"""The local Glue: python shell jobs and data quality for real, the catalog of the emulator; see docs/local-aws.md."""

from __future__ import annotations

from ..awsjson import JsonService, Operation
from ..runtime import Runtime
from . import cloudformation
from .access import Access
from .catalog import CATALOG_OPERATIONS, OTHER_OPERATIONS, Catalog
from .jobs import Jobs
from .quality import QualityRuns
from .rulesets import Rulesets
from .runs import Runs

__all__ = ["register"]


def register(runtime: Runtime) -> None:
    """Serves Glue, and registers its CloudFormation types."""
    access = Access(runtime)
    catalog = Catalog(access)
    operations: dict[str, Operation] = dict.fromkeys((*CATALOG_OPERATIONS, *OTHER_OPERATIONS), catalog.forward)
    operations["GetPartitions"] = catalog.get_partitions
    operations |= _jobs(runtime, access) | _quality(runtime, access)
    service = JsonService(runtime, "glue", operations, invalid="InvalidInputException")
    runtime.register_service("glue", service.handle)
    cloudformation.register(runtime)


def _jobs(runtime: Runtime, access: Access) -> dict[str, Operation]:
    jobs = Jobs(access)
    runs = Runs(runtime, access, jobs)
    return {
        "CreateJob": jobs.create,
        "UpdateJob": jobs.update,
        "GetJob": jobs.get,
        "GetJobs": jobs.get_all,
        "DeleteJob": jobs.delete,
        "StartJobRun": runs.start,
        "GetJobRun": runs.get,
        "GetJobRuns": runs.get_all,
        "BatchStopJobRun": runs.stop,
    }


def _quality(runtime: Runtime, access: Access) -> dict[str, Operation]:
    rulesets = Rulesets(access)
    runs = QualityRuns(runtime, access, rulesets)
    return {
        "CreateDataQualityRuleset": rulesets.create,
        "UpdateDataQualityRuleset": rulesets.update,
        "GetDataQualityRuleset": rulesets.get,
        "DeleteDataQualityRuleset": rulesets.delete,
        "ListDataQualityRulesets": rulesets.list_all,
        "StartDataQualityRulesetEvaluationRun": runs.start,
        "GetDataQualityRulesetEvaluationRun": runs.get,
        "CancelDataQualityRulesetEvaluationRun": runs.cancel,
        "ListDataQualityRulesetEvaluationRuns": runs.list_all,
        "GetDataQualityResult": runs.result,
    }
