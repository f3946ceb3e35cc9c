"""What an account, or an account and region, can have only once: exactly one environment owns it."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from stacks.config.base import ConfigError
from stacks.config.environment import Environment
from stacks.config.errors import shown_path
from stacks.config.yaml_file import read_yaml

PER_REGION = ("config", "security_hub", "guardduty", "macie", "access_analyzer", "inspector")


def check_singletons(environment: Environment, path: Path) -> None:
    """Check that no other environment owns what this one does.

    The other files are read, not validated: a mistake in one environment must not stop another.

    Args:
        environment: the environment.
        path: its file; the others lie beside it.

    Raises:
        ConfigError: one line per thing that two environments own, naming both files.
    """
    lines = []
    own = _owned(environment)
    for other in sorted(path.parent.glob("*.yaml")):
        if other.name == path.name:
            continue
        theirs = _owned_by(read_yaml(other))
        lines += [
            f"{shown_path(path)}: {field}: got one for {where}, and {shown_path(other)} has one too; "
            "remove it from one of both: there can be only one"
            for field, where in own.items()
            if theirs.get(field) == where
        ]
    if lines:
        raise ConfigError("\n".join(lines))


def _owned(environment: Environment) -> dict[str, str]:
    sections = environment.model_dump(include={"audit", "budget", "organisation"})
    return _fields(environment.account, environment.region, sections)


def _owned_by(data: JsonValue) -> dict[str, str]:
    if not isinstance(data, dict):
        return {}
    return _fields(str(data.get("account")), str(data.get("region")), data)


def _fields(account: str, region: str, sections: Mapping[str, object]) -> dict[str, str]:
    """Field and what it is unique in: the account for what spans regions, else account and region."""
    here, found = f"account {account} in {region}", {}
    audit = sections.get("audit")
    if isinstance(audit, Mapping):
        found = {f"audit.{name}": here for name in PER_REGION if audit.get(name) is not None}
        if audit.get("trail") is not None:
            found["audit.trail"] = f"account {account}"
    if sections.get("budget") is not None:
        found["budget"] = f"account {account}"
    organisation = sections.get("organisation")
    if isinstance(organisation, Mapping):
        found["organisation"] = f"organisation {organisation.get('id')}"
    return found
