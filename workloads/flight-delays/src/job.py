"""The part of the SageMaker container contract that every script shares: folders, and how a failure is told."""

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path


class InputError(ValueError):
    """What the job was given is unusable; the message is one line that names what and the remedy."""


def opt_ml() -> Path:
    """Returns the folder SageMaker mounts at `/opt/ml`; the variable OPT_ML moves it, for runs outside a container."""
    return Path(os.environ.get("OPT_ML", "/opt/ml"))


def hyperparameters() -> dict[str, str]:
    """Returns the training job's hyperparameters; SageMaker hands all of them over as strings."""
    path = opt_ml() / "input" / "config" / "hyperparameters.json"
    if not path.exists():
        return {}
    return {str(name): str(value) for name, value in json.loads(path.read_text()).items()}


def parquet_files(folder: Path) -> list[Path]:
    """Lists the Parquet files below a folder in a stable order.

    Raises:
        InputError: When there is none.
    """
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise InputError(f"no Parquet file in {folder}: check the job's input channel")
    return files


def run(script: Callable[[], None]) -> None:
    """Runs a script to its end; a failure becomes one line where SageMaker looks for it, and exit code 1.

    Training jobs report `/opt/ml/output/failure` as FailureReason, processing jobs `/opt/ml/output/message` as
    ExitMessage (both cut at 1024 characters).
    """
    try:
        script()
    except Exception as error:
        line = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        line = " ".join(line.split())[:1024]
        if not isinstance(error, InputError):
            traceback.print_exc()
        print(line, file=sys.stderr)
        output = opt_ml() / "output"
        output.mkdir(parents=True, exist_ok=True)
        for name in ("failure", "message"):
            (output / name).write_text(line)
        sys.exit(1)
