"""Two versions of small templates: what a reviewer is told, and what blocks."""

import copy
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from mlops_constructs.compliance.diff import cli
from mlops_constructs.compliance.diff.page import page
from mlops_constructs.compliance.diff.resources import Change, changes, holds_data
from mlops_constructs.compliance.diff.review import Review, review
from mlops_constructs.compliance.diff.text import markdown
from mlops_constructs.compliance.estate import Estate, from_templates

TODAY = dt.date(2026, 11, 24)
Resources = dict[str, Any]


@pytest.fixture
def resources() -> Resources:
    return {
        "Data": {
            "Type": "AWS::DynamoDB::Table",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"TableName": "rows", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]},
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "old"}},
        "Reader": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": statement("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}),
                "Policies": [{"PolicyName": "p", "PolicyDocument": statement("s3:GetObject", "arn:aws:s3:::b/a/*")}],
            },
        },
    }


def statement(action: str, resource: str | None = None, **more: Any) -> dict[str, Any]:
    where = {"Resource": resource} if resource else {}
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **where, **more}]}


def estate(resources: Resources, stage: str = "prod") -> Estate:
    return from_templates({"app": {"Resources": copy.deepcopy(resources)}}, name=stage, stage=stage)


def changed(resources: Resources, logical_id: str, **properties: Any) -> Resources:
    found = copy.deepcopy(resources)
    found[logical_id]["Properties"].update(properties)
    return found


def reviewed(old: Resources, new: Resources, stage: str = "prod") -> Review:
    return review(estate(old, stage), estate(new, stage), TODAY)


def test_nothing_changed_is_nothing_to_say(resources: Resources) -> None:
    found = reviewed(resources, resources)
    assert found.is_empty
    assert "No difference." in markdown([found])


def test_a_property_that_replaces_a_table_blocks(resources: Resources) -> None:
    found = reviewed(resources, changed(resources, "Data", TableName="rows2"))
    (blocking,) = found.blocking
    assert (blocking.change, blocking.because, blocking.kept) == (Change.REPLACED, ("TableName",), True)
    text = markdown([found])
    assert "**Blocked**" in text
    assert "CloudFormation keeps the old one, outside the stack; the new one starts empty" in text


def test_a_table_whose_id_changes_blocks(resources: Resources) -> None:
    renamed = copy.deepcopy(resources)
    renamed["Data2"] = renamed.pop("Data")
    found = reviewed(resources, renamed)
    assert [(each.change, each.resource.logical_id) for each in found.blocking] == [(Change.REMOVED, "Data")]


def test_the_same_in_dev_is_told_and_does_not_block(resources: Resources) -> None:
    found = reviewed(resources, changed(resources, "Data", TableName="rows2"), stage="dev")
    assert not found.blocking
    assert "Loses data (does not block here) (1)" in markdown([found])


def test_a_nested_property_that_replaces_is_found(resources: Resources) -> None:
    keys = [{"AttributeName": "other", "KeyType": "HASH"}]
    (found,) = changes(estate(resources), estate(changed(resources, "Data", KeySchema=keys)))
    assert found.change is Change.REPLACED


def test_what_holds_no_data_may_go(resources: Resources) -> None:
    without = {name: each for name, each in resources.items() if name != "Topic"}
    found = reviewed(resources, without)
    assert [each.change for each in found.resources] == [Change.REMOVED]
    assert not found.blocking


def test_an_update_names_its_properties(resources: Resources) -> None:
    (found,) = changes(estate(resources), estate(changed(resources, "Topic", DisplayName="new")))
    assert (found.change, found.because) == (Change.UPDATED, ("DisplayName",))


def test_a_policy_that_is_no_longer_kept_is_an_update(resources: Resources) -> None:
    mortal = copy.deepcopy(resources)
    mortal["Data"]["DeletionPolicy"] = "Delete"
    (found,) = changes(estate(resources), estate(mortal))
    assert found.because == ("DeletionPolicy",)


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::SageMaker::ModelPackageGroup", "AWS::KMS::Key"])
def test_types_that_hold_data(kind: str) -> None:
    assert holds_data(kind)
    assert not holds_data("AWS::Lambda::Function")


def test_a_wider_role_is_shown_with_a_witness(resources: Resources) -> None:
    wider = [{"PolicyName": "p", "PolicyDocument": statement("s3:GetObject", "arn:aws:s3:::b/*")}]
    (found,) = reviewed(resources, changed(resources, "Reader", Policies=wider)).widened
    assert (found.path, found.kind) == ("app/Reader", "role")
    assert found.witness.resource.startswith("arn:aws:s3:::b/")
    assert not found.witness.resource.startswith("arn:aws:s3:::b/a/")


