"""Errors of the local AWS that carry a sentence for people or a code for AWS clients."""

from __future__ import annotations


class LocalAwsError(RuntimeError):
    """The local AWS can't do what was asked; the message names what and the remedy."""


class AccessDenied(Exception):  # noqa: N818 - named as AWS names it
    """The caller's policies don't allow an action. The service renders it in its own protocol.

    Args:
        principal: ARN of the caller.
        action: For example `sagemaker:CreateTrainingJob`.
        resource: ARN of the resource, or `*`.
        explicit: True when a Deny statement matched, not merely no Allow.
        code: Error code, for failed authentication; `AccessDeniedException` by default.
    """

    def __init__(
        self,
        principal: str,
        action: str,
        resource: str,
        *,
        explicit: bool = False,
        code: str = "AccessDeniedException",
        message: str = "",
    ) -> None:
        self.principal, self.action, self.resource, self.code = principal, action, resource, code
        self.explicit = explicit
        reason = (
            "with an explicit deny in an identity-based policy"
            if explicit
            else f"because no identity-based policy allows the {action} action"
        )
        self.message = (
            message or f"User: {principal} is not authorized to perform: {action} on resource: {resource} {reason}"
        )
        super().__init__(self.message)


class AssumeRoleDenied(AccessDenied):
    """The role doesn't exist, or its trust policy doesn't name the service that wants to assume it."""
