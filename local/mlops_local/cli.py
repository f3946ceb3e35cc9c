"""`python -m mlops_local`: serve the local AWS, or replay the demo on it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import LocalAwsError
from .interruption import leave_on_signals


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit code; errors people can remedy are one line on standard error."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments[:1] == ["demo"]:
            leave_on_signals()
            from .demo.cli import main as demo

            return int(demo(arguments[1:]) or 0)
        return _serve(arguments)
    except LocalAwsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _serve(arguments: Sequence[str]) -> int:
    from .main_loop import serve

    options = _parser().parse_args(arguments)
    serve(options.home, options.port, with_parent=options.with_parent)
    # Executions and warm-up threads may still run; nothing of them is kept, so don't wait for them.
    sys.stdout.flush()
    os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mlops_local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve the local AWS until Ctrl-C")
    serve.add_argument("--port", type=int, default=4566, help="port on 127.0.0.1 (default 4566)")
    serve.add_argument("--home", type=Path, default=Path("build/local-aws"), help="the one folder everything lives in")
    serve.add_argument(
        "--with-parent", action="store_true", help="stop when standard input ends: it is a pipe from the parent"
    )
    commands.add_parser("demo", help="replay the year of flights; see `demo --help`", add_help=False)
    return parser
