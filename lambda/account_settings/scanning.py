"""Amazon Inspector: which kinds of resources are scanned. Doing it twice is no error."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mypy_boto3_inspector2 import Inspector2Client
    from mypy_boto3_inspector2.type_defs import FailedAccountTypeDef

ResourceType = Literal["ECR", "LAMBDA", "LAMBDA_CODE"]

DONE = "ALREADY_ENABLED"
PASSING = frozenset(
    {
        "ACCESS_DENIED",  # right after the service-linked role was made
        "DISABLE_IN_PROGRESS",
        "ENABLE_IN_PROGRESS",
        "EVENTBRIDGE_THROTTLED",
        "SSM_THROTTLED",
        "SUSPEND_IN_PROGRESS",
    }
)
_PAUSE_SECONDS = 10


class SettingError(Exception):
    """The service did not take a setting."""


def change(
    client: Inspector2Client,
    *,
    wanted: Sequence[ResourceType],
    before: Sequence[ResourceType],
    seconds: Callable[[], float],
) -> None:
    """Turn on the scans that are wanted, and off those that were and are no longer.

    Args:
        client: Of Inspector.
        wanted: Kinds of resources to scan.
        before: Those that were scanned until now.
        seconds: How long there is time to ask again while Inspector says that it is busy.

    Raises:
        SettingError: Inspector names the account as failed, with a code and a message.
    """
    if wanted:
        _until_taken(lambda: client.enable(resourceTypes=list(wanted))["failedAccounts"], "turned on", seconds)
    if dropped := [kind for kind in before if kind not in wanted]:
        _until_taken(lambda: client.disable(resourceTypes=dropped)["failedAccounts"], "turned off", seconds)


def _until_taken(ask: Callable[[], Sequence[FailedAccountTypeDef]], what: str, seconds: Callable[[], float]) -> None:
    while failed := [account for account in ask() if account["errorCode"] != DONE]:
        if {account["errorCode"] for account in failed} - PASSING or seconds() < 2 * _PAUSE_SECONDS:
            account = failed[0]
            raise SettingError(
                f"scans could not be {what} in {account['accountId']}: "
                f"{account['errorCode']}: {account['errorMessage']}"
            )
        time.sleep(_PAUSE_SECONDS)
