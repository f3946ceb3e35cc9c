"""The algebra of policy documents: patterns, principals, conditions, documents anywhere."""

import fnmatch
import itertools
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_constructs.compliance.audience import Audience, account_of, openings
from mlops_constructs.compliance.conditions import parse_conditions
from mlops_constructs.compliance.policy import documents, is_wild, matches, overlaps, parse, texts

ACCOUNT = "111122223333"
PATTERNS = st.text(alphabet="ab:/*?", max_size=8)
WORDS = st.text(alphabet="ab:/", max_size=8)


@given(PATTERNS, WORDS)
def test_a_pattern_covers_what_the_same_glob_covers(pattern, word):
    assert matches(pattern, word) == fnmatch.fnmatchcase(word, pattern)


@given(PATTERNS, PATTERNS)
@settings(max_examples=300)
def test_overlap_is_symmetric(left, right):
    assert overlaps(left, right) == overlaps(right, left)


@given(PATTERNS, PATTERNS, WORDS)
@settings(max_examples=500)
def test_patterns_that_cover_one_word_overlap(left, right, word):
    if matches(left, word) and matches(right, word):
        assert overlaps(left, right)


SHORT = st.text(alphabet="ab*?", max_size=3)
WORDS_OF_SIX = ["".join(letters) for size in range(7) for letters in itertools.product("abc", repeat=size)]


@given(SHORT, SHORT)
@settings(max_examples=100, deadline=None)
def test_patterns_overlap_exactly_when_some_word_is_in_both(left, right):
    assert overlaps(left, right) == any(matches(left, word) and matches(right, word) for word in WORDS_OF_SIX)


@given(PATTERNS)
def test_a_pattern_overlaps_itself_and_everything(pattern):
    assert overlaps(pattern, pattern)
    assert overlaps(pattern, "*")


@given(WORDS)
def test_a_word_covers_only_itself(word):
    assert matches(word, word)
    assert not matches(word, word + "a")


def test_a_policy_variable_is_any_text_but_no_wildcard():
    assert matches("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/anna/x")
    assert not is_wild("arn:aws:s3:::b/${aws:username}/x")
    assert overlaps("${Parameter}", "arn:aws:iam::1:role/a")


def test_actions_match_without_case_and_by_exclusion():
    (statement,) = parse([{"Effect": "Allow", "Action": "S3:get*"}])
    assert statement.covers_action("s3:GetObject")
    assert not statement.covers_action("s3:PutObject")
    (others,) = parse([{"Effect": "Allow", "NotAction": ["iam:*"], "NotResource": "arn:aws:s3:::b"}])
    assert others.covers_action("s3:PutObject")
    assert not others.covers_action("iam:PassRole")
    assert others.covers_resource("arn:aws:s3:::c")
    assert not others.covers_resource("arn:aws:s3:::b")


@pytest.mark.parametrize("broken", ["", "{", "${Unknown}", None, 3, [], {}, {"Statement": "x"}, {"Statement": [1]}])
def test_what_is_no_policy_has_no_statements(broken):
    assert parse(broken) == ()


def test_every_form_of_a_document_is_the_same_statement():
    one = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    forms = [{"Statement": [one]}, {"Statement": one}, [one], one, json.dumps({"Statement": [one]})]
    assert len({parse(form) for form in forms}) == 1


def test_documents_are_found_in_any_property_and_as_text():
    allow = {"Effect": "Allow", "Action": "x:Y", "Principal": "*"}
    properties = {
        "A": {"B": [{"Policy": {"Statement": allow}}]},
        "C": json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
        "Statement": None,
        "D": {"Statement": [{"DataIdentifier": []}]},
    }
    assert sorted(path for path, _ in documents(properties)) == ["A.B.Policy", "C"]
    assert [path for path, _ in documents({"Statement": allow})] == [""]


def test_values_become_texts():
    assert texts([True, "a", ["b"], 3, None, {"c": 1}]) == ("true", "a", "b", "3", "{'c': 1}")


@pytest.mark.parametrize(
    ("condition", "narrows"),
    [
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}, False),
        ({"StringLike": {"aws:SourceArn": "*"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:*:*:*:*"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:1:x*"}}, True),
        ({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}, False),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, False),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}, True),
        ({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}}, False),
        ({"StringEquals": {"aws:SourceAccount": []}}, False),
        ({"Nonsense": "x"}, False),
    ],
)
def test_only_a_condition_that_some_request_fails_narrows(condition, narrows):
    assert any(each.narrows for each in parse_conditions(condition)) is narrows


