"""The schedule of a workload, read as EventBridge Scheduler reads it: its own cron has six fields, not five."""

import re
from typing import Annotated

from pydantic import AfterValidator

from stacks.config.base import matching, rule

EXAMPLE = "cron(0 6 * * ? *)"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Field, least and greatest number, names that stand for numbers, marks besides numbers, ranges and steps.
_FIELDS = (
    ("minutes", 0, 59, (), r"\*"),
    ("hours", 0, 23, (), r"\*"),
    ("day of month", 1, 31, (), r"\*|\?|L|LW|\d+W"),
    ("month", 1, 12, _MONTHS, r"\*"),
    ("day of week", 1, 7, _DAYS, r"\*|\?|L|(?:\d+|[A-Z]{3})(?:L|#[1-5])"),
    ("year", 1970, 2199, (), r"\*"),
)
_RATE = re.compile(r"rate\([1-9]\d* (minute|hour|day)s?\)")


def _is_understood(value: str) -> str:
    if value.startswith("rate("):
        if not _RATE.fullmatch(value):
            raise rule("", value, "give a positive whole number and minutes, hours or days, such as rate(12 hours)")
        return value
    given = value.removeprefix("cron(").removesuffix(")").split()
    if len(given) != len(_FIELDS):
        fields = ", ".join(name for name, *_ in _FIELDS)
        raise rule("", value, f"give cron {len(_FIELDS)} fields, not {len(given)}: {fields}; such as {EXAMPLE}")
    for text, (name, least, most, names, marks) in zip(given, _FIELDS, strict=True):
        if not all(_is_part(part, least, most, names, marks) for part in text.upper().split(",")):
            raise rule("", value, f"{text} does not fit the {name}: {least} to {most}{_or(names)}; such as {EXAMPLE}")
    if (given[2] == "?") == (given[4] == "?"):
        raise rule("", value, f"write ? for either day of month or day of week, and only there; such as {EXAMPLE}")
    return value


def _is_part(part: str, least: int, most: int, names: tuple[str, ...], marks: str) -> bool:
    """Whether it is a mark, a number, a name, or a range of them, with or without a step."""
    base, slash, step = part.partition("/")
    if slash and not (step.isdecimal() and int(step) > 0):
        return False
    if re.fullmatch(marks, base):
        numbers = re.findall(r"^\d+|^[A-Z]{3}", base)
        return (base == "*" or not slash) and all(_is_value(each, least, most, names) for each in numbers)
    return all(_is_value(each, least, most, names) for each in base.split("-", 1))


def _is_value(text: str, least: int, most: int, names: tuple[str, ...]) -> bool:
    return text in names or (text.isdecimal() and least <= int(text) <= most)


def _or(names: tuple[str, ...]) -> str:
    return f" or {names[0]} to {names[-1]}" if names else ""


Schedule = Annotated[str, matching(r"^(cron|rate)\(.+\)$", EXAMPLE), AfterValidator(_is_understood)]
"""When something runs, UTC: `cron(minutes hours day-of-month month day-of-week year)` or `rate(value unit)`."""
