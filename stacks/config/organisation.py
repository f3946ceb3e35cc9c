"""The section `organisation` of an environment: the policies that bind every account of the organisation."""

from typing import Annotated

from pydantic import Field

from stacks.config.base import InstancePattern, Model, RegionName, matching

OrganisationId = Annotated[str, matching(r"^o-[a-z0-9]{10,32}$", "o-exampleorg01")]
Target = Annotated[str, matching(r"^(r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|\d{12})$", "ou-abcd-12345678")]


class Organisation(Model):
    """Its account manages the organisation, or is the one that policies were delegated to."""

    id: OrganisationId
    attach_to: tuple[Target, ...] = Field(min_length=1, description="Roots, units or accounts that are bound.")
    regions: tuple[RegionName, ...] = Field(min_length=1, max_length=50, description="Where anything may be done.")
    instance_types: tuple[InstancePattern, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=50,
        description="Patterns of the SageMaker instance types that may be used; the library's when absent.",
    )
