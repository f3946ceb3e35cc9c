import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from cloudformation_validate import SchemaValidator

from mlops_constructs.compliance.estate import from_templates
from mlops_constructs.compliance.rules import ALL
from mlops_constructs.compliance.rules.expectations import DATA, MISSING, leaves
from mlops_constructs.compliance.template import ACCOUNT
from tests.compliance.pack.judging import KEY, RULES, failed, judged, passes, resource

TABLES = {name: json.loads((DATA / f"{name}.json").read_text()) for name in ("properties", "reviewed")}
DECISIONS = json.loads((DATA / "decisions.json").read_text())
UNKNOWN_PROPERTY = "F3002"


def rows() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for table in TABLES.values():
        for rule, types in table.items():
            for kind, entries in types.items():
                yield from ((rule, kind, {"anchor": "", **row}) for row in entries)


def fill(node: Any, parts: list[str]) -> None:
    head, *rest = parts
    place = 0 if isinstance(node, list) else head
    if isinstance(node, list) and not node:
        node.append({} if rest else "x")
    if rest:
        child = node[place] if isinstance(node, list) else node.get(place)
        if not isinstance(child, (dict, list)):
            node[place] = [] if rest[0] == "*" else {}
        fill(node[place], rest)
    elif isinstance(node, dict):
        node.setdefault(head, "x")


@pytest.fixture(scope="module")
def schemas() -> SchemaValidator:
    return SchemaValidator()


def diagnosed(schemas: SchemaValidator, paths: dict[str, set[str]]) -> set[str]:
    """Types of which the schemas of AWS do not know a property that a template with exactly these sets."""
    resources = {}
    for number, (kind, given) in enumerate(sorted(paths.items())):
        properties: dict[str, Any] = {}
        for path in sorted(given, key=len, reverse=True):
            fill(properties, path.split("."))
        resources[f"R{number}"] = resource(kind, properties)
    found = schemas.validate(json.dumps({"Resources": resources}).encode())
    return {str(each.entity.resource_type) for each in found if each.rule_id == UNKNOWN_PROPERTY}


def known(schemas: SchemaValidator, kinds: Iterable[str]) -> set[str]:
    """The types among these that the schemas know: they complain about a property nobody has."""
    return diagnosed(schemas, {kind: {"NoSuchThing"} for kind in kinds})


def test_every_path_of_the_tables_exists_in_the_schemas(schemas: SchemaValidator) -> None:
    paths: dict[str, set[str]] = {}
    for _, kind, row in rows():
        below = [*row.get("unless", ()), *row.get("only", ()), *row.get("only_not", ())]
        anchor = [row["anchor"]] if row["anchor"] else []
        paths.setdefault(kind, set()).update([row["path"], *anchor, *(".".join([*anchor, path]) for path in below)])
    assert len(paths) > 300
    assert diagnosed(schemas, paths) == set()
    assert known(schemas, paths) == set(paths)


def test_the_schemas_would_tell_a_path_that_does_not_exist(schemas: SchemaValidator) -> None:
    assert diagnosed(schemas, {"AWS::SQS::Queue": {"KmsMasterKeyIdentifier"}})
    assert diagnosed(schemas, {"AWS::S3::Bucket": {"BucketEncryption.ServerSideEncryptionConfiguration.*.NoSuchThing"}})


def test_stateful_types_exist(schemas: SchemaValidator) -> None:
    kinds = set(json.loads((DATA / "stateful.json").read_text()))
    assert known(schemas, kinds) == kinds
    assert known(schemas, {"AWS::S3::Bukket"}) == set()


def test_a_property_stands_in_the_tables_once() -> None:
    seen = [(rule, kind, row["path"]) for rule, kind, row in rows()]
    assert sorted(seen) == sorted(set(seen))


def test_every_exclusion_has_a_reason_and_every_table_a_rule() -> None:
    assert all(len(reason) > 5 for reason in DECISIONS["excluded"].values())
    assert {rule for rule, _, _ in rows()} <= {rule.id for rule in ALL}


