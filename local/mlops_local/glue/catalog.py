"""The Glue catalog: the emulator's, with permissions on catalog, database and table, and partition predicates."""

from __future__ import annotations

import json
from typing import Any

from ..awsjson import Request, ServiceError
from .access import Access
from .predicates import PredicateError, matching

_PAGE = 1000


class Catalog:
    """Databases, tables and partitions."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def forward(self, request: Request) -> dict[str, Any]:
        """Checks an operation of the catalog and lets the emulator answer it."""
        self._access.check_catalog(request)
        if "Partition" in request.operation:
            self._table(request.parameters)
        return self._emulated(request.operation, request.parameters)

    def get_partitions(self, request: Request) -> dict[str, Any]:
        """GetPartitions with `Expression` and paging."""
        parameters = request.parameters
        self._access.check_catalog(request)
        table = self._table(parameters)
        names = {"DatabaseName": parameters["DatabaseName"], "TableName": parameters["TableName"]}
        partitions = self._emulated("GetPartitions", names)["Partitions"]
        try:
            found = matching(parameters.get("Expression", ""), table.get("PartitionKeys", []), partitions)
        except PredicateError as error:
            raise ServiceError("InvalidInputException", str(error)) from error
        start = int(parameters.get("NextToken") or 0)
        size = parameters.get("MaxResults", _PAGE)
        token = str(start + size) if start + size < len(found) else None
        return {"Partitions": found[start : start + size], "NextToken": token}

    def _table(self, parameters: dict[str, Any]) -> dict[str, Any]:
        names = {"DatabaseName": parameters["DatabaseName"], "Name": parameters["TableName"]}
        table: dict[str, Any] = self._emulated("GetTable", names)["Table"]
        return table

    def _emulated(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        from ministack.services import glue

        headers = {"x-amz-target": f"AWSGlue.{operation}"}
        status, _, body = glue._handle_request_sync("POST", "/", headers, json.dumps(parameters).encode(), {})
        answer: dict[str, Any] = json.loads(body or b"{}")
        if status >= 300:
            raise ServiceError(answer.get("__type", "InternalServiceException"), answer.get("message", ""), status)
        return answer


CATALOG_OPERATIONS = (
    "CreateDatabase",
    "DeleteDatabase",
    "GetDatabase",
    "GetDatabases",
    "UpdateDatabase",
    "CreateTable",
    "DeleteTable",
    "GetTable",
    "GetTables",
    "UpdateTable",
    "BatchDeleteTable",
    "CreatePartition",
    "DeletePartition",
    "GetPartition",
    "BatchCreatePartition",
    "BatchGetPartition",
    "BatchUpdatePartition",
)
OTHER_OPERATIONS = (
    "CreateConnection",
    "DeleteConnection",
    "GetConnection",
    "GetConnections",
    "CreateSecurityConfiguration",
    "DeleteSecurityConfiguration",
    "GetSecurityConfiguration",
    "GetSecurityConfigurations",
    "TagResource",
    "UntagResource",
    "GetTags",
)
"""What the emulator does for real besides the catalog; crawlers and triggers would only pretend to run."""
