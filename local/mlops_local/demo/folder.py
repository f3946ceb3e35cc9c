"""The folder a demo writes to: emptied when the next demo starts, so only ever one that a demo made."""

from __future__ import annotations

import shutil
from pathlib import Path

MARKER = "DEMO.txt"
_TEXT = "A demo made this folder. The next demo that is told to write here empties it first.\n"


def check_out(folder: Path) -> str | None:
    """Nothing that is not a demo's own would be lost: the folder is missing, empty, or an earlier demo's."""
    if not folder.exists():
        return None
    if not folder.is_dir():
        return f"{folder} is not a folder: choose another one with --out (make demo OUT=...)"
    if (folder / MARKER).is_file() or not any(folder.iterdir()):
        return None
    return (
        f"{folder} holds files and no {MARKER} of an earlier demo: choose another folder with --out (make demo OUT=...)"
    )


def claim(folder: Path) -> None:
    """Empty the folder, so that results of an earlier run do not pass for this one's, and mark it as a demo's.

    Raises:
        RuntimeError: it is not an earlier demo's; nothing was removed.
    """
    problem = check_out(folder)
    if problem:
        raise RuntimeError(problem)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).write_text(_TEXT)
