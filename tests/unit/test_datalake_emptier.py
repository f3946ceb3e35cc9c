"""The function behind a disposable lake: it deletes every version, once asked to, and always answers."""

import json
import time

import pytest

from bucket_emptier import handler, removal
from mlops_runtime.errors import TeardownFailed


class FakeS3:
    """Two pages of versions and delete markers."""

    def __init__(self, pages, refuse=()) -> None:
        self.pages, self.refuse, self.deleted = pages, refuse, []

    def get_paginator(self, _name):
        return self

    def paginate(self, **call):
        assert call == {"Bucket": "some-bucket"}
        return self.pages

    def delete_objects(self, **call):
        self.deleted += [(o["Key"], o["VersionId"]) for o in call["Delete"]["Objects"]]
        refused = [{"Key": key, "Code": "AccessDenied", "Message": "no"} for key in self.refuse]
        return {"Errors": refused}


PAGES = [
    {"Versions": [{"Key": "a", "VersionId": "1"}], "DeleteMarkers": [{"Key": "a", "VersionId": "2"}]},
    {"Versions": [{"Key": "b", "VersionId": "1"}]},
    {},
]


class Context:
    def get_remaining_time_in_millis(self):
        return 60_000


@pytest.fixture
def answers(monkeypatch):
    sent = []
    monkeypatch.setattr(handler, "send", lambda url, body: sent.append((url, json.loads(body))))
    return sent


def request(kind, **properties):
    return {
        "RequestType": kind,
        "ResponseURL": "https://answer",
        "StackId": "stack",
        "RequestId": "1",
        "LogicalResourceId": "Empty",
        "ResourceProperties": {"ServiceToken": "arn", **properties},
    }


def test_every_version_and_delete_marker_goes():
    s3 = FakeS3(PAGES)
    assert removal.remove_all_versions(s3, "some-bucket", deadline=time.monotonic() + 10) == 3
    assert s3.deleted == [("a", "1"), ("a", "2"), ("b", "1")]


def test_an_object_that_stays_is_an_error():
    with pytest.raises(TeardownFailed, match="s3://some-bucket/a: AccessDenied: no"):
        removal.remove_all_versions(FakeS3(PAGES, refuse=["a"]), "some-bucket", deadline=time.monotonic() + 10)


def test_too_little_time_is_an_error_that_says_what_to_do():
    with pytest.raises(TeardownFailed, match="delete the stack again"):
        removal.remove_all_versions(FakeS3(PAGES), "some-bucket", deadline=time.monotonic() - 1)


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_nothing_is_deleted_before_the_stack_goes(kind, answers, monkeypatch):
    monkeypatch.setattr(handler.aws, "s3", lambda: pytest.fail("S3 was called"))
    handler.handler(request(kind, BucketName="some-bucket"), Context())
    ((url, answer),) = answers
    assert (url, answer["Status"], answer["PhysicalResourceId"]) == ("https://answer", "SUCCESS", "empty-some-bucket")


def test_delete_empties_the_bucket_and_answers(answers, monkeypatch):
    s3 = FakeS3(PAGES)
    monkeypatch.setattr(handler.aws, "s3", lambda: s3)
    handler.handler(request("Delete", BucketName="some-bucket"), Context())
    assert len(s3.deleted) == 3
    assert answers[0][1]["Status"] == "SUCCESS"


def test_a_failure_is_answered_too(answers):
    handler.handler(request("Delete"), Context())
    assert answers[0][1]["Status"] == "FAILED"
    assert "BucketName" in answers[0][1]["Reason"]
