"""What is allowed, in YAML's words, for each kind of mistake that pydantic finds."""

import re

from pydantic_core import ErrorDetails

from stacks.config.base import EXAMPLES

MAPPING = "use a mapping of field: value, or {} when there is nothing to say"
_WHOLE = re.compile(r"[-+]?(0|[1-9]\d*)")
_NUMBER = re.compile(rf"{_WHOLE.pattern}(\.\d*)?")


def remedy_of(details: ErrorDetails) -> str:
    """Return what to do about a mistake."""
    given, context = details["input"], details.get("ctx", {})
    if isinstance(given, str) and _means_another(details, given):
        return f"remove the quotes: {given}"
    match details["type"]:
        case "missing":
            return "add it, it is required"
        case "string_type":
            return "put the value in quotes" if isinstance(given, int | float) else "give a text"
        case "int_type":
            return "give a whole number"
        case "float_type" | "finite_number":
            return "give a number"
        case "bool_type":
            return "use true or false"
        case "tuple_type":
            return "use a list, such as [first, second]"
        case "dict_type" | "model_type" | "model_attributes_type":
            return MAPPING
        case "literal_error" | "enum":
            return f"use {str(context['expected']).replace(chr(39), '')}"
        case "string_pattern_mismatch":
            return f"must match {context['pattern']}, such as {EXAMPLES[context['pattern']]}"
    return _bound(details["type"], context) or details["msg"][:1].lower() + details["msg"][1:]


def _bound(kind: str, context: dict[str, object]) -> str | None:
    words = {
        "greater_than_equal": ("at least", "ge", ""),
        "greater_than": ("more than", "gt", ""),
        "less_than_equal": ("at most", "le", ""),
        "less_than": ("less than", "lt", ""),
        "too_short": ("at least", "min_length", "entry entries"),
        "too_long": ("at most", "max_length", "entry entries"),
        "string_too_short": ("at least", "min_length", "character characters"),
        "string_too_long": ("at most", "max_length", "character characters"),
    }
    if kind not in words:
        return None
    how, name, unit = words[kind]
    limit = context[name]
    whole = int(limit) if isinstance(limit, float) and limit.is_integer() else limit
    one, _, many = unit.partition(" ")
    return f"give {how} {whole} {one if whole == 1 else many}".rstrip()


def _means_another(details: ErrorDetails, given: str) -> bool:
    """Whether the text in quotes would be right without them."""
    match details["type"]:
        case "int_type":
            return _WHOLE.fullmatch(given) is not None
        case "float_type":
            return _NUMBER.fullmatch(given) is not None
        case "bool_type":
            return given in ("true", "false")
        case "literal_error":
            return given in details["ctx"]["expected"].replace(" or ", ", ").split(", ")
    return False
