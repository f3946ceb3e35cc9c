"""Which IAM action a request is: exact for Lambda, and never none, so that no request passes unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..patches import replace

if TYPE_CHECKING:
    from ..runtime import Runtime

MODULE = "ministack.core.iam_actions"
# Operations of Lambda whose action has another name.
_LAMBDA = {
    "GetLayerVersionByArn": "GetLayerVersion",
    "Invoke": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
}
# Headers of a PutObject, CopyObject or CreateMultipartUpload that do more than put, and the action for that.
_S3_HEADERS = {
    "x-amz-acl": "s3:PutObjectAcl",
    "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
    "x-amz-object-lock-mode": "s3:PutObjectRetention",
    "x-amz-tagging": "s3:PutObjectTagging",
}


def register(runtime: Runtime) -> None:
    """Replaces how the emulator finds the action."""
    from ministack.core import iam_actions

    iam_actions._BOTOCORE_SERVICE_MAP["lambda"] = ["lambda"]
    replace(MODULE, "extract_iam_action", _acting)
    replace(MODULE, "s3_additional_checks", _putting)


def _acting(original: Any) -> Any:
    from ministack.core import iam_actions

    def extract(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> str | None:
        namespace = iam_actions.SERVICE_TO_IAM_NAMESPACE.get(service)
        if service == "lambda":
            operation = iam_actions._match_rest_action(service, method, path, query)
            action = f"lambda:{_LAMBDA.get(operation, operation)}" if operation else None
        else:
            action = original(service, method, path, headers, body, query)
        if action is None and namespace is not None:
            # No policy but one that allows everything allows this.
            return f"{namespace}:{method} {path}"
        return action

    return extract


def _putting(original: Any) -> Any:
    from ministack.core import iam_actions

    def checks(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = original(method, path, headers, body, query)
        if iam_actions._s3_action(method, path, query) == "PutObject":
            found += [
                (action, f"arn:aws:s3:::{path.lstrip('/')}")
                for name, action in _S3_HEADERS.items()
                if headers.get(name)
            ]
        return found

    return checks
