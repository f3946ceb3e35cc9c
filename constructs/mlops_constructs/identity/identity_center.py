"""People's permission sets: one per persona, in the account that administers IAM Identity Center."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_sso as sso
from constructs import Construct

from mlops_constructs.identity.personas import PERSONAS, PersonaName
from mlops_constructs.identity.place import Place

NAME_LIMIT = 32


def permission_set_name(environment: str, persona: PersonaName) -> str:
    """Name of a permission set; the role it becomes is called `AWSReservedSSO_<name>_<random>`."""
    return f"mlops-{environment}-{persona}"


class PermissionSets(Construct):
    """A permission set per persona, assigned to a group of the identity store in one account.

    It must be made in the account that administers Identity Center. The policies it names, guardrails and boundary,
    must be in the assigned account already, under the same path. Identity Center itself demands the second factor.

    Args:
        place: The environment that people work in; its account is the assignments' target.
        instance_arn: The Identity Center instance.
        groups: Id of the identity store's group, for each persona that exists here.
        guardrails_name: Name of the guardrail policy in the target account.
        boundary_name: Name of the people's boundary there.
        path: IAM path of both.

    Attributes:
        sets: The `sso.CfnPermissionSet`s by persona.

    Raises:
        ValueError: A name would be longer than Identity Center takes.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        place: Place,
        instance_arn: str,
        groups: Mapping[PersonaName, str],
        guardrails_name: str,
        boundary_name: str,
        path: str,
    ) -> None:
        super().__init__(scope, id)
        self.sets: dict[PersonaName, sso.CfnPermissionSet] = {}
        reference = sso.CfnPermissionSet.CustomerManagedPolicyReferenceProperty
        for persona_name, group in groups.items():
            persona, name = PERSONAS[persona_name], permission_set_name(place.environment, persona_name)
            if len(name) > NAME_LIMIT:
                raise ValueError(
                    f"permission set {name} has {len(name)} characters, Identity Center takes {NAME_LIMIT}"
                )
            logical = persona_name.title().replace("-", "")
            made = sso.CfnPermissionSet(
                self,
                logical,
                instance_arn=instance_arn,
                name=name,
                description=persona.duty,
                session_duration=f"PT{persona.session_hours}H",
                inline_policy={"Version": "2012-10-17", "Statement": persona.statements(place)},
                customer_managed_policy_references=[reference(name=guardrails_name, path=path)],
                permissions_boundary=sso.CfnPermissionSet.PermissionsBoundaryProperty(
                    customer_managed_policy_reference=reference(name=boundary_name, path=path)
                ),
            )
            sso.CfnAssignment(
                self,
                f"{logical}Assignment",
                instance_arn=instance_arn,
                permission_set_arn=made.attr_permission_set_arn,
                principal_id=group,
                principal_type="GROUP",
                target_id=place.account,
                target_type="AWS_ACCOUNT",
            )
            self.sets[persona_name] = made
