"""YAML as JSON: no duplicate keys, no tags, no dates, no octal account numbers."""

import re
from pathlib import Path

import yaml
from pydantic import JsonValue
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node
from yaml.reader import ReaderError

from stacks.config.base import ConfigError
from stacks.config.errors import shown_path
from stacks.config.words import shown


class _StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice and leaves dates as text, and numbers that are not plain decimal."""

    def construct_unique(self, node: MappingNode) -> dict[str, JsonValue]:
        """Return a mapping whose keys are plain text, each given once."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise ConstructorError(None, None, "keys must be plain text", key.start_mark)
            if key.value in seen:
                raise ConstructorError(None, None, f"key {key.value!r} is given twice; keep one", key.start_mark)
            seen.add(key.value)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


def _construct_text(loader: yaml.SafeLoader, node: Node) -> str:
    return str(node.value)


def _construct_int(loader: yaml.SafeLoader, node: Node) -> int | str:
    # To YAML 1.1 `011111111111` is octal and `12:30` is sixty times twelve and thirty. Python reads no endless number.
    return int(node.value) if re.fullmatch(r"[-+]?(0|[1-9]\d{0,29})", node.value) else str(node.value)


def _construct_map(loader: _StrictLoader, node: MappingNode) -> dict[str, JsonValue]:
    return loader.construct_unique(node)


_StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", _construct_text)
_StrictLoader.add_constructor("tag:yaml.org,2002:int", _construct_int)
_StrictLoader.add_constructor("tag:yaml.org,2002:map", _construct_map)


def read_yaml(path: Path) -> JsonValue:
    """Read one YAML document.

    Raises:
        ConfigError: no such file, not UTF-8, not YAML, a key given twice, an alias or depth that nobody can follow, or
            not a mapping at the top.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{shown_path(path)}: file: not found; create it or name another") from None
    except OSError as error:
        raise ConfigError(f"{shown_path(path)}: file: got {error.strerror}; make it a file that can be read") from None
    except UnicodeDecodeError as error:
        given = f"byte 0x{error.object[error.start]:02x} at offset {error.start}"
        raise ConfigError(f"{shown_path(path)}: file: got {given}; save it as UTF-8") from None
    try:
        data: JsonValue = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{shown_path(path)}: line {line}: {error.problem}") from None
    except RecursionError:
        raise ConfigError(f"{shown_path(path)}: file: got brackets within brackets; use fewer levels") from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{shown_path(path)}: line {line}: {error.reason}; remove the character") from None
    if not isinstance(data, dict):
        given = "a list" if isinstance(data, list) else shown(data)
        raise ConfigError(f"{shown_path(path)}: file: got {given}; use a mapping of field: value")
    return data
