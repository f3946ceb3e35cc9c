from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pytest
from botocore.exceptions import ClientError

from mlops_local.server import LocalAws
from tests.local.ml import allow, events_queue, make_role, received, until

BUCKET = "ml-quality"
PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    "Columns": [{"Name": "id", "Type": "string"}, {"Name": "late", "Type": "int"}],
}


@pytest.fixture(scope="module")
def role(aws: LocalAws) -> str:
    s3, glue = aws.client("s3"), aws.client("glue")
    s3.create_bucket(Bucket=BUCKET)
    glue.create_database(DatabaseInput={"Name": "lake"})
    location = f"s3://{BUCKET}/staged/"
    table = {"Name": "staged", "PartitionKeys": [{"Name": "file", "Type": "string"}]}
    glue.create_table(DatabaseName="lake", TableInput={**table, "StorageDescriptor": {**PARQUET, "Location": location}})
    for file, ids in (("aaa", ["1", "2", "3"]), ("bbb", ["4", "4", None])):
        body = io.BytesIO()
        pd.DataFrame({"id": ids, "late": [0, 1, 0]}).to_parquet(body)
        s3.put_object(Bucket=BUCKET, Key=f"staged/file={file}/part-0.parquet", Body=body.getvalue())
        descriptor = {**PARQUET, "Location": f"{location}file={file}/"}
        glue.batch_create_partition(
            DatabaseName="lake",
            TableName="staged",
            PartitionInputList=[{"Values": [file], "StorageDescriptor": descriptor}],
        )
    glue.create_data_quality_ruleset(
        Name="rules", Ruleset='Rules = [ IsPrimaryKey "id", ColumnValues "late" in [0, 1] ]'
    )
    arn = "arn:aws:glue:us-east-1:000000000000"
    catalog = [f"{arn}:catalog", f"{arn}:database/lake", f"{arn}:table/lake/staged"]
    statements = [
        allow("glue:GetTable", "glue:GetPartitions", on=catalog),
        allow("glue:GetDataQualityRuleset", on=f"{arn}:dataQualityRuleset/rules"),
        allow("s3:ListBucket", on=f"arn:aws:s3:::{BUCKET}"),
        allow("s3:GetObject", on=f"arn:aws:s3:::{BUCKET}/staged/*"),
    ]
    return make_role(aws, "ml-quality", "glue.amazonaws.com", statements)


def evaluate(aws: LocalAws, role: str, predicate: str = "", **changes: Any) -> dict[str, Any]:
    glue = aws.client("glue")
    options = {"AdditionalOptions": {"pushDownPredicate": predicate}} if predicate else {}
    request = {
        "DataSource": {"GlueTable": {"DatabaseName": "lake", "TableName": "staged", **options}},
        "Role": role,
        "RulesetNames": ["rules"],
        **changes,
    }
    run_id = glue.start_data_quality_ruleset_evaluation_run(**request)["RunId"]
    return until(
        lambda: glue.get_data_quality_ruleset_evaluation_run(RunId=run_id), "Status", "SUCCEEDED", "FAILED", "STOPPED"
    )


def result_of(aws: LocalAws, run: dict[str, Any]) -> dict[str, Any]:
    assert run["Status"] == "SUCCEEDED", run.get("ErrorString")
    found: dict[str, Any] = aws.client("glue").get_data_quality_result(ResultId=run["ResultIds"][0])
    return found


def test_a_predicate_chooses_the_partition_that_is_judged(aws: LocalAws, role: str) -> None:
    queue = events_queue(aws, "quality-events", "aws.glue-dataquality")
    good = result_of(aws, evaluate(aws, role, "file='aaa'"))
    assert good["Score"] == 1.0
    assert [rule["Result"] for rule in good["RuleResults"]] == ["PASS", "PASS"]
    bad = result_of(aws, evaluate(aws, role, "file = 'bbb'"))
    assert bad["Score"] == 0.5
    first = bad["RuleResults"][0]
    assert (first["Name"], first["Description"], first["Result"]) == ("Rule_1", 'IsPrimaryKey "id"', "FAIL")
    assert "does not meet the constraint requirement" in first["EvaluationMessage"]
    assert first["EvaluatedMetrics"]["Column.id.Completeness"] == pytest.approx(2 / 3)
    assert bad["AggregatedMetrics"]["TotalRowsProcessed"] == 3
    events = received(aws, queue, lambda found: len(found) == 2)
    assert sorted(event["detail"]["state"] for event in events) == ["FAILED", "SUCCEEDED"]


def test_without_predicate_all_registered_partitions_are_judged(aws: LocalAws, role: str) -> None:
    assert result_of(aws, evaluate(aws, role))["AggregatedMetrics"]["TotalRowsProcessed"] == 6


def test_no_partition_is_an_empty_table_and_passes_nothing(aws: LocalAws, role: str) -> None:
    found = result_of(aws, evaluate(aws, role, "file = 'zzz'"))
    assert (found["Score"], found["AggregatedMetrics"]["TotalRowsProcessed"]) == (0.0, 0)


def test_a_role_without_the_data_fails_the_run(aws: LocalAws) -> None:
    poor = make_role(aws, "ml-quality-poor", "glue.amazonaws.com", [allow("glue:GetTable", "glue:GetPartitions")])
    run = evaluate(aws, poor)
    assert run["Status"] == "FAILED"
    assert "not authorized" in run["ErrorString"] or "AccessDenied" in run["ErrorString"]


def test_wrong_requests_are_refused(aws: LocalAws, role: str) -> None:
    glue = aws.client("glue")
    with pytest.raises(ClientError) as caught:
        evaluate(aws, role, RulesetNames=["none"])
    assert caught.value.response["Error"]["Code"] == "EntityNotFoundException"
    with pytest.raises(ClientError, match="Parsing error in the ruleset: line 1"):
        glue.create_data_quality_ruleset(Name="broken", Ruleset="Rules = [ RowCount > ]")
    with pytest.raises(ClientError) as caught:
        glue.create_data_quality_ruleset(Name="rules", Ruleset="Rules = [ RowCount > 1 ]")
    assert caught.value.response["Error"]["Code"] == "AlreadyExistsException"
    assert evaluate(aws, role, "nonsense > 1")["Status"] == "FAILED"


def test_a_client_token_starts_one_run(aws: LocalAws, role: str) -> None:
    first = evaluate(aws, role, ClientToken="t-1")["RunId"]
    assert evaluate(aws, role, ClientToken="t-1")["RunId"] == first


def test_partitions_are_found_by_expression(aws: LocalAws, role: str) -> None:
    glue = aws.client("glue")
    names = {"DatabaseName": "lake", "TableName": "staged"}
    found = glue.get_partitions(**names, Expression="file > 'aaa'")["Partitions"]
    assert [partition["Values"] for partition in found] == [["bbb"]]
    pages = glue.get_paginator("get_partitions").paginate(**names, PaginationConfig={"PageSize": 1})
    assert [p["Values"] for page in pages for p in page["Partitions"]] == [["aaa"], ["bbb"]]
    with pytest.raises(ClientError) as caught:
        glue.get_partitions(DatabaseName="lake", TableName="none")
    assert caught.value.response["Error"]["Code"] == "EntityNotFoundException"
    with pytest.raises(ClientError, match="can't be evaluated"):
        glue.get_partitions(**names, Expression="other = 1")