def audience(principal, account=ACCOUNT, action="s3:GetObject", **condition):
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    if condition:
        statement["Condition"] = condition["condition"]
    return [each.audience for each in openings(parse([statement])[0], account)]


EQUALS = "StringEquals"


@pytest.mark.parametrize(
    ("principal", "condition", "expected"),
    [
        ("*", None, Audience.PUBLIC),
        ({"AWS": "*"}, {"Bool": {"aws:SecureTransport": "true"}}, Audience.PUBLIC),
        ({"AWS": "*"}, {EQUALS: {"aws:PrincipalOrgID": "o-1"}}, Audience.ORGANISATION),
        ({"AWS": "*"}, {"StringLike": {"aws:PrincipalOrgID": "*"}}, Audience.PUBLIC),
        ({"AWS": "*"}, {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, Audience.PUBLIC),
        ({"AWS": "*"}, {EQUALS: {"aws:PrincipalAccount": ACCOUNT}}, Audience.OWN),
        ({"AWS": "*"}, {EQUALS: {"aws:PrincipalAccount": "999988887777"}}, Audience.FOREIGN),
        ({"AWS": "*"}, {EQUALS: {"aws:SourceVpce": "vpce-1"}}, Audience.OWN),
        ({"AWS": "*"}, {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}, Audience.PUBLIC),
        ({"AWS": "*"}, {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:t"}}, Audience.OWN),
        ({"AWS": "*"}, {"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:*:t"}}, Audience.PUBLIC),
        ({"AWS": "*"}, {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}}, Audience.OWN),
        ({"AWS": "*"}, {EQUALS: {"aws:PrincipalTag/team": "x"}}, Audience.PUBLIC),
        ({"AWS": "arn:aws:iam::999988887777:root"}, None, Audience.FOREIGN),
        ({"AWS": "999988887777"}, None, Audience.FOREIGN),
        ({"AWS": ACCOUNT}, None, Audience.OWN),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}, None, Audience.OWN),
        ({"AWS": "${Partner}"}, None, Audience.UNKNOWN),
        ({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}, None, Audience.SERVICE),
        ({"CanonicalUser": "79a5"}, None, Audience.FOREIGN),
        ({"Federated": "cognito-identity.amazonaws.com"}, None, Audience.FEDERATED),
        ({"Service": "sns.amazonaws.com"}, None, Audience.DEPUTY),
        ({"Service": "sns.amazonaws.com"}, {EQUALS: {"aws:SourceAccount": ACCOUNT}}, Audience.SERVICE),
        ({"Service": "sns.amazonaws.com"}, {EQUALS: {"aws:SourceAccount": "999988887777"}}, Audience.FOREIGN),
        ({"Service": "sns.amazonaws.com"}, {"Bool": {"aws:SecureTransport": "true"}}, Audience.DEPUTY),
        ({"Service": "*.amazonaws.com"}, {EQUALS: {"aws:SourceAccount": ACCOUNT}}, Audience.DEPUTY),
        (
            {"Service": "logs.us-east-1.amazonaws.com"},
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:*"}},
            Audience.SERVICE,
        ),
    ],
)
def test_who_a_statement_lets_in(principal, condition, expected):
    found = audience(principal, condition=condition) if condition else audience(principal)
    assert found == [expected]


def test_looking_at_a_key_is_no_use_of_it():
    assert audience({"Service": "events.amazonaws.com"}, action="kms:DescribeKey") == [Audience.SERVICE]
    both = audience({"Service": "events.amazonaws.com"}, action=["kms:DescribeKey", "kms:Decrypt"])
    assert both == [Audience.DEPUTY]


def test_an_allow_for_everybody_but_some_is_public_and_a_deny_lets_nobody_in():
    but = {"Effect": "Allow", "NotPrincipal": {"AWS": ACCOUNT}, "Action": "s3:*", "Resource": "*"}
    assert [each.audience for each in openings(parse([but])[0], ACCOUNT)] == [Audience.PUBLIC]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    assert list(openings(parse([deny])[0], ACCOUNT)) == []


@given(st.from_regex(re.compile(r"[0-9]{12}"), fullmatch=True))
def test_the_account_of_an_arn(account):
    assert account_of(f"arn:aws:iam::{account}:role/a:b") == account
    assert account_of(account) == account
    assert account_of("arn:aws:s3:::bucket/*", anonymous=account) == account
    assert account_of("arn:aws:s3:::*", anonymous=account) == "*"
