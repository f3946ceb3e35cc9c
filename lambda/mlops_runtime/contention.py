"""DynamoDB refuses a write to an item that a transaction is writing at this moment; soon after it takes it.

No SDK repeats such a write by itself.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

from mlops_runtime.aws import error_code
from mlops_runtime.errors import Transient

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS = 10
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 3.0
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}

Written = TypeVar("Written")


def patiently(write: Callable[[], Written]) -> Written:
    """Repeat a write that others stand in the way of, with growing pauses of random length (8 seconds on average).

    Raises:
        Transient: They still stood in the way at the last attempt.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0, min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)))
        try:
            return write()
        except Exception as error:
            if not _in_the_way(error):
                raise
    raise Transient(f"other writes to the same items stood in the way {ATTEMPTS} times")


def _in_the_way(error: Exception) -> bool:
    code = error_code(error)
    if code != "TransactionCanceledException":
        return code == "TransactionConflictException"
    reasons = getattr(error, "response", {}).get("CancellationReasons", [])
    codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
    return bool(codes) and codes <= _PASSING
