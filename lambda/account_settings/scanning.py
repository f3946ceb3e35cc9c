"""Amazon Inspector: which kinds of resources are scanned. Doing it twice is no error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mypy_boto3_inspector2 import Inspector2Client
    from mypy_boto3_inspector2.type_defs import FailedAccountTypeDef

ResourceType = Literal["ECR", "LAMBDA", "LAMBDA_CODE"]


class SettingError(Exception):
    """The service did not take a setting."""


def change(client: Inspector2Client, *, wanted: Sequence[ResourceType], before: Sequence[ResourceType]) -> None:
    """Turn on the scans that are wanted, and off those that were and are no longer.

    Raises:
        SettingError: Inspector names the account as failed, with a code and a message.
    """
    if wanted:
        _check(client.enable(resourceTypes=list(wanted))["failedAccounts"], "turned on")
    if dropped := [kind for kind in before if kind not in wanted]:
        _check(client.disable(resourceTypes=dropped)["failedAccounts"], "turned off")


def _check(failed: Sequence[FailedAccountTypeDef], what: str) -> None:
    for account in failed:
        raise SettingError(
            f"scans could not be {what} in {account['accountId']}: {account['errorCode']}: {account['errorMessage']}"
        )
