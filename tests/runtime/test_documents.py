"""A document that is not there is told from one that may not be read, whatever S3 says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from mlops_runtime import aws
from mlops_runtime.documents import open_object
from mlops_runtime.layout import S3Uri

if TYPE_CHECKING:
    from collections.abc import Iterator

URI = S3Uri("lake", "w/runs/1.json")
WHERE = {"Bucket": URI.bucket, "Key": URI.key}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    aws.s3.cache_clear()
    with Stubber(aws.s3()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()
    aws.s3.cache_clear()


@pytest.mark.parametrize("others", [[], ["w/runs/1.json.old"]])
def test_who_lists_some_prefixes_is_refused_what_is_not_there(s3: Stubber, others: list[str]) -> None:
    s3.add_client_error("get_object", "AccessDenied", expected_params=WHERE)
    s3.add_response("list_objects_v2", {"Contents": [{"Key": key} for key in others]})
    with pytest.raises(FileNotFoundError):
        open_object(URI)


def test_what_is_listed_is_refused_for_want_of_permission(s3: Stubber) -> None:
    s3.add_client_error("get_object", "AccessDenied", expected_params=WHERE)
    s3.add_response("list_objects_v2", {"Contents": [{"Key": URI.key}]})
    with pytest.raises(ClientError, match="AccessDenied"):
        open_object(URI)


def test_who_lists_the_bucket_is_told(s3: Stubber) -> None:
    s3.add_client_error("get_object", "NoSuchKey", expected_params=WHERE)
    with pytest.raises(FileNotFoundError):
        open_object(URI)


def test_other_errors_keep_their_names(s3: Stubber) -> None:
    s3.add_client_error("get_object", "SlowDown", expected_params=WHERE)
    with pytest.raises(ClientError, match="SlowDown"):
        open_object(URI)
