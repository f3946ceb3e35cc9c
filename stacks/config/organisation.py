"""The section `organisation` of an environment: the policies that bind every account of the organisation."""

from typing import Annotated

from pydantic import Field, StringConstraints

from stacks.config.base import Model

OrganisationId = Annotated[str, StringConstraints(pattern=r"^o-[a-z0-9]{10,32}$")]
Target = Annotated[str, StringConstraints(pattern=r"^(r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|\d{12})$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]


class Organisation(Model):
    """Its account manages the organisation, or is the one that policies were delegated to."""

    id: OrganisationId
    attach_to: tuple[Target, ...] = Field(min_length=1, description="Roots, units or accounts that are bound.")
    regions: tuple[Region, ...] = Field(min_length=1, description="Where anything may be done.")
    instance_types: tuple[str, ...] | None = Field(
        default=None,
        description="Patterns of the SageMaker instance types that may be used; the library's when absent.",
    )
