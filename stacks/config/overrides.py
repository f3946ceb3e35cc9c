"""What an environment changes in a workload: laid over its file, and blamed for what goes wrong only then."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from pydantic import JsonValue

from stacks.config.errors import Location, Mistake
from stacks.config.words import shown

Overrides = dict[str, JsonValue]


def merged(base: JsonValue, overrides: JsonValue) -> JsonValue:
    """Return `base` with `overrides` laid over it: mappings merge, anything else replaces."""
    if isinstance(base, dict) and isinstance(overrides, dict):
        return {**base, **{key: merged(base.get(key), value) for key, value in overrides.items()}}
    return overrides


def sets(overrides: Overrides, location: Sequence[int | str]) -> bool:
    """Whether the overrides set the field at `location`, something inside it, or the list that holds it."""
    current: JsonValue = overrides
    for part in location:
        if not isinstance(current, dict):
            return True
        if part not in current:
            return False
        current = current[str(part)]
    return True


def blamed(
    found: Iterable[Mistake], overrides: Overrides, mistakes_with: Callable[[Overrides], Iterable[Mistake]]
) -> Iterator[Mistake]:
    """Name the override that is to blame for each mistake in a workload whose file is right by itself.

    Args:
        found: the mistakes with the overrides merged in.
        overrides: the fields that differ.
        mistakes_with: what is wrong when these overrides are merged in.
    """
    for mistake in found:
        if sets(overrides, mistake.location) or (mistake.given == "nothing" and sets(overrides, mistake.location[:-1])):
            yield mistake
            continue
        for location, value in _leaves(overrides):
            if mistake.location not in {other.location for other in mistakes_with(_without(overrides, location))}:
                remedy = f"with it, {mistake.field} is refused: {mistake.remedy}"
                yield Mistake(location, shown(value), remedy)
                break
        else:
            yield mistake


def _leaves(overrides: Overrides, above: Location = ()) -> Iterator[tuple[Location, JsonValue]]:
    for key, value in overrides.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _without(overrides: Overrides, location: Location) -> Overrides:
    first, *rest = location
    kept = {key: value for key, value in overrides.items() if key != first}
    inner = overrides[str(first)]
    return {**kept, str(first): _without(inner, tuple(rest))} if rest and isinstance(inner, dict) else kept