def test_nothing_is_both_excluded_and_judged() -> None:
    judged_paths = {f"{kind}.{row['path']}" for _, kind, row in rows()}
    assert not judged_paths & set(DECISIONS["excluded"])


@pytest.mark.parametrize(
    ("rule", "kind", "row"), [(r, k, row) for r, k, row in rows() if row["expect"] == {"key": True}]
)
def test_every_key_of_every_type_is_missed(rule: str, kind: str, row: dict[str, Any]) -> None:
    """A resource that has everything but the key fails, one with it passes."""
    properties: dict[str, Any] = {}
    if row["anchor"]:
        fill(properties, [*row["anchor"].split("."), "Marker"])
    for path, values in row.get("only", {}).items():
        place = [part for part in f"{row['anchor']}.{path}".split(".") if part]
        fill(properties, place)
        _put(properties, ["0" if part == "*" else part for part in place], values[0] if values else "x")
    assert failed(rule, {"It": resource(kind, properties)}), row
    fill(properties, row["path"].split("."))
    broken = judged(rule, {"It": resource(kind, properties)})
    detail = next(name for (_, name), ok in broken.items() if not ok and _same(name, row["path"]))
    _put(properties, detail.split("."), KEY)
    assert judged(rule, {"It": resource(kind, properties)})["It", detail]


def _same(place: str, path: str) -> bool:
    return ["*" if part.isdigit() else part for part in place.split(".")] == path.split(".")


def _put(node: Any, parts: list[str], value: Any) -> None:
    for part in parts[:-1]:
        node = node[int(part)] if isinstance(node, list) else node[part]
    node[parts[-1]] = value


def test_leaves_names_places_and_says_what_is_missing() -> None:
    node = {"Rules": [{"Key": "a"}, {}], "Empty": []}
    assert list(leaves(node, ["Rules", "*", "Key"])) == [("Rules.0.Key", "a"), ("Rules.1.Key", MISSING)]
    assert list(leaves(node, ["Empty", "*", "Key"])) == [("Empty.*.Key", MISSING)]


@pytest.mark.parametrize(
    ("key", "ok"),
    [
        (KEY, True),
        ("alias/my-key", True),
        ("1234abcd-12ab-34cd-56ef-1234567890ab", True),
        ("mrk-1234abcd12ab34cd56ef1234567890ab", True),
        ({"Ref": "KeyParameter"}, True),
        ({"Fn::GetAtt": ["Key", "Arn"]}, True),
        ({"Fn::GetAtt": ["Topic", "TopicArn"]}, False),
        ("alias/aws/sqs", False),
        ("arn:aws:kms:eu-west-1:111122223333:alias/aws/sqs", False),
        ("", False),
        ("AES256", False),
        ("none", False),
    ],
)
def test_a_key_of_the_customer_is_told_from_others(key: Any, ok: bool) -> None:
    resources = {
        "Queue": resource("AWS::SQS::Queue", {"KmsMasterKeyId": key}),
        "Key": resource("AWS::KMS::Key"),
        "Topic": resource("AWS::SNS::Topic", {"KmsMasterKeyId": KEY}),
    }
    parameters = {"KeyParameter": {"Type": "String"}}
    assert passes("ENC-1.customer-key", resources, parameters=parameters) is ok


def test_a_key_of_another_account_is_found_where_the_own_account_is_known() -> None:
    queue = {"Queue": resource("AWS::SQS::Queue", {"KmsMasterKeyId": KEY.replace("111122223333", "444455556666")})}
    for account, ok in (("444455556666", True), ("777788889999", False), (ACCOUNT, True)):
        estate = from_templates({"stack": {"Resources": queue}}, account=account)
        assert all(each.ok for each in RULES["ENC-1.customer-key"].check(estate)) is ok


def test_a_value_known_only_at_deployment_is_no_secure_value() -> None:
    table = resource("AWS::DynamoDB::Table", {"SSESpecification": {"SSEEnabled": {"Ref": "Encrypted"}}})
    assert failed("ENC-1.encryption-on", {"Table": table}, parameters={"Encrypted": {"Type": "String"}})