def test_a_narrower_role_is_no_widening(resources: Resources) -> None:
    narrower = [{"PolicyName": "p", "PolicyDocument": statement("s3:GetObject", "arn:aws:s3:::b/a/x")}]
    assert not reviewed(resources, changed(resources, "Reader", Policies=narrower)).widened


def with_bucket(resources: Resources, folder: str) -> dict[str, Any]:
    """A template whose role reads a folder of a bucket without a name."""
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Fn::Sub": "${Bucket.Arn}/" + folder}}
    policy = {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [reading]}}
    made = changed(resources, "Reader", Policies=[policy])
    return {"Resources": {**made, "Bucket": {"Type": "AWS::S3::Bucket"}}}


@pytest.mark.parametrize(("folder", "said"), [("a/*", []), ("*", ["app/Reader"])], ids=["as it was", "wider"])
def test_a_second_stack_with_equal_ids_changes_no_name_in_the_first(
    resources: Resources, folder: str, said: list[str]
) -> None:
    old = from_templates({"app": with_bucket(resources, "a/*")}, name="prod")
    both = {"app": with_bucket(resources, folder), "loan": with_bucket(resources, "a/*")}
    found = review(old, from_templates(both, name="prod"), TODAY)
    assert [each.resource.path for each in found.resources if each.resource.stack == "app"] == said
    assert [each.path for each in found.widened if not each.is_new] == said
    assert "loan/Reader" in [each.path for each in found.widened if each.is_new]


def test_what_is_new_and_what_is_changed_do_not_hide_each_other(resources: Resources) -> None:
    wider = [{"PolicyName": "p", "PolicyDocument": statement("s3:GetObject", "arn:aws:s3:::b/*")}]
    old = {f"Reader{number}": resources["Reader"] for number in range(50)}
    new = {name: changed(old, name, Policies=wider)[name] for name in old} | {"ZNew": resources["Reader"]}
    found = reviewed(old, new)
    text = markdown([found])
    assert "`app/ZNew` (new role)" in text
    assert "### Allows more than before (50)" in text
    assert text.count("(role)") == 40
    assert "and 10 more, all of them in `review.html`" in text
    whole = page([found])
    assert whole.count("(role)") == 50
    assert " more, " not in whole


def test_a_stranger_in_the_trust_is_told_first(resources: Resources) -> None:
    trust = statement("sts:AssumeRole", Principal={"AWS": "arn:aws:iam::999988887777:root"})
    found = reviewed(resources, changed(resources, "Reader", AssumeRolePolicyDocument=trust))
    (foreign,) = found.foreign
    assert foreign.kind == "trust"
    assert "999988887777" in foreign.witness.principal
    assert any(each.rule.startswith(("IAM-4", "PUB-")) for each in found.exposures)


def test_waivers_that_come_and_go_are_told(tmp_path: Path) -> None:
    old, new = (cdk_out(tmp_path / name, reason) for name, reason in (("old", "first"), ("new", "second")))
    cli.main([str(old), str(new), "--out", str(tmp_path / "out"), "--today", TODAY.isoformat()])
    text = (tmp_path / "out" / "review.md").read_text()
    assert "### Waivers: updated (1)\n\n- `AwsSolutions::AwsSolutions-S1` at `app/Topic`: second" in text


def cdk_out(folder: Path, reason: str) -> Path:
    folder.mkdir()
    (folder / "app.template.json").write_text(json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}))
    noted = {"type": "aws:cdk:acknowledged-rules", "data": {"AwsSolutions::AwsSolutions-S1": reason}}
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://111122223333/us-east-1",
        "properties": {"templateFile": "app.template.json", "stackName": "app"},
        "metadata": {"/app/Topic": [noted]},
    }
    (folder / "manifest.json").write_text(json.dumps({"version": "48.0.0", "artifacts": {"app": artifact}}))
    return folder


def test_the_command_blocks_and_writes_both_files(
    tmp_path: Path, resources: Resources, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps({"Resources": resources}))
    new.write_text(json.dumps({"Resources": changed(resources, "Data", TableName="rows2")}))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    old, new = old.rename(tmp_path / "a" / "app.json"), new.rename(tmp_path / "b" / "app.json")
    assert cli.main([str(old), str(new), "--out", str(tmp_path / "out")]) == 1
    assert "**Blocked**" in capsys.readouterr().out
    assert {each.name for each in (tmp_path / "out").iterdir()} == {"review.md", "review.html"}
    assert cli.main([str(old), str(old)]) == 0
    assert cli.main([str(old), str(tmp_path / "gone")]) == 2


def test_the_page_escapes_what_templates_say(resources: Resources) -> None:
    evil = copy.deepcopy(resources)
    evil["Data"]["Properties"]["<script>alert(1)</script>"] = "x"
    written = page([reviewed(resources, evil)])
    assert "<script>" not in written
    assert "&lt;script&gt;" in written
    assert '<meta name="viewport"' in written
