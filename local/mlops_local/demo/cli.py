"""`python -m mlops_local demo`: deploy to the local AWS, replay the year, report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mlops_local.demo.display import Display
from mlops_local.demo.folder import FolderError
from mlops_local.demo.months import MonthsError, parse_months
from mlops_local.demo.preflight import PortError, check_all, check_port, parse_port
from mlops_local.errors import LocalAwsError
from mlops_local.interruption import EXIT_CODE, Interrupted, leave_on_signals, stop_on_signals

REPOSITORY = Path(__file__).resolve().parents[3]
CANNOT_START, FAILED, INTERRUPTED = 2, 1, EXIT_CODE


def main(argv: Sequence[str]) -> int:
    """Run the demo and return the exit code: 0 done, 1 failed, 2 cannot start, 130 interrupted."""
    options = _parser().parse_args(argv)
    try:
        months, port = parse_months(options.months), parse_port(options.port)
    except (MonthsError, PortError) as error:
        return _refuse([str(error)])
    problems = check_all(repository=REPOSITORY, out=options.out, port=port)
    if problems:
        return _refuse(problems)
    # Imported after the checks: pandas and boto3 take a second, and a clear refusal should be instant.
    from mlops_local.demo.run import Demo

    demo = Demo(repository=REPOSITORY, out=options.out.resolve(), port=port, months=months)
    try:
        with Display() as display:
            try:
                stop_on_signals()
                demo.run(display)
            finally:
                leave_on_signals()
    except Interrupted as signal:
        print(f"stopped by {signal}: everything the demo started is stopped too", file=sys.stderr)
        return INTERRUPTED
    except FolderError as error:
        return _refuse([str(error)])
    except LocalAwsError as error:
        # Between the check and the start somebody else may have taken the port.
        return _refuse([check_port(port) or str(error)])
    except Exception as error:
        print(f"error: {type(error).__name__}: {error}", file=sys.stderr)
        for line in demo.diagnosis:
            print(f"  {line}", file=sys.stderr)
        print(f"  logs are in {demo.out / 'logs'} and {demo.home}", file=sys.stderr)
        return FAILED
    return 0


def _refuse(problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return CANNOT_START


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mlops_local demo", description=__doc__)
    parser.add_argument("--months", default="4-12", help="months of 2013 to replay, starting with April (default 4-12)")
    parser.add_argument(
        "--out", type=Path, default=Path("build/demo"), help="folder for the report (default build/demo)"
    )
    parser.add_argument("--port", default="4566", help="port of the local AWS on 127.0.0.1 (default 4566)")
    return parser
