"""What the solver says of policies: never silent about something new, and its witness is a request that passes."""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_constructs.compliance.diff.access import Witness, newly_allowed
from mlops_constructs.compliance.policy import parse

Statement = dict[str, Any]
Request = tuple[str, str, Mapping[str, str]]

ACTIONS = ("s3:getobject", "s3:getobjectacl", "s3:putobject", "iam:passrole")
RESOURCES = ("arn:aws:s3:::b/x", "arn:aws:s3:::b/y", "arn:aws:s3:::c/x", "role/r")
KEYS: dict[str, tuple[str | None, ...]] = {"aws:sourceaccount": (None, "1", "2"), "s3:prefix": (None, "a/", "b/")}
UNIVERSE: tuple[Request, ...] = tuple(
    (action, resource, {key: value for key, value in zip(KEYS, values, strict=True) if value is not None})
    for action in ACTIONS
    for resource in RESOURCES
    for values in itertools.product(*KEYS.values())
)


def allowed(statements: Sequence[Statement], request: Request) -> bool:
    """IAM as its documentation tells it, by trying every statement: the reference the solver is held against."""
    hits = [each["Effect"] for each in statements if _applies(each, request)]
    return "Allow" in hits and "Deny" not in hits


def _applies(statement: Statement, request: Request) -> bool:
    action, resource, keys = request
    if "NotAction" in statement:
        what = not any(_like(each.lower(), action) for each in statement["NotAction"])
    else:
        what = any(_like(each.lower(), action) for each in statement["Action"])
    if "NotResource" in statement:
        where = not any(_like(each, resource) for each in statement["NotResource"])
    else:
        where = any(_like(each, resource) for each in statement["Resource"])
    tests = [(o, k, v) for o, pairs in statement.get("Condition", {}).items() for k, v in pairs.items()]
    return what and where and all(_holds(operator, keys.get(key), values) for operator, key, values in tests)


def _holds(operator: str, value: str | None, wanted: Sequence[str]) -> bool:
    match operator:
        case "StringEquals":
            return value in wanted
        case "StringLike":
            return value is not None and any(_like(each, value) for each in wanted)
        case "StringNotEquals":
            return value not in wanted
        case "StringEqualsIfExists":
            return value is None or value in wanted
        case "Null":
            return (value is None) == (wanted[0] == "true")
    raise AssertionError(operator)


def _like(pattern: str, text: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


conditions = st.one_of(
    st.none(),
    st.builds(
        lambda operator, key, values: {operator: {key: values}},
        st.sampled_from(("StringEquals", "StringLike", "StringNotEquals", "StringEqualsIfExists")),
        st.sampled_from(("aws:sourceaccount", "s3:prefix")),
        some("1", "2", "a/", "*", "?/"),
    ),
    st.sampled_from(({"Null": {"s3:prefix": ["true"]}}, {"Null": {"s3:prefix": ["false"]}})),
)
statements = st.builds(
    lambda effect, what, actions, where, resources, condition: {
        "Effect": effect,
        what: actions,
        where: resources,
        **({"Condition": condition} if condition else {}),
    },
    st.sampled_from(("Allow", "Allow", "Deny")),
    st.sampled_from(("Action", "Action", "NotAction")),
    some("s3:GetObject", "s3:Get*", "s3:*", "*", "iam:PassRole", "s3:?utObject"),
    st.sampled_from(("Resource", "Resource", "NotResource")),
    some("arn:aws:s3:::b/*", "arn:aws:s3:::b/x", "*", "role/r", "arn:aws:s3:::?/x"),
    conditions,
)
policies = st.lists(statements, max_size=3)


@settings(max_examples=120, deadline=None)
@given(old=policies, new=policies)
def test_whatever_a_request_gains_is_reported(old: list[Statement], new: list[Statement]) -> None:
    gained = [each for each in UNIVERSE if allowed(new, each) and not allowed(old, each)]
    witness = newly_allowed(parse(old), parse(new))
    if gained:
        assert witness is not None, f"silent about {gained[0]}"
    if witness is not None:
        request = (witness.action, witness.resource, witness.conditions)
        assert allowed(new, request), f"{witness} is not allowed at all"
        assert not allowed(old, request), f"{witness} was allowed before"


@settings(max_examples=60, deadline=None)
@given(policy=policies)
def test_a_policy_gains_nothing_over_itself_in_other_order(policy: list[Statement]) -> None:
    assert newly_allowed(parse(policy), parse([*reversed(policy)])) is None


def allow(actions: str | list[str], resource: str, **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def gained(old: list[Statement], new: list[Statement], outside: str = "") -> Witness | None:
    return newly_allowed(parse(old), parse(new), outside=outside)


def test_the_witness_speaks_plainly() -> None:
    witness = gained([allow("s3:GetObject", "arn:aws:s3:::lake/a/*")], [allow("s3:GetObject", "arn:aws:s3:::lake/*")])
    assert str(witness) == "s3:getobject on arn:aws:s3:::lake/"


def test_a_statement_split_in_two_is_no_widening() -> None:
    old = [allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::b/*")]
    new = [allow("s3:GetObject", "arn:aws:s3:::b/*"), allow("s3:PutObject", "arn:aws:s3:::b/*")]
    assert gained(old, new) is None


def test_a_deny_that_goes_is_a_widening() -> None:
    deny = {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}
    witness = gained([allow("s3:*", "*"), deny], [allow("s3:*", "*")])
    assert witness is not None
    assert witness.action.startswith("s3:delete")


@pytest.mark.parametrize(
    "condition",
    [
        {"NumericLessThan": {"s3:max-keys": "10"}},
        {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}},
        {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    ],
)
def test_what_strings_cannot_say_still_widens_when_dropped(condition: Statement) -> None:
    narrow = [allow("s3:GetObject", "*", Condition=condition)]
    assert gained(narrow, [allow("s3:GetObject", "*")]) is not None
    assert gained(narrow, narrow * 2) is None


def test_a_policy_variable_is_narrower_than_a_wildcard() -> None:
    own = [allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*")]
    assert gained(own, [allow("s3:GetObject", "arn:aws:s3:::home/*")]) is not None
    assert gained([allow("s3:GetObject", "arn:aws:s3:::home/*")], own) is None


TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole"}
ACCOUNT = "111122223333"


@pytest.mark.parametrize(
    ("principal", "foreign"),
    [
        ({"AWS": "*"}, True),
        ("*", True),
        ({"AWS": "arn:aws:iam::999988887777:root"}, True),
        ({"AWS": "999988887777"}, True),
        ({"Federated": "accounts.google.com"}, True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}, False),
        ({"AWS": ACCOUNT}, False),
        ({"Service": "lambda.amazonaws.com"}, False),
    ],
)
def test_strangers_are_told_from_the_account(principal: Any, foreign: bool) -> None:
    witness = gained([], [{**TRUST, "Principal": principal}], outside=ACCOUNT)
    assert (witness is not None) == foreign


@pytest.mark.parametrize(
    ("condition", "foreign"),
    [
        ({"StringEquals": {"kms:CallerAccount": ACCOUNT}}, False),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/x*"}}, False),
        ({"StringEquals": {"aws:PrincipalAccount": "999988887777"}}, True),
        ({"StringLike": {"kms:CallerAccount": "*"}}, True),
    ],
)
def test_a_condition_on_the_caller_keeps_strangers_out(condition: Statement, foreign: bool) -> None:
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Principal": {"AWS": "*"}}
    witness = gained([], [{**statement, "Condition": condition}], outside=ACCOUNT)
    assert (witness is not None) == foreign
