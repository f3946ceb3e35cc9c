"""The folder a demo writes to: held while it runs, emptied when the next one starts, so only ever a demo's own."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path
from typing import IO

MARKER = "DEMO.txt"
_TEXT = "A demo made this folder. The next demo that is told to write here empties it first.\n"
_REMEDY = "choose another folder with --out (make demo OUT=...)"


class FolderError(RuntimeError):
    """A demo can't write there; the message names the folder and the remedy."""


def check_out(folder: Path) -> str | None:
    """Nothing that is not a demo's own would be lost: the folder is missing, empty, or an earlier demo's."""
    if not folder.exists():
        return None
    if not folder.is_dir():
        return f"{folder} is not a folder: {_REMEDY}"
    if (folder / MARKER).is_file() or not any(folder.iterdir()):
        return None
    return f"{folder} holds files and no {MARKER} of an earlier demo: {_REMEDY}"


def claim(folder: Path) -> IO[str]:
    """Keep other demos out while the file returned is open, and remove what an earlier one left.

    The lock ends with the process, however it ends, and results of an earlier run do not pass for this one's.

    Raises:
        FolderError: it is not a demo's or another demo runs there, and nothing was removed; or it can't be written.
    """
    problem = check_out(folder)
    if problem:
        raise FolderError(problem)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / MARKER).open("a", encoding="utf-8")
    except OSError as error:
        raise FolderError(f"{folder} can't be written ({error.strerror}): {_REMEDY}") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        raise FolderError(f"another demo runs in {folder}: wait for its end, or {_REMEDY}") from None
    held.truncate(0)
    held.write(_TEXT)
    held.flush()
    try:
        _empty(folder)
    except OSError as error:  # a killed demo's children may still write there
        held.close()
        raise FolderError(f"{folder} can't be emptied ({error.strerror}): try again, or {_REMEDY}") from None
    return held


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARKER:
            path.unlink()
