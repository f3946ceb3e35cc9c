"""Arguments of a Glue job."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


class GlueArgumentError(Exception):
    """A job argument is missing."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        """Raises instead of leaving the process."""
        raise GlueArgumentError(message)


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, str]:  # noqa: N802  (Glue's name)
    """Values of a job's arguments.

    Args:
        args: `sys.argv`.
        options: Names without `--`; all are required.

    Raises:
        GlueArgumentError: one of them is missing.
    """
    parser = _Parser(allow_abbrev=False)
    for option in options:
        parser.add_argument(f"--{option}", required=True)
    return vars(parser.parse_known_args(list(args)[1:])[0])
