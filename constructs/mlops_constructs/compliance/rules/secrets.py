"""ENC-4: no secret stands in a template, in an environment, in a parameter or in a log.

What is a secret is told by names (of properties, variables, arguments, parameters; anywhere in a resource, also in
JSON text and state machine definitions) and by the shape of values (keys of AWS, private keys, addresses with a
password). A dynamic reference, an ARN, a name of a secret and a NoEcho parameter are not secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.values import Unknown, is_true

_SECRET = re.compile(
    r"(passwords?|passwd|pwd|passphrase|secret|secret_?string|token|api_?key|api_?key_?value|private_?key|access_?key"
    r"|secret_?key|auth_?key|credentials?)$",
    re.IGNORECASE,
)
# Tokens that identify a request, a page or a function, and keys that name something.
_HARMLESS = re.compile(
    r"(client|service|next|task|idempotency|request|pagination|continuation|event_?source|bos|eos|pad)_?token$"
    r"|^(partition|sort|primary|foreign|hash|range|cache|public)_?key$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure):|^arn:[\w-]+:|\{%.*%\}|^\$\.|^/[\w./-]+$", re.DOTALL)
_NAME = re.compile(r"^[a-z0-9_.-]+(/[a-z0-9_.-]+)+$")  # prod/database/password names a secret
_PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")
_SHAPES = {
    "an access key of AWS": re.compile(r"(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY"),
    "an address with a password": re.compile(r"://[^\s/:@{}$\"]+:[^\s/:@{}$\"]{3,}@[\w.-]"),
    "a token of GitHub or Slack": re.compile(r"gh[pousr]_[A-Za-z0-9]{36}|xox[baprs]-[A-Za-z0-9-]{10,}"),
}
_PAIRS = (("Name", "Value"), ("Key", "Value"), ("ParameterName", "ParameterValue"))
_REFERENCE_TYPES = ("SECRETS_MANAGER", "PARAMETER_STORE")


def _named(estate: Estate) -> Iterator[Judgement]:
    for resource in estate.resources:
        found = dict(_secrets(resource.properties, ()))
        if not found:
            yield Judgement(resource, ok=True)
        for place, value in found.items():
            problem = _problem(estate, resource, value)
            yield Judgement(resource, not problem, place, f"{place} {problem}" if problem else "")


@lru_cache(maxsize=65536)
def _is_secret(name: str) -> bool:
    name = name.lstrip("-").replace("-", "_")
    return _SECRET.search(name) is not None and _HARMLESS.search(name) is None


def _problem(estate: Estate, resource: Resource, value: str) -> str:
    if isinstance(value, Unknown):
        shown = [name for name in _PLACEHOLDER.findall(value) if _is_shown(estate, resource, name)]
        return f"comes from the parameter {shown[0]}, which shows it: NoEcho is missing" if shown else ""
    if len(value) < 3 or _REFERENCE.search(value) or _NAME.match(value) or _PLACEHOLDER.search(value):
        return ""
    if value.lower() in ("true", "false", "none", "null") or estate.find(value) is not None:
        return ""
    return "is written in plain text"


def _is_shown(estate: Estate, resource: Resource, name: str) -> bool:
    for template in estate.templates:
        if template.stack == resource.stack:
            parameter = (template.body.get("Parameters") or {}).get(name)
            return parameter is not None and not is_true(parameter.get("NoEcho")) and _plain(parameter)
    return False


def _plain(parameter: Mapping[str, Any]) -> bool:
    return str(parameter.get("Type", "String")) == "String"


def _secrets(node: Any, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Every text named like a secret with its place; a pair of name and value counts as one text of that name."""
    if isinstance(node, str):
        if node.startswith("{") and not isinstance(node, Unknown) and (inner := _json(node)) is not None:
            yield from _secrets(inner, place)
    elif isinstance(node, (list, tuple)):
        for number, value in enumerate(node):
            here = (*place, str(number))
            if isinstance(value, str) and place and _is_secret(place[-1]):
                yield ".".join(here), value
            yield from _secrets(value, here)
    elif isinstance(node, Mapping):
        yield from _pair(node, place)
        for key, value in node.items():
            here = (*place, str(key))
            if isinstance(value, str) and _is_secret(here[-1]):
                yield ".".join(here), value
            yield from _secrets(value, here)


def _pair(node: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name, value in _PAIRS:
        if isinstance(node.get(name), str) and isinstance(node.get(value), str):
            if node.get("Type") not in _REFERENCE_TYPES and _is_secret(node[name]):
                yield ".".join((*place, node[name])), node[value]
            return


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _shaped(estate: Estate) -> Iterator[Judgement]:
    for resource in estate.resources:
        text = json.dumps(resource.raw.get("Properties"), default=str)
        found = sorted(meaning for meaning, shape in _SHAPES.items() if shape.search(text))
        message = f"{' and '.join(found)} stands in the template"
        yield Judgement(resource, not found, ", ".join(found), message if found else "")


def _parameters(estate: Estate) -> Iterator[Judgement]:
    for kind, given in (("AWS::SSM::Parameter", "Value"), ("Custom::LiveParameter", "FirstValue")):
        for resource in estate.of(kind):
            name = str(resource.get("Name", resource.logical_id)).rsplit("/", 1)[-1].replace("-", "_")
            if _SECRET.search(name) and not _HARMLESS.search(name):
                problem = _problem(estate, resource, str(resource.get(given, "")))
                yield Judgement(resource, not problem, given, f"the parameter {problem}" if problem else "")


def _generated(estate: Estate) -> Iterator[Judgement]:
    for secret in estate.of("AWS::SecretsManager::Secret"):
        ok = secret.get("SecretString") is None
        message = "the template gives the secret's value: whoever reads the template or the stack has it"
        yield Judgement(secret, ok, "SecretString", "" if ok else message)


_rule = partial(
    Rule,
    rationale="A template is read by many and kept in version control: what stands in it is no secret any more.",
    severity=Severity.CRITICAL,
    phase=Phase.INITIAL,
    waivable_in_prod=False,
)


RULES: tuple[Rule, ...] = (
    _rule(
        id="ENC-4.no-plain-secret",
        title="Properties, variables and arguments named like secrets hold references",
        remedy="Refer to Secrets Manager ({{resolve:secretsmanager:...}}) or pass the secret's ARN and read it at run "
        "time.",
        check=_named,
    ),
    _rule(
        id="ENC-4.no-key-material",
        title="Nothing shaped like a key, a token or an address with a password stands in a template",
        remedy="Revoke it, then refer to Secrets Manager.",
        check=_shaped,
    ),
    _rule(
        id="ENC-4.no-secret-parameter",
        title="No parameter of SSM that is named like a secret is made by a template",
        remedy="CloudFormation cannot make SecureString: make it outside, or use Secrets Manager.",
        check=_parameters,
    ),
    _rule(
        id="ENC-4.generated-secret",
        title="Secrets are generated where they are kept",
        remedy="Use GenerateSecretString, or fill the secret after deployment.",
        check=_generated,
    ),
)
