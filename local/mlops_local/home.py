"""The one folder a local AWS lives in: empty at the start, held until the process ends."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import IO

from .errors import LocalAwsError

FOLDERS = ("s3", "tmp", "images", "jobs", "endpoints")
USAGE_FILE, READY_FILE, LOG_FILE = "iam-usage.jsonl", "ready", "server.log"
DOCKER = "bin/docker"
"""What stands in for Docker: the value of `CDK_DOCKER`."""
MARKER = "LOCAL-AWS.txt"
_TEXT = "A local AWS made this folder. The next one that starts here begins with an empty account.\n"


def hold(home: Path) -> IO[str]:
    """Removes what an earlier local AWS left in the folder, and keeps others out while the file returned is open.

    Raises:
        LocalAwsError: another one runs there, or something is there that no local AWS made; nothing was removed.
    """
    there = [name for name in FOLDERS if (home / name).exists()]
    if there and not (home / MARKER).is_file():
        raise LocalAwsError(
            f"{home} holds {there[0]} and no {MARKER} of an earlier local AWS: give another folder with --home"
        )
    held = (home / MARKER).open("a+", encoding="utf-8")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        raise LocalAwsError(f"another local AWS runs in {home}: stop it or give another folder with --home") from None
    held.truncate(0)
    held.write(_TEXT)
    held.flush()
    for name in there:
        shutil.rmtree(home / name)
    for name in (USAGE_FILE, READY_FILE):
        (home / name).unlink(missing_ok=True)
    if (home / LOG_FILE).exists():
        os.truncate(home / LOG_FILE, 0)  # our own output, when a parent started us
    return held
