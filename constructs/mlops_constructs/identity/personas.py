"""Personas: who works here, and exactly what each may do. Imports no aws_cdk, so that it can be read and checked.

Resources are named by pattern and tag, never listed: a new workload gives nobody a new policy. Deny statements are not
here but in `guardrails`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from mlops_constructs.identity import duties
from mlops_constructs.identity.place import Place, Statement

PersonaName = Literal[
    "platform-admin", "data-engineer", "data-scientist", "ml-engineer", "approver", "auditor", "break-glass"
]
EMERGENCY: PersonaName = "break-glass"


@dataclass(frozen=True, kw_only=True)
class Persona:
    """A role that people take.

    Args:
        name: Part of the name of its role or permission set.
        duty: What it is for, in one sentence.
        statements: What it may do in a place.
        session_hours: Longest session, hours; 1 to 12.
        reads_data: Whether it may read data at all.
    """

    name: PersonaName
    duty: str
    statements: Callable[[Place], list[Statement]]
    session_hours: int = 8
    reads_data: bool = False


PERSONAS: Mapping[PersonaName, Persona] = MappingProxyType(
    {
        persona.name: persona
        for persona in (
            Persona(
                name="platform-admin",
                duty="Deploys the platform and looks after its keys; reads no data.",
                statements=duties.platform_admin,
                session_hours=4,
            ),
            Persona(
                name="data-engineer",
                duty="Lands data, mends what was quarantined, queries the lake.",
                statements=duties.data_engineer,
                reads_data=True,
            ),
            Persona(
                name="data-scientist",
                duty="Queries curated data and compares runs, models and reports; changes nothing that serves.",
                statements=duties.data_scientist,
                reads_data=True,
            ),
            Persona(
                name="ml-engineer",
                duty="Runs training, deployment and monitoring workflows, asks for trainings, stops what must stop.",
                statements=duties.ml_engineer,
            ),
            Persona(
                name="approver",
                duty="Approves or rejects model versions of this environment, and nothing else.",
                statements=duties.approver,
                session_hours=1,
            ),
            Persona(
                name="auditor",
                duty="Reads configuration, trails and evidence; no data, no model, no log message.",
                statements=duties.auditor,
            ),
            Persona(
                name="break-glass",
                duty="Brings the platform back in an emergency; every use alerts a person.",
                statements=duties.break_glass,
                session_hours=1,
            ),
        )
    }
)


def actions_outside(services: Collection[str]) -> list[str]:
    """What personas may do in services that are not among these, so that their boundary can leave it open."""
    anywhere = Place(environment="any", account="000000000000", region="any")
    actions = {
        action
        for persona in PERSONAS.values()
        for statement in persona.statements(anywhere)
        for action in statement["Action"]
    }
    return sorted(action for action in actions if action.partition(":")[0] not in services)
