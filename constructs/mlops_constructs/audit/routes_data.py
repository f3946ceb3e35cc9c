"""Which findings wake a person and which are only kept, as EventBridge patterns. Imports nothing of the CDK.

With Security Hub every service's findings arrive through it, in one format. Without it each service's own event is
used, so that a finding is told once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Pattern = Mapping[str, object]
ALL_SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")
_SCORES = {"CRITICAL": 9.0, "HIGH": 7.0, "MEDIUM": 4.0, "LOW": 1.0}
_ENDS = {"CRITICAL": 10.1, "HIGH": 9.0, "MEDIUM": 7.0, "LOW": 4.0}


def hub_pattern(severities: Sequence[str]) -> Pattern:
    """New and active findings of Security Hub."""
    return {
        "source": ["aws.securityhub"],
        "detail-type": ["Security Hub Findings - Imported"],
        "detail": {
            "findings": {
                "Severity": {"Label": list(severities)},
                "Workflow": {"Status": ["NEW"]},
                "RecordState": ["ACTIVE"],
            }
        },
    }


def service_patterns(part: str, severities: Sequence[str]) -> list[Pattern]:
    """Findings of one service as it sends them itself.

    Args:
        part: Part of the audit section: guardduty, macie, access_analyzer, inspector.
        severities: Labels; a service without some of them sends no such finding.
    """
    match part:
        case "guardduty":
            ranges = [{"numeric": [">=", _SCORES[each], "<", _ENDS[each]]} for each in severities if each in _SCORES]
            return [_pattern("aws.guardduty", "GuardDuty Finding", {"severity": ranges})]
        case "macie":
            labels = [each.title() for each in severities if each in ("HIGH", "MEDIUM", "LOW")]
            return [_pattern("aws.macie", "Macie Finding", {"severity": {"description": labels}})]
        case "access_analyzer":
            # Access from outside has no severity: the service speaks up only when somebody outside can get in.
            return [_pattern("aws.access-analyzer", "Access Analyzer Finding", {"status": ["ACTIVE"]})]
        case "inspector":
            detail = {"severity": list(severities), "status": ["ACTIVE"]}
            return [_pattern("aws.inspector2", "Inspector2 Finding", detail)]
    return []


def _pattern(source: str, detail_type: str, detail: Mapping[str, object]) -> Pattern:
    return {"source": [source], "detail-type": [detail_type], "detail": detail}
