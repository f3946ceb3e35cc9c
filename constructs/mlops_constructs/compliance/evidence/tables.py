"""The review's checks as one CSV table, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from mlops_constructs.compliance.evidence.statuses import OF_CHECK

COLUMNS = (
    "status",
    "tool",
    "rule",
    "finding",
    "severity",
    "controls",
    "references",
    "path",
    "type",
    "stack",
    "template",
    "line",
    "message",
    "remedy",
    "waiver_owner",
    "waiver_review",
    "waiver_reason",
    "compensating_control",
    "ticket",
)


def findings_csv(document: Mapping[str, Any]) -> str:
    """Every check, passes too, one a line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for check in document["checks"]:
        waiver = document["waivers"][check["waiver"]] if check["waiver"] is not None else {}
        row = {
            **check,
            "status": OF_CHECK[check["status"]],
            "type": check["resource_type"],
            "template": f"templates/{check['template']}",
            "controls": " ".join(check["controls"]),
            "references": "; ".join(check["references"]),
            "waiver_owner": waiver.get("owner", ""),
            "waiver_review": waiver.get("review", ""),
            "waiver_reason": waiver.get("reason", ""),
            "compensating_control": waiver.get("compensating_control", ""),
            "ticket": waiver.get("ticket", ""),
        }
        writer.writerow([_plain(row[column]) for column in COLUMNS])
    return out.getvalue()


def _plain(value: object) -> str:
    """A text no spreadsheet takes for a formula: findings hold what a template's author wrote."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
