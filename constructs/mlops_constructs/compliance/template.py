"""One template and what is known about it beside its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ACCOUNT, REGION = "111122223333", "us-east-1"  # of a template that does not say where it goes


class Acknowledgement(NamedTuple):
    """A finding the CDK noted as accepted: at which construct, which, why."""

    path: str
    finding: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Template:
    """One template and what is known about it beside its text.

    Args:
        stack: Name of the stack.
        body: The template.
        file: Name of its file.
        paths: Construct path by logical id, where the CDK wrote one.
        lines: Line of each logical id in the file.
        account: Account it is deployed to.
        region: Region it is deployed to.
        acknowledged: Findings the CDK noted as accepted.
        nested_in: Stack and logical id of the `AWS::CloudFormation::Stack` that makes it, if one does.
    """

    stack: str
    body: Mapping[str, Any]
    file: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    account: str = ACCOUNT
    region: str = REGION
    acknowledged: tuple[Acknowledgement, ...] = ()
    nested_in: tuple[str, str] | None = None

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """The resources by logical id."""
        found: Mapping[str, Mapping[str, Any]] = self.body.get("Resources") or {}
        return found
