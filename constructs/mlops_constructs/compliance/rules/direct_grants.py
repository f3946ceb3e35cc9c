"""Access that CloudFormation gives without a policy document: permissions and shares as properties of a resource."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from mlops_constructs.compliance.conditions import Condition
from mlops_constructs.compliance.estate import Resource
from mlops_constructs.compliance.policy import Principal, Statement, texts
from mlops_constructs.compliance.resolve import is_false

# Type -> properties (dotted, `*` for each item) that name who is let in, as ARNs, account ids or `*`.
_PRINCIPALS: dict[str, tuple[str, ...]] = {
    "AWS::ACMPCA::Permission": ("Principal",),
    "AWS::EC2::NetworkInterfacePermission": ("AwsAccountId",),
    "AWS::EC2::VPCEndpointServicePermissions": ("AllowedPrincipals.*",),
    "AWS::EKS::AccessEntry": ("PrincipalArn",),
    "AWS::GlobalAccelerator::CrossAccountAttachment": ("Principals.*",),
    "AWS::LakeFormation::Permissions": ("DataLakePrincipal.DataLakePrincipalIdentifier",),
    "AWS::LakeFormation::PrincipalPermissions": ("Principal.DataLakePrincipalIdentifier",),
    "AWS::LakeFormation::DataLakeSettings": ("TrustedResourceOwners.*",),
    "AWS::LicenseManager::Grant": ("Principals.*",),
    "AWS::Lightsail::Bucket": ("ReadOnlyAccessAccounts.*",),
    "AWS::QBusiness::DataAccessor": ("Principal",),
    "AWS::QBusiness::Permission": ("Principal",),
    "AWS::RAM::PrincipalAssociation": ("Principal",),
    "AWS::Redshift::EndpointAuthorization": ("Account",),
    "AWS::S3::AccessGrant": ("Grantee.GranteeIdentifier",),
    "AWS::ServiceCatalog::PortfolioPrincipalAssociation": ("PrincipalARN",),
    "AWS::ServiceCatalog::PortfolioShare": ("AccountId",),
    "AWS::Signer::ProfilePermission": ("Principal",),
}
# Named by AWS and no account: Lake Formation's own groups are judged by ML-11, people of the directory are ours.
_NO_ACCOUNT = ("IAM_ALLOWED_PRINCIPALS", "ALLIAMPrincipals", "EVERYONE")


def direct_grants(resource: Resource) -> Iterator[Statement]:
    """Yield what a resource grants by its properties, as the statements a policy would have."""
    if special := _SPECIAL.get(resource.type):
        yield from special(resource)
    names = [
        name
        for path in _PRINCIPALS.get(resource.type, ())
        for value in resource.values(path)
        for name in texts(value)
        if not name.endswith(_NO_ACCOUNT) and (name == "*" or ":" in name or name.isdigit() or "${" in name)
    ]
    if names:
        yield Statement(principals=tuple(_principal(name) for name in names))


def _principal(name: str) -> Principal:
    return Principal("Service" if name.endswith(".amazonaws.com") else "AWS", name)


def _lambda_permission(resource: Resource) -> Iterator[Statement]:
    keys = {
        "SourceAccount": "aws:sourceaccount",
        "SourceArn": "aws:sourcearn",
        "PrincipalOrgID": "aws:principalorgid",
        "EventSourceToken": "lambda:eventsourcetoken",
    }
    conditions = [
        Condition("stringlike" if "Arn" in name else "stringequals", key, texts(value))
        for name, key in keys.items()
        if (value := resource.get(name))
    ]
    who = tuple(_principal(name) for name in texts(resource.get("Principal")))
    yield Statement(actions=texts(resource.get("Action")), principals=who, conditions=tuple(conditions))


def _layer_permission(resource: Resource) -> Iterator[Statement]:
    organisation = resource.get("OrganizationId")
    conditions = (Condition("stringequals", "aws:principalorgid", texts(organisation)),) if organisation else ()
    who = tuple(_principal(name) for name in texts(resource.get("Principal")))
    yield Statement(principals=who, conditions=conditions)


def _bus_policy(resource: Resource) -> Iterator[Statement]:
    if not resource.get("Principal"):
        return  # then it has a whole statement
    key, value = resource.get("Condition.Key"), resource.get("Condition.Value")
    conditions = (Condition("stringequals", str(key).lower(), texts(value)),) if key else ()
    who = tuple(_principal(name) for name in texts(resource.get("Principal")))
    yield Statement(actions=texts(resource.get("Action")), principals=who, conditions=conditions)


def _share(resource: Resource) -> Iterator[Statement]:
    names = texts(resource.get("Principals"))
    organisation = [name for name in names if ":organizations::" in name]
    others = [name for name in names if name not in organisation]
    if others:
        yield Statement(principals=tuple(_principal(name) for name in others))
    elif not is_false(resource.get("AllowExternalPrincipals", True)):
        yield Statement(principals=(Principal("AWS", "*"),))  # anybody invited later, by default


def _collection_access(resource: Resource) -> Iterator[Statement]:
    policy = resource.get("Policy")
    try:
        rules = json.loads(policy) if isinstance(policy, str) else policy
    except ValueError:
        return
    for rule in rules if isinstance(rules, list) else ():
        who = [name for name in texts(rule.get("Principal")) if not name.startswith("saml/")]
        if who:
            yield Statement(principals=tuple(_principal(name) for name in who))


_SPECIAL: dict[str, Callable[[Resource], Iterator[Statement]]] = {
    "AWS::Lambda::Permission": _lambda_permission,
    "AWS::Lambda::LayerVersionPermission": _layer_permission,
    "AWS::Events::EventBusPolicy": _bus_policy,
    "AWS::RAM::ResourceShare": _share,
    "AWS::OpenSearchServerless::AccessPolicy": _collection_access,
}
