"""Every policy of the organisation as a document, within the limits of AWS Organizations. Imports no CDK."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal

from mlops_constructs.organisation.resource_control import perimeter_statements
from mlops_constructs.organisation.service_control import account_statements, ml_statements, platform_statements
from mlops_constructs.organisation.settings import OrganisationSettings
from mlops_constructs.organisation.statements import Statement, document
from mlops_constructs.organisation.tags import tag_policy

Kind = Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY", "TAG_POLICY"]
MAX_CHARACTERS: dict[Kind, int] = {
    "SERVICE_CONTROL_POLICY": 5120,
    "RESOURCE_CONTROL_POLICY": 5120,
    "TAG_POLICY": 10_000,
}
# Five may be attached to one target; AWS's own FullAWSAccess, which must stay, is one of them.
MAX_ATTACHED: dict[Kind, int] = {"SERVICE_CONTROL_POLICY": 4, "RESOURCE_CONTROL_POLICY": 4, "TAG_POLICY": 5}
_SID = re.compile(r"([A-Z]+)(\d+?)(?=[A-Z])")


@dataclass(frozen=True, kw_only=True)
class Document:
    """One policy.

    Attributes:
        name: Its name in the organisation.
        kind: Type of policy.
        description: What it is for.
        content: The document.
    """

    name: str
    kind: Kind
    description: str
    content: dict[str, object]

    @property
    def text(self) -> str:
        """The document without white space, which counts for its size."""
        return json.dumps(self.content, separators=(",", ":"))

    @property
    def sids(self) -> tuple[str, ...]:
        """Sids of its statements; none for a tag policy."""
        statements = self.content.get("Statement", [])
        return tuple(str(each["Sid"]) for each in statements) if isinstance(statements, list) else ()


def documents(settings: OrganisationSettings) -> tuple[Document, ...]:
    """Every policy, within the limits of AWS Organizations.

    Raises:
        ValueError: The settings make a document too long.
    """

    def scp(name: str, description: str, statements: list[Statement]) -> Document:
        return Document(name=name, kind="SERVICE_CONTROL_POLICY", description=description, content=document(statements))

    found = (
        scp("mlops-account", "Regions, root user, users, roads to the internet", account_statements(settings)),
        scp("mlops-platform", "Roles, records, detection and keys stay as deployed", platform_statements(settings)),
        scp("mlops-ml", "SageMaker only isolated, in the VPC, encrypted, approved", ml_statements(settings)),
        Document(
            name="mlops-perimeter",
            kind="RESOURCE_CONTROL_POLICY",
            description="Data and roles are reached from inside the organisation only, over TLS",
            content=document(perimeter_statements(settings)),
        ),
        Document(
            name="mlops-tags",
            kind="TAG_POLICY",
            description="One spelling of our tags",
            content=tag_policy(settings),
        ),
    )
    for each in found:
        if (size := len(each.text)) > MAX_CHARACTERS[each.kind]:
            raise ValueError(
                f"{each.name} has {size} characters, AWS Organizations takes {MAX_CHARACTERS[each.kind]}: "
                "name fewer regions, instance types, deployers or boundaries"
            )
    return found


def control_of(sid: str) -> str:
    """The control id that a Sid begins with: `ENC-1` of `ENC1DenyJobsWithoutOutputKey`.

    Raises:
        ValueError: It begins with none.
    """
    if not (found := _SID.match(sid)):
        raise ValueError(f"Sid {sid!r} does not begin with a control id such as ENC1")
    return f"{found[1]}-{found[2]}"


def _sids() -> dict[str, tuple[str, ...]]:
    example = OrganisationSettings(organisation_id="o-exampleorg01", regions=("us-east-1",))
    found: dict[str, list[str]] = {}
    for each in documents(example):
        for sid in each.sids:
            found.setdefault(control_of(sid), []).append(sid)
    return {control: tuple(sorted(sids)) for control, sids in sorted(found.items())}


SIDS = _sids()
"""Sids of the denials by control id: what the control catalogue shows as prevention."""
