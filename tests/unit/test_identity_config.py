"""Every mistake in the `identity` section gives one line: file, field, what was given, what is allowed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.config import ConfigError, Environment, load_environment

GROUP = "9067000000-00000005-0000-4000-8000-000000000005"
CENTER = {
    "account": "444444444444",
    "region": "us-east-1",
    "instance_arn": "arn:aws:sso:::instance/ssoins-1234567890abcdef",
    "groups": {"approver": GROUP},
}
SAML = {"provider_arn": "arn:aws:iam::111111111111:saml-provider/company", "personas": ["auditor"]}
OIDC = {
    "provider_arn": "arn:aws:iam::111111111111:oidc-provider/id.example.com",
    "audience": "mlops",
    "subjects": {"auditor": ["ada"]},
}
TYPES = ["ml.m5.*"]


@pytest.fixture
def load(root: Path, tmp_path: Path) -> Callable[[object], Environment]:
    """Load dev with another identity section."""

    def loaded(identity: object, **changes: object) -> Environment:
        data: dict[str, Any] = yaml.safe_load((root / "environments" / "dev.yaml").read_text())
        path = tmp_path / "dev.yaml"
        path.write_text(yaml.safe_dump({**data, "identity": identity, **changes}))
        return load_environment(path)

    return loaded


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ({"instance_types": TYPES}, "give exactly one of `identity_center`, `saml` and `oidc`"),
        ({"saml": SAML, "oidc": OIDC, "instance_types": TYPES}, "give exactly one of"),
        ({"saml": SAML}, "identity.instance_types"),
        ({"saml": SAML, "instance_types": ["p4d"]}, "identity.instance_types.0"),
        ({"saml": {**SAML, "personas": ["root"]}, "instance_types": TYPES}, "identity.saml.personas.0"),
        ({"saml": {**SAML, "personas": ["auditor", "auditor"]}, "instance_types": TYPES}, "name each persona once"),
        (
            {"saml": {**SAML, "provider_arn": SAML["provider_arn"].replace("1111", "9999")}, "instance_types": TYPES},
            "got 'arn:aws:iam::999999999999:saml-provider/company'; use a provider of account 111111111111",
        ),
        ({"saml": {**SAML, "provider_arn": "company"}, "instance_types": TYPES}, "identity.saml.provider_arn"),
        ({"oidc": {**OIDC, "subjects": {"auditor": ["*"]}}, "instance_types": TYPES}, "identity.oidc.subjects"),
        (
            {"identity_center": {**CENTER, "groups": {"approver": "approvers"}}, "instance_types": TYPES},
            "identity.identity_center.groups",
        ),
        (
            {"identity_center": {**CENTER, "groups": {"break-glass": GROUP}}, "instance_types": TYPES},
            "somebody must hear of every use of break-glass",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(load: Callable[[object], Environment], identity: object, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(identity)
    lines = [line for line in str(error.value).splitlines() if words in line]
    assert len(lines) == 1, str(error.value)
    assert "identity" in lines[0]


def test_absence_turns_identity_off(load: Callable[[object], Environment]) -> None:
    assert load(None).identity is None


@pytest.mark.parametrize(
    ("identity", "personas"),
    [
        ({"identity_center": CENTER, "instance_types": TYPES}, ("approver",)),
        ({"saml": SAML, "instance_types": TYPES}, ("auditor",)),
        ({"oidc": OIDC, "instance_types": TYPES}, ("auditor",)),
    ],
)
def test_personas_come_from_one_of_three_sources(
    load: Callable[[object], Environment], identity: object, personas: tuple[str, ...]
) -> None:
    loaded = load(identity).identity
    assert loaded is not None
    assert loaded.personas == personas


def test_a_name_that_identity_center_cannot_hold_is_refused(root: Path, tmp_path: Path) -> None:
    data = yaml.safe_load((root / "environments" / "prod.yaml").read_text())
    path = tmp_path / "production-of-europe.yaml"
    path.write_text(yaml.safe_dump({**data, "name": path.stem}))
    with pytest.raises(ConfigError, match="use a shorter environment name: Identity Center takes 32 characters"):
        load_environment(path)
