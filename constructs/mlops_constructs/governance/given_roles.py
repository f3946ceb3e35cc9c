"""Roles that a caller gives a construct in place of those it would make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam


def one_service_each(assumed_by: Mapping[str, Sequence[iam.IRole | None]]) -> None:
    """Refuse a role that is given for two services.

    A function waits for its role's policy, and the policy of the workflow that calls it names the function: were both
    one role, they would wait for each other for ever. What one service runs may share a role.

    Args:
        assumed_by: The given roles by the service that assumes them; None stands for one that is made.

    Raises:
        ValueError: A role is given for more than one service.
    """
    seen: dict[int, str] = {}
    for service, roles in assumed_by.items():
        for role in roles:
            if role is not None and seen.setdefault(id(role), service) != service:
                raise ValueError(
                    f"one role is given for {seen[id(role)]} and for {service}: give each service a role of its own,"
                    " or their resources wait for each other and the stack cannot be created"
                )
