"""ML-11: Lake Formation decides who reads the lake's tables, not any IAM policy that happens to allow Glue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from mlops_constructs.compliance.asked import given
from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

_EVERYBODY = ("IAM_ALLOWED_PRINCIPALS", "EVERYONE")
_DEFAULTS = ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions")


def _everybody(value: Any) -> bool:
    """Whether a principal stands for all of an account: IAM_ALLOWED_PRINCIPALS, or `<account>:IAMPrincipals`."""
    principal = value.get("DataLakePrincipalIdentifier") if isinstance(value, Mapping) else value
    return str(principal) in _EVERYBODY or str(principal).endswith(":IAMPrincipals")


def _settings(estate: Estate) -> Iterator[Judgement]:
    for settings in estate.of("AWS::LakeFormation::DataLakeSettings"):
        for default in _DEFAULTS:
            entries = settings.get(default)
            open_ = isinstance(entries, list) and any(_entry_open(each) for each in entries)
            yield Judgement(settings, not open_, detail=default, message="new tables belong to whoever has IAM access")
        outside = settings.get("AllowFullTableExternalDataAccess")
        shut = str(outside).lower() != "true"
        yield Judgement(settings, shut, detail="external", message="engines outside read whole tables unfiltered")
        admins = settings.get("Admins")
        named = isinstance(admins, list) and not any(_everybody(each) for each in admins)
        yield Judgement(settings, admins is None or named, detail="admins", message="everybody administers the lake")


def _entry_open(entry: Any) -> bool:
    return isinstance(entry, Mapping) and _everybody(entry.get("Principal")) and bool(entry.get("Permissions"))


def _grants(estate: Estate) -> Iterator[Judgement]:
    kinds = {
        "AWS::LakeFormation::PrincipalPermissions": "Principal",
        "AWS::LakeFormation::Permissions": "DataLakePrincipal",
    }
    for kind, key in kinds.items():
        for grant in estate.of(kind):
            everybody = _everybody(grant.get(key))
            yield Judgement(grant, not everybody, message="the grant is for everybody who has IAM access to Glue")


def _databases(estate: Estate) -> Iterator[Judgement]:
    for database in estate.of("AWS::Glue::Database"):
        entries = database.get("DatabaseInput.CreateTableDefaultPermissions")
        ok = entries == [] or (isinstance(entries, list) and not any(_entry_open(each) for each in entries))
        wrong = "its tables are open to IAM_ALLOWED_PRINCIPALS" + (
            "" if given(entries) else ", the default of accounts"
        )
        linked = isinstance(database.get("DatabaseInput.TargetDatabase"), Mapping)
        yield Judgement(database, ok or linked, message=wrong)


def _locations(estate: Estate) -> Iterator[Judgement]:
    for location in estate.of("AWS::LakeFormation::Resource"):
        hybrid = str(location.get("HybridAccessEnabled")).lower() == "true"
        yield Judgement(location, not hybrid, message="hybrid access lets IAM policies pass Lake Formation by")


_rule = partial(
    Rule,
    rationale="IAM_ALLOWED_PRINCIPALS hands every table to every role that may call Glue, past all column filters.",
    severity=Severity.HIGH,
    phase=Phase.RELIABLE,
    also=("IAM-1",),
)


RULES: tuple[Rule, ...] = (
    _rule(
        id="ML-11.lake-settings",
        title="New tables are not open by default",
        remedy="Empty the default permissions in the data lake settings; name administrators.",
        check=_settings,
    ),
    _rule(
        id="ML-11.named-grants",
        title="Grants name a principal",
        remedy="Grant to roles, never to IAM_ALLOWED_PRINCIPALS.",
        check=_grants,
    ),
    _rule(
        id="ML-11.database-default",
        title="Tables of a database are not open by default",
        remedy="Set DatabaseInput.CreateTableDefaultPermissions to an empty list and grant by Lake Formation.",
        severity=Severity.MEDIUM,
        check=_databases,
    ),
    _rule(
        id="ML-11.no-hybrid-access",
        title="Registered locations are Lake Formation's alone",
        remedy="Set HybridAccessEnabled to false once all readers have grants.",
        severity=Severity.MEDIUM,
        check=_locations,
    ),
)
