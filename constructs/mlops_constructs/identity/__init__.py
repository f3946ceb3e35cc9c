"""Identity: personas, their guardrails and where their sessions come from. Serves every phase from Repeatable on."""

from mlops_constructs.identity.identity_center import PermissionSets
from mlops_constructs.identity.place import Place
from mlops_constructs.identity.roles import Guardrails, OidcTrust, PersonaRoles, SamlTrust

__all__ = ["Guardrails", "OidcTrust", "PermissionSets", "PersonaRoles", "Place", "SamlTrust"]
