"""What other runs left behind, for the page: permissions a recorded run used, and the checkers' mutation score."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.estate import Estate, TemplateError
from mlops_constructs.compliance.usage.record import Used
from mlops_constructs.compliance.usage.unused import Reason, unused

Row = dict[str, Any]


def usage_rows(estate: Estate, used: Used, reasons: Sequence[Reason]) -> Row:
    """Per role the permissions a run did not need, each with its reason if one is given.

    A run on another environment speaks for the roles of the same path here: environments differ in their first word.
    Roles of which nothing is on record are named apart, not called unused.
    """
    recorded_as = {_elsewhere(estate, role): role for role in used}
    here = {role: used[name] for role, name in recorded_as.items()}
    roles = {role.path for role in estate.of("AWS::IAM::Role")}
    rows: dict[str, Row] = {
        role: {"role": role, "used": sorted(here[role]), "unused": []} for role in sorted(roles & set(here))
    }
    for each in unused(estate, here):
        if each.role in rows:
            names = (each, replace(each, role=recorded_as[each.role]))
            reason = next((known.reason for known in reasons if any(map(known.covers, names))), "")
            rows[each.role]["unused"].append(
                {"action": each.action, "resources": list(each.resources), "reason": reason}
            )
    return {"roles": list(rows.values()), "not_recorded": sorted(roles - set(here))}


def mutation_row(file: Path | None) -> Row | None:
    """The figures of a mutation run, without its thousands of mutants.

    Raises:
        TemplateError: The file holds no figures.
    """
    if file is None:
        return None
    try:
        loaded = json.loads(file.read_text(encoding="utf-8"))
        return {
            "environment": loaded["environment"],
            "seed": loaded["seed"],
            "mutants": len(loaded["mutants"]),
            "checkers": loaded["checkers"],
            "score": loaded["score"],
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TemplateError(f"{file}: no figures of a mutation run: {error}") from error


def _elsewhere(estate: Estate, role: str) -> str:
    first, _, rest = role.partition("/")
    return role if first == estate.name or not rest else f"{estate.name}/{rest}"
