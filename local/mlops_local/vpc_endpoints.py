"""VPC endpoints, described with everything that is kept of them: policy, private names, security groups."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from .patches import replace

if TYPE_CHECKING:
    from .runtime import Runtime


def register(runtime: Runtime) -> None:
    """Adds to the emulator's description."""
    replace("ministack.services.ec2", "_vpce_fields_xml", _described)


def _described(original: Any) -> Any:
    def describe(endpoint: dict[str, Any], tag: str = "item") -> str:
        text: str = original(endpoint, tag)
        body, end, _ = text.rpartition(f"</{tag}>")
        return body + _rest(endpoint) + end

    return describe


def _rest(endpoint: dict[str, Any]) -> str:
    policy = endpoint.get("PolicyDocument")
    policy = policy if isinstance(policy, str) or policy is None else json.dumps(policy)
    private = str(endpoint.get("PrivateDnsEnabled", False)).lower()
    groups = "".join(
        f"<item><groupId>{escape(group)}</groupId></item>" for group in endpoint.get("SecurityGroupIds", [])
    )
    return (
        f"<policyDocument>{escape(policy)}</policyDocument>" if policy else ""
    ) + f"<privateDnsEnabled>{private}</privateDnsEnabled><groupSet>{groups}</groupSet>"
