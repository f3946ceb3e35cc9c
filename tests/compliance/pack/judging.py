"""Small templates put before single rules."""

from collections.abc import Mapping
from typing import Any

from mlops_constructs.compliance.estate import from_templates
from mlops_constructs.compliance.rules import ALL

RULES = {rule.id: rule for rule in ALL}
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
DELETED = object()


def resource(kind: str, properties: Mapping[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    """A resource of a template."""
    return {"Type": kind, "Properties": dict(properties or {}), **attributes}


def judged(
    rule: str, resources: Mapping[str, Any], *, stage: str = "prod", parameters: Mapping[str, Any] | None = None
) -> dict[tuple[str, str], bool]:
    """What a rule says of a template: by logical id and detail whether it passes."""
    body = {"Resources": resources, **({"Parameters": parameters} if parameters else {})}
    estate = from_templates({"stack": body}, stage=stage)
    return {(each.resource.logical_id, each.detail): each.ok for each in RULES[rule].check(estate)}


def failed(rule: str, resources: Mapping[str, Any], **options: Any) -> set[tuple[str, str]]:
    """The findings of a rule: logical id and detail."""
    return {key for key, ok in judged(rule, resources, **options).items() if not ok}


def passes(rule: str, resources: Mapping[str, Any], **options: Any) -> bool:
    """Whether the rule judged something and found nothing wrong."""
    found = judged(rule, resources, **options)
    return bool(found) and all(found.values())


def changed(properties: Any, path: str, value: Any) -> Any:
    """Properties with another value at a dotted path (numbers are places of lists); `DELETED` removes it."""
    head, _, tail = path.partition(".")
    if isinstance(properties, list):
        items = list(properties)
        if tail:
            items[int(head)] = changed(items[int(head)], tail, value)
        elif value is DELETED:
            del items[int(head)]
        else:
            items[int(head)] = value
        return items
    copy = dict(properties)
    if tail:
        copy[head] = changed(copy.get(head, {}), tail, value)
    elif value is DELETED:
        copy.pop(head)
    else:
        copy[head] = value
    return copy
