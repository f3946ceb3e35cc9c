"""The protocol of CloudFormation custom resources: request in, answer to a presigned URL out."""

from __future__ import annotations

import json
import urllib.request
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

# CloudFormation takes answers of at most 4 KiB.
_MAX_REASON = 1000
ANSWER_TIMEOUT_SECONDS = 10


class Request(BaseModel):
    """What CloudFormation sends to a custom resource."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    request_type: Literal["Create", "Update", "Delete"] = Field(alias="RequestType")
    response_url: str = Field(alias="ResponseURL")
    stack_id: str = Field(alias="StackId")
    request_id: str = Field(alias="RequestId")
    logical_resource_id: str = Field(alias="LogicalResourceId")
    physical_resource_id: str = Field(default="", alias="PhysicalResourceId")


def answer(request: Request, *, physical_id: str, failure: str) -> bytes:
    """The answer CloudFormation waits for; an empty `failure` means success.

    The physical id never changes: a new one would make CloudFormation delete the "old" resource, and with it, say, a
    serving endpoint.
    """
    body: dict[str, str | dict[str, str]] = {
        "Status": "FAILED" if failure else "SUCCESS",
        "Reason": failure[:_MAX_REASON],
        "PhysicalResourceId": request.physical_resource_id or physical_id,
        "StackId": request.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": request.logical_resource_id,
        "Data": {},
    }
    return json.dumps(body).encode()


def send(url: str, body: bytes) -> int:
    """PUT an answer to the presigned URL, which allows no content type; returns the HTTP status."""
    sending = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    with urllib.request.urlopen(sending, timeout=ANSWER_TIMEOUT_SECONDS) as response:  # noqa: S310
        return int(response.status)
