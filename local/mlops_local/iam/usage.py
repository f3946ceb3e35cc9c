"""The record of IAM decisions: which role used which action on what, and was it allowed."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Decision:
    """One distinct IAM decision.

    Args:
        role: ARN of the role (without session), or of the user.
        action: For example `s3:GetObject`.
        resource: ARN, or `*` for actions without a resource level.
        allowed: What the policies said.
    """

    role: str
    action: str
    resource: str
    allowed: bool


class UsageLog:
    """Appends each distinct decision once to a JSON-lines file; thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: set[Decision] = set()
        self._lock = threading.Lock()
        path.touch()

    def record(self, decision: Decision) -> None:
        """Writes a decision unless the same one is in the file already."""
        with self._lock:
            if decision in self._seen:
                return
            self._seen.add(decision)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(decision)) + "\n")

    def decisions(self) -> tuple[Decision, ...]:
        """Every distinct decision so far, in no particular order."""
        with self._lock:
            return tuple(self._seen)
