"""Glue Data Quality rulesets: DQDL kept under a name, checked when it is stored."""

from __future__ import annotations

import threading

from ..awsjson import Request, ServiceError
from ..dqdl import DqdlError, parse
from .access import Access
from .jobs import Record, invalid, missing, now

_SUMMARY = ("Name", "Description", "CreatedOn", "LastModifiedOn", "TargetTable")


class Rulesets:
    """CreateDataQualityRuleset and its siblings."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._rulesets: dict[str, Record] = {}
        self._lock = threading.Lock()

    def create(self, request: Request) -> Record:
        """CreateDataQualityRuleset; a repeated call with the same ClientToken succeeds."""
        parameters = request.parameters
        name = parameters["Name"]
        self._access.check(request, f"dataQualityRuleset/{name}")
        _check(parameters["Ruleset"])
        with self._lock:
            known, token = self._rulesets.get(name), parameters.get("ClientToken")
            if known is not None and not (token and known["ClientToken"] == token):
                raise ServiceError("AlreadyExistsException", f"Ruleset {name} already exists")
            kept = {
                key: parameters.get(key) for key in ("Name", "Description", "Ruleset", "TargetTable", "ClientToken")
            }
            self._rulesets[name] = {**kept, "CreatedOn": now(), "LastModifiedOn": now()}
        return {"Name": name}

    def update(self, request: Request) -> Record:
        """UpdateDataQualityRuleset."""
        parameters = request.parameters
        name = parameters["Name"]
        self._access.check(request, f"dataQualityRuleset/{name}")
        ruleset = self.find(name)
        if "Ruleset" in parameters:
            _check(parameters["Ruleset"])
        changes: Record = {key: parameters[key] for key in ("Description", "Ruleset") if key in parameters}
        ruleset.update({**changes, "LastModifiedOn": now()})
        return {"Name": name, **{key: ruleset.get(key) for key in ("Description", "Ruleset")}}

    def get(self, request: Request) -> Record:
        """GetDataQualityRuleset."""
        name = request.parameters["Name"]
        self._access.check(request, f"dataQualityRuleset/{name}")
        return self.find(name)

    def delete(self, request: Request) -> Record:
        """DeleteDataQualityRuleset."""
        name = request.parameters["Name"]
        self._access.check(request, f"dataQualityRuleset/{name}")
        with self._lock:
            self.find(name)
            del self._rulesets[name]
        return {}

    def list_all(self, request: Request) -> Record:
        """ListDataQualityRulesets, filtered by name and target table."""
        self._access.check(request, "dataQualityRuleset/*")
        parameters, wanted = request.parameters, request.parameters.get("Filter", {})
        found = [
            {**{key: ruleset.get(key) for key in _SUMMARY}, "RuleCount": len(parse(ruleset["Ruleset"]))}
            for name, ruleset in sorted(self._rulesets.items())
            if wanted.get("Name") in (None, name) and wanted.get("TargetTable") in (None, ruleset["TargetTable"])
        ]
        start, size = int(parameters.get("NextToken") or 0), parameters.get("MaxResults", 100)
        token = str(start + size) if start + size < len(found) else None
        return {"Rulesets": found[start : start + size], "NextToken": token}

    def find(self, name: str) -> Record:
        """A ruleset's record.

        Raises:
            ServiceError: no such ruleset.
        """
        if name not in self._rulesets:
            raise missing(f"Data quality ruleset {name}")
        return self._rulesets[name]


def _check(ruleset: str) -> None:
    try:
        parse(ruleset)
    except DqdlError as error:
        raise invalid(f"Parsing error in the ruleset: {error}") from error
