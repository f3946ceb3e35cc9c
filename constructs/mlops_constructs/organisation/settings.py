"""What differs between organisations: everything the policies must know."""

from __future__ import annotations

import re
from dataclasses import dataclass

INSTANCE_TYPES = ("ml.t3.*", "ml.m5.*", "ml.m6i.*", "ml.m7i.*", "ml.c5.*", "ml.c6i.*", "ml.c7i.*", "ml.r5.*", "ml.g5.*")
_ORGANISATION = re.compile(r"o-[a-z0-9]{10,32}")


@dataclass(frozen=True, kw_only=True)
class OrganisationSettings:
    """The organisation as its policies see it.

    Args:
        organisation_id: Id of the organisation: whoever is outside of it is a stranger.
        regions: Regions in which anything may be done.
        environments: Values that the tag `mlops:environment` may have.
        instance_types: Patterns of the SageMaker instance types that may be used; general types up to one GPU family
            by default.
        deployers: ARN patterns of the roles that may change what the policies protect: by default the role in which
            the CDK deploys.
        boundaries: ARN patterns of accepted permissions boundaries; those of the platform by default.

    Raises:
        ValueError: An id is not one, or a list is empty.
    """

    organisation_id: str
    regions: tuple[str, ...]
    environments: tuple[str, ...] = ("dev", "staging", "prod")
    instance_types: tuple[str, ...] = INSTANCE_TYPES
    deployers: tuple[str, ...] = ("arn:*:iam::*:role/cdk-*-cfn-exec-role-*",)
    boundaries: tuple[str, ...] = ("arn:*:iam::*:policy/mlops/*",)

    def __post_init__(self) -> None:
        if not _ORGANISATION.fullmatch(self.organisation_id):
            raise ValueError(f"organisation_id: got {self.organisation_id!r}; use the id of the organisation, o-...")
        for name in ("regions", "environments", "instance_types", "deployers", "boundaries"):
            if not getattr(self, name):
                raise ValueError(f"{name}: got none; with an empty list the policy would forbid everything")
