"""What the command line may select: a context key that nobody reads must not pass for one that is read."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from stacks.config.base import ConfigError
from stacks.config.words import shown

KEYS = ("env", "workload")
"""The context keys of the platform: `-c env=NAME`, `-c workload=NAME`."""

FILES = ("cdk.json", ".cdk.json", "cdk.context.json")
"""Where the CDK finds context besides the command line: in the repository, and in a person's home."""

_PLAIN = re.compile(r"[^:@$]+")


def check_context(context: Mapping[str, object], folders: Iterable[Path]) -> None:
    """Check that everything given with `-c` is read.

    The CDK's own keys, its feature flags and its cached lookups have a colon, an at sign or a dollar in their names.

    Args:
        context: the app's context, from every origin.
        folders: where the CDK's files with context lie.

    Raises:
        ConfigError: keys that nobody reads; one line each.
    """
    known = {*KEYS, *(key for folder in folders for key in _in_files(folder))}
    unknown = [key for key in context if _PLAIN.fullmatch(key) and key not in known]
    if unknown:
        raise ConfigError("\n".join(f"context: got {key}={_value(context[key])}; {_remedy(key)}" for key in unknown))


def _in_files(folder: Path) -> Iterator[str]:
    for path in (folder / name for name in FILES):
        if path.is_file():
            held = json.loads(path.read_text(encoding="utf-8"))
            yield from held if path.name == "cdk.context.json" else held.get("context", {})


def _value(value: object) -> str:
    return value if isinstance(value, str) else shown(value)


def _remedy(key: str) -> str:
    close = difflib.get_close_matches(key, KEYS, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}use -c {KEYS[0]}=NAME and -c {KEYS[1]}=NAME, there are no other keys"
