"""Configuration files with something changed in them."""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from stacks.config import ConfigError

REMOVED = object()
Change = Mapping[str, object]
Edit = Callable[[str, Change], Path]


def changed(data: dict[str, Any], changes: Change) -> dict[str, Any]:
    """A copy with the values at dotted paths replaced, added or `REMOVED`."""
    result = copy.deepcopy(data)
    for dotted, value in changes.items():
        *parents, last = dotted.split(".")
        target: Any = result
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target.setdefault(part, {})
        if value is REMOVED:
            del target[last]
        elif isinstance(target, list):
            target[int(last)] = value
        else:
            target[last] = value
    return result


def only_line(load: Callable[[], object]) -> str:
    """The one line that a mistake gives."""
    with pytest.raises(ConfigError) as error:
        load()
    lines = str(error.value).splitlines()
    assert len(lines) == 1, lines
    return lines[0]
