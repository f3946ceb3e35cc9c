"""OrganisationPolicies: the policies deployed, in the account that manages the organisation."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_organizations as organizations
from constructs import Construct

from mlops_constructs.organisation.documents import MAX_ATTACHED, Document, documents
from mlops_constructs.organisation.settings import OrganisationSettings


class OrganisationPolicies(Construct):
    """Service control, resource control and tag policies, attached to roots, units or accounts.

    Deploys in the management account, or in an account it delegated policies to, and only there. The policy types must
    be enabled in the organisation. Attach to a test unit first: a denial stops people at once.

    Args:
        settings: The organisation.
        targets: Ids of roots, units or accounts (`r-...`, `ou-...`, twelve digits).

    Attributes:
        documents: The `Document` of each policy.
        policies: The `organizations.CfnPolicy` by name.

    Raises:
        ValueError: There is no target, or more policies than one target takes.
    """

    def __init__(self, scope: Construct, id: str, *, settings: OrganisationSettings, targets: Sequence[str]) -> None:
        super().__init__(scope, id)
        if not targets:
            raise ValueError("targets: got none; name a root, unit or account, or write the policies to files instead")
        self.documents = documents(settings)
        _check_count(self.documents)
        self.policies = {
            each.name: organizations.CfnPolicy(
                self,
                "".join(word.title() for word in each.name.removeprefix("mlops-").split("-")),
                name=each.name,
                type=each.kind,
                description=each.description,
                content=each.content,
                target_ids=list(targets),
            )
            for each in self.documents
        }


def _check_count(found: Sequence[Document]) -> None:
    for kind, limit in MAX_ATTACHED.items():
        if (count := sum(each.kind == kind for each in found)) > limit:
            raise ValueError(f"{count} policies of type {kind}; one target takes {limit} beside AWS's own")
