"""Who may do what in Glue: the resources each operation is checked on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..awsjson import Request
from ..runtime import Runtime

PRINCIPAL = "glue.amazonaws.com"


class Access:
    """Checks Glue requests against the caller's policies, with the ARNs the real service uses."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def arn(self, resource: str) -> str:
        """ARN of `catalog`, `database/x`, `table/x/y`, `job/x` or `dataQualityRuleset/x`."""
        return f"arn:aws:glue:{self._runtime.region}:{self._runtime.account}:{resource}"

    def role_arn(self, name_or_arn: str) -> str:
        """Glue takes roles by name, too."""
        return (
            name_or_arn
            if name_or_arn.startswith("arn:")
            else f"arn:aws:iam::{self._runtime.account}:role/{name_or_arn}"
        )

    def check(self, request: Request, *resources: str) -> None:
        """Checks the request's operation on each resource.

        Args:
            request: The call.
            resources: As `arn` takes them; none means `*`.
        """
        for arn in [self.arn(resource) for resource in resources] or ["*"]:
            self._runtime.authorize(request.headers, f"glue:{request.operation}", arn)

    def check_catalog(self, request: Request) -> None:
        """Checks an operation of the catalog on all resources it touches: catalog, database and table."""
        self.check(request, *_catalog_resources(request.operation, request.parameters))

    def pass_role(self, request: Request, name_or_arn: str) -> None:
        """Checks that the caller may hand the role to Glue."""
        self._runtime.pass_role(request.headers, self.role_arn(name_or_arn), PRINCIPAL)


def _catalog_resources(operation: str, parameters: Mapping[str, Any]) -> list[str]:
    database = parameters.get("DatabaseName")
    if "Table" in operation or "Partition" in operation:
        table = (
            parameters.get("TableName") or parameters.get("TableInput", {}).get("Name") or parameters.get("Name") or "*"
        )
        names = parameters.get("TablesToDelete") or [table]
        return ["catalog", f"database/{database}", *(f"table/{database}/{name}" for name in names)]
    if "Database" in operation:
        name = parameters.get("Name") or parameters.get("DatabaseInput", {}).get("Name") or "*"
        return ["catalog", f"database/{name}"]
    if "Connection" in operation:
        given = parameters.get("ConnectionInput", parameters)
        return ["catalog", f"connection/{given.get('Name') or given.get('ConnectionName') or '*'}"]
    return []
