"""Intrinsic functions give what CloudFormation gives, or say that it is unknown."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_constructs.compliance.estate import Unknown, from_templates
from mlops_constructs.compliance.resolve import is_false, is_true

PARAMETERS = {
    "Later": {"Type": "String"},
    "Text": {"Type": "String", "Default": "given"},
    "Flag": {"Type": "String", "Default": "true"},
    "Days": {"Type": "Number", "Default": "7"},
    "List": {"Type": "CommaDelimitedList", "Default": "a, b"},
    "Image": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/aws/image"},
}
CONDITIONS = {
    "IsOn": {"Fn::Equals": [{"Ref": "Flag"}, "true"]},
    "IsOff": {"Fn::Not": [{"Condition": "IsOn"}]},
    "Open": {"Fn::Equals": [{"Ref": "Later"}, "x"]},
    "Both": {"Fn::And": [{"Condition": "IsOff"}, {"Condition": "Open"}]},
    "Either": {"Fn::Or": [{"Condition": "IsOn"}, {"Condition": "Open"}]},
}
RESOURCES: dict[str, Any] = {
    "Bucket": {"Type": "AWS::S3::Bucket"},
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${AWS::StackName}-jobs"}}},
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"Path": "/mlops/dev/", "RoleName": "runner"}},
    "Self": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Self"}}},
    "Model": {"Type": "AWS::SageMaker::Model"},
    "Strange": {"Type": "Custom::Thing"},
    "Group": {"Type": "AWS::EC2::SecurityGroup"},
}


def resolved(value: object) -> Any:
    """Return the value as a property of a resource comes out."""
    template = {
        "Parameters": PARAMETERS,
        "Conditions": CONDITIONS,
        "Mappings": {"Regions": {"us-east-1": {"bucket": "logs-east"}}},
        "Resources": {**RESOURCES, "Probe": {"Type": "T::S::Probe", "Properties": {"Value": value}}},
    }
    return next(from_templates({"stack": template}).of("T::S::Probe")).properties.get("Value", "absent")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"Ref": "AWS::AccountId"}, "111122223333"),
        ({"Ref": "AWS::NoValue"}, "absent"),
        ([{"Ref": "AWS::NoValue"}, 1], [1]),
        ({"Ref": "Text"}, "given"),
        ({"Ref": "Flag"}, True),
        ({"Ref": "Days"}, 7),
        ({"Ref": "List"}, ["a", "b"]),
        ({"Ref": "Bucket"}, "stack-bucket"),
        ({"Ref": "Queue"}, "https://sqs.us-east-1.amazonaws.com/111122223333/stack-jobs"),
        ({"Ref": "Role"}, "runner"),
        ({"Ref": "Model"}, "arn:aws:sagemaker:us-east-1:111122223333:model/stack-Model"),
        ({"Ref": "Self"}, "arn:aws:sns:us-east-1:111122223333:arn:aws:sns:us-east-1:111122223333:Self"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "arn:aws:iam::111122223333:role/mlops/dev/runner"),
        ({"Fn::GetAtt": "Queue.Arn"}, "arn:aws:sqs:us-east-1:111122223333:stack-jobs"),
        ({"Fn::GetAtt": ["Queue", "QueueName"]}, "stack-jobs"),
        ({"Fn::GetAtt": ["Model", "ModelName"]}, "stack-Model"),
        ({"Fn::GetAtt": ["Group", "GroupId"]}, "sg-stack-Group"),
        ({"Fn::Join": ["/", ["a", {"Ref": "Text"}, {"Ref": "Flag"}, 3]]}, "a/given/true/3"),
        ({"Fn::Sub": "${Text}:${Bucket.Arn}:${!literal}"}, "given:arn:aws:s3:::stack-bucket:${literal}"),
        ({"Fn::Sub": ["${name}-${AWS::Region}", {"name": {"Ref": "Text"}}]}, "given-us-east-1"),
        ({"Fn::Select": ["1", {"Ref": "List"}]}, "b"),
        ({"Fn::Select": [5, {"Fn::Split": [":", {"Fn::GetAtt": ["Bucket", "Arn"]}]}]}, "stack-bucket"),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "us-east-1a"),
        ({"Fn::Split": ["-", "a-b"]}, ["a", "b"]),
        ({"Fn::If": ["IsOn", 1, 2]}, 1),
        ({"Fn::If": ["IsOff", 1, {"Ref": "AWS::NoValue"}]}, "absent"),
        ({"Fn::If": ["Both", 1, 2]}, 2),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ({"Fn::If": ["Open", "same", "same"]}, "same"),
        ({"Fn::FindInMap": ["Regions", {"Ref": "AWS::Region"}, "bucket"]}, "logs-east"),
        ({"Fn::FindInMap": ["Regions", "x", "bucket", {"DefaultValue": "other"}]}, "other"),
        ({"Fn::Base64": {"Fn::Sub": "echo ${Text}"}}, "echo given"),
        ({"Fn::Length": {"Ref": "List"}}, 2),
        ({"Fn::ToJsonString": {"a": {"Ref": "Text"}}}, '{"a":"given"}'),
        (
            {"Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}},
            {"Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}}},
        ),
    ],
)
def test_a_function_gives_its_value(written: object, expected: object) -> None:
    found = resolved(written)
    assert found == expected
    assert not isinstance(found, Unknown)


@pytest.mark.parametrize(
    "written",
    [
        {"Ref": "Later"},
        {"Ref": "Image"},
        {"Ref": "Nowhere"},
        {"Fn::GetAtt": ["Nowhere", "Arn"]},
        {"Fn::GetAtt": ["Strange", "Answer"]},
        {"Fn::Join": ["", ["arn:aws:s3:::", {"Ref": "Later"}]]},
        {"Fn::Sub": "${Later}/*"},
        {"Fn::Select": [0, {"Ref": "Later"}]},
        {"Fn::Split": [",", {"Fn::If": ["Open", ["a"], ["b"]]}]},
        {"Fn::If": ["Open", True, False]},
        {"Fn::If": ["Missing", True, False]},
        {"Fn::ImportValue": "of-another-app"},
        {"Fn::FindInMap": ["Regions", "x", "bucket"]},
        {"Fn::Transform": {"Name": "AWS::Include"}},
        {"Fn::Length": {"Ref": "Later"}},
    ],
)
def test_what_only_the_deployment_knows_is_unknown(written: object) -> None:
    found = resolved(written)
    assert isinstance(found, Unknown) or (isinstance(found, list) and isinstance(found[0], Unknown))


def test_a_part_that_is_known_stays_known() -> None:
    parts = resolved({"Fn::Split": [":", {"Fn::Join": [":", ["arn", {"Ref": "Later"}]]}]})
    assert [isinstance(part, Unknown) for part in parts] == [False, True]


names = st.text(string.ascii_letters, min_size=1, max_size=12)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names.map("K{}".format), inner, max_size=3)),
    max_leaves=8,
)


@given(plain)
def test_what_holds_no_function_is_left_alone(value: object) -> None:
    assert resolved(value) == value


@given(st.lists(names, min_size=1, max_size=5), st.sampled_from([":", "/", "|"]))
def test_split_undoes_join(parts: list[str], delimiter: str) -> None:
    assert resolved({"Fn::Split": [delimiter, {"Fn::Join": [delimiter, parts]}]}) == parts


@given(st.lists(st.one_of(names, st.just({"Ref": "Later"})), min_size=1, max_size=5))
def test_text_is_unknown_exactly_if_a_part_is(parts: list[object]) -> None:
    assert isinstance(resolved({"Fn::Join": ["", parts]}), Unknown) == ({"Ref": "Later"} in parts)


@given(st.recursive(st.sampled_from(["IsOn", "IsOff", "Open"]), lambda c: st.tuples(st.sampled_from("!&|"), c, c)))
def test_a_condition_that_is_decided_does_not_hang_on_what_is_unknown(tree: Any) -> None:
    """Whatever value the parameter takes, a decided condition gives the same."""
    outcomes = {_holds(tree, later) for later in (False, True)}
    found = _resolved_tree(tree)
    if not isinstance(found, Unknown):
        assert outcomes == {found == "yes"}
    elif len(outcomes) == 1:  # `x or not x`: nobody has to see through that, but never the other way round
        assert found.startswith("${If:")


def test_true_and_false_may_be_text() -> None:
    assert is_true("True") and is_true(True) and not is_true("yes") and not is_true(1)
    assert is_false("false") and is_false(False) and not is_false(None) and not is_false(Unknown("${X}"))


def _holds(tree: Any, later: bool) -> bool:
    if isinstance(tree, str):
        return {"IsOn": True, "IsOff": False, "Open": later}[tree]
    operator, left, right = tree
    if operator == "!":
        return not _holds(left, later)
    pair = (_holds(left, later), _holds(right, later))
    return all(pair) if operator == "&" else any(pair)


def _written(tree: Any) -> dict[str, Any]:
    if isinstance(tree, str):
        return {"Condition": tree}
    operator, left, right = tree
    if operator == "!":
        return {"Fn::Not": [_written(left)]}
    return {"Fn::And" if operator == "&" else "Fn::Or": [_written(left), _written(right)]}


def _resolved_tree(tree: Any) -> Any:
    template = {
        "Parameters": PARAMETERS,
        "Conditions": {**CONDITIONS, "Tree": _written(tree)},
        "Resources": {"Probe": {"Type": "T::S::Probe", "Properties": {"Value": {"Fn::If": ["Tree", "yes", "no"]}}}},
    }
    return next(from_templates({"stack": template}).of("T::S::Probe")).get("Value")
