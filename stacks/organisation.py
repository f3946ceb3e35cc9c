"""The policies that bind every account of the organisation, from the account that manages it."""

from constructs import Construct

from mlops_constructs.organisation.policies import OrganisationPolicies
from mlops_constructs.organisation.settings import INSTANCE_TYPES, OrganisationSettings
from stacks.base import PlatformStack
from stacks.config import Environment
from stacks.config.organisation import Organisation


class OrganisationStack(PlatformStack):
    """Service control, resource control and tag policies.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where it is deployed; it has the section `organisation`.
        organisation: that section.

    Attributes:
        policies: the `OrganisationPolicies`.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, organisation: Organisation) -> None:
        super().__init__(scope, id, environment=environment, stateful=True)
        self.policies = OrganisationPolicies(
            self,
            "Policies",
            settings=OrganisationSettings(
                organisation_id=organisation.id,
                regions=organisation.regions,
                instance_types=organisation.instance_types or INSTANCE_TYPES,
            ),
            targets=organisation.attach_to,
        )
