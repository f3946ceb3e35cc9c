"""Finding: what the gate says about one resource and one rule, and what it does to the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mlops_constructs.compliance.rule import Severity
from mlops_constructs.compliance.waivers import Waiver


class Status(StrEnum):
    """What became of a judgement."""

    PASS = "PASS"  # noqa: S105 (no password)
    WAIVED = "WAIVED"
    NOT_EVALUATED = "NOT_EVALUATED"
    FAIL = "FAIL"
    WAIVER_EXPIRED = "WAIVER_EXPIRED"
    ERROR = "ERROR"


FAILING = frozenset({Status.FAIL, Status.WAIVER_EXPIRED, Status.ERROR})


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the ledger.

    Args:
        rule: Id of the rule.
        resource: Logical id; empty when the finding is about the environment.
        path: Construct path, or the name of the environment.
        finding: Qualified id a waiver names: `MLOps::ENC-1.customer-key[detail]`.
        status: What became of it.
        severity: How bad it is.
        message: What is wrong.
        remedy: What to do.
        type: CloudFormation type of the resource.
        stack: Name of the stack.
        template: Name of the template's file.
        line: Line of the resource in it, 0 when the finding is about the environment.
        waiver: The waiver that covers it, expired ones too.
    """

    rule: str
    resource: str
    path: str
    finding: str
    status: Status
    severity: Severity
    message: str = ""
    remedy: str = ""
    type: str = ""
    stack: str = ""
    template: str = ""
    line: int = 0
    waiver: Waiver | None = None

    @property
    def fails(self) -> bool:
        """Whether it stops a deployment."""
        return self.status in FAILING

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON writes it; the waiver only where there is one."""
        written = {key: value for key, value in vars(self).items() if key != "waiver"}
        return written if self.waiver is None else {**written, "waiver": vars(self.waiver)}
