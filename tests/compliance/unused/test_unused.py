"""Permissions that the recorded run did not need are few enough to say why each of them is there."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from mlops_constructs.compliance.estate import Estate, from_templates, load
from mlops_constructs.compliance.grants import granted
from mlops_constructs.compliance.usage import cli
from mlops_constructs.compliance.usage.record import (
    UsageError,
    read_decisions,
    read_summary,
    role_of,
    write_summary,
)
from mlops_constructs.compliance.usage.unused import Reason, Unused, read_reasons, stale, unexplained, unused
from tests.assembly import Assembly, workload_of

HERE = Path(__file__).parent
RECORDED, REASONS = HERE / "usage.json", HERE / "reasons.json"


@pytest.fixture(scope="module")
def local(assembly: Assembly) -> Estate:
    """What the recorded demo deployed: one workload, whatever others environment local names."""
    (found,) = load(assembly.folder / "assembly-local")
    deployed = (None, "flight-delays")
    return Estate(
        found.name,
        [each for each in found.templates if workload_of(each.stack.removeprefix("mlops-local-")) in deployed],
    )


def test_every_unused_permission_has_a_reason(local: Estate) -> None:
    left = unexplained(unused(local, read_summary(RECORDED)), read_reasons(REASONS))
    assert not left, "remove the permission, or say in reasons.json why it stays:\n" + "\n".join(map(str, left))


def test_no_reason_outlives_its_permission(local: Estate) -> None:
    old = stale(unused(local, read_summary(RECORDED)), read_reasons(REASONS))
    assert not old, "remove from reasons.json:\n" + "\n".join(map(str, old))


def test_everything_the_run_used_is_granted(local: Estate) -> None:
    held = granted(local)
    missing = [
        f"{role}: {action}"
        for role, actions in read_summary(RECORDED).items()
        for action in actions
        if not any(each.allows and each.covers_action(action) for each in held.get(role, ()))
    ]
    assert not missing, "the record is older than the templates:\n" + "\n".join(missing)


STACK = "app-data"


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


def role(**policy: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": [policy]}}]},
    }


@pytest.fixture
def small() -> Estate:
    reads = role(Effect="Allow", Action=["s3:GetObject", "s3:Put*"], Resource="arn:aws:s3:::b/*")
    attached = {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyName": "more",
            "Roles": [{"Ref": "Reader"}],
            "PolicyDocument": {
                "Statement": [
                    {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"},
                    {"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"},
                ]
            },
        },
    }
    return from_templates({STACK: template(Reader=reads, More=attached)}, name="small")


def test_unused_is_granted_less_used(small: Estate) -> None:
    path = f"{STACK}/Reader"
    assert unused(small, {path: frozenset({"s3:putobject"})}) == [
        Unused(path, "s3:GetObject", ("arn:aws:s3:::b/*",)),
        Unused(path, "sqs:SendMessage", ("*",)),
    ]


def test_a_role_that_never_acted_used_nothing(small: Estate) -> None:
    assert [each.action for each in unused(small, {})] == ["s3:GetObject", "s3:Put*", "sqs:SendMessage"]


def test_reasons_cover_whole_names(small: Estate) -> None:
    found = unused(small, {})
    reason = Reason(role=".*/Reader", action="s3:get", reason="only the beginning of the name")
    assert unexplained(found, [reason]) == found
    assert stale(found, [reason]) == [reason]


def decisions(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def decision(name: str, action: str, *, allowed: bool = True) -> dict[str, Any]:
    arn = f"arn:aws:iam::111122223333:role/mlops/{name}"
    return {"role": arn, "action": action, "resource": "*", "allowed": allowed}


def test_decisions_are_folded_by_role(small: Estate, tmp_path: Path) -> None:
    name = f"{STACK}-Reader-0123456789ABC"
    log = decisions(
        tmp_path / "usage.jsonl",
        decision(name, "s3:GetObject"),
        decision(name, "sqs:SendMessage", allowed=False),
        decision("cdk-deploy-role", "s3:PutObject"),
    )
    used = read_decisions(log, small)
    assert used == {f"{STACK}/Reader": frozenset({"s3:getobject"})}
    write_summary(tmp_path / "usage.json", used)
    assert read_summary(tmp_path / "usage.json") == used


def test_a_run_of_other_templates_is_refused(small: Estate, tmp_path: Path) -> None:
    log = decisions(tmp_path / "usage.jsonl", decision("other-Role-0123456789ABC", "s3:GetObject"))
    with pytest.raises(UsageError, match="is it a run of these templates"):
        read_decisions(log, small)


def test_long_names_cut_to_the_same_beginning_are_told_apart() -> None:
    ids = [f"{'TrainingFunctionsOfTheWorkload' * 2}{end}" for end in ("A", "B")]
    grants = role(Effect="Allow", Action="s3:GetObject", Resource="*")
    estate = from_templates({STACK: template(**dict.fromkeys(ids, grants))})
    beginning = f"arn:aws:iam::111122223333:role/{STACK}-{ids[0]}"[: 31 + 51]
    suffix = hashlib.sha256(f"{STACK}:{ids[1]}".encode()).hexdigest()[:13].upper()
    found = role_of(estate, f"{beginning}{suffix}")
    assert found is not None
    assert found.logical_id == ids[1]
    with pytest.raises(UsageError, match="could be each of"):
        role_of(estate, f"{beginning}0123456789ABC")


def test_a_reason_must_be_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "reasons.json"
    path.write_text(json.dumps([{"role": ".*", "action": ".*", "reason": "needed"}]))
    with pytest.raises(UsageError, match="needs a sentence"):
        read_reasons(path)


def test_the_command_lists_what_nobody_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = template(Reader=role(Effect="Allow", Action="s3:GetObject", Resource="arn:aws:s3:::b/*"))
    (tmp_path / "data.json").write_text(json.dumps(body))
    (tmp_path / "used").mkdir()
    summary = tmp_path / "used" / "usage.json"
    summary.write_text("{}")
    assert cli.main([str(tmp_path / "data.json"), str(summary)]) == 1
    assert "data/Reader: s3:GetObject on arn:aws:s3:::b/*" in capsys.readouterr().out
    summary.write_text(json.dumps({"data/Reader": ["s3:getobject"]}))
    assert cli.main([str(tmp_path / "data.json"), str(summary)]) == 0
    assert cli.main([str(tmp_path / "data.json"), str(tmp_path / "gone.json")]) == 2
