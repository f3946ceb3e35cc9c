"""What SageMaker starts: `train` for a training job, `serve` for an endpoint."""

import os
import runpy
import sys
from pathlib import Path

COMMANDS = ("train", "serve")


def main() -> None:
    """Runs the named script as the main program."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command not in COMMANDS:
        sys.exit(f"expected one of {', '.join(COMMANDS)}, got {command!r}")
    del sys.argv[1]
    # OpenMP's idle threads spin by default: where cores are shared, training takes eight times as long. The variable
    # is read when XGBoost is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    runpy.run_path(str(Path(__file__).with_name(f"{command}.py")), run_name="__main__")


if __name__ == "__main__":
    main()
