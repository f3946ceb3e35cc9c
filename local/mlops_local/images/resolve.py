"""Pulling an image: the calls a container host makes to ECR, with the credentials it has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .store import Image, ImageError, Store

if TYPE_CHECKING:
    import boto3

    from ..runtime import Runtime

_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[\w-]+)\.[^/]+/(?P<repository>[^:@]+)"
    r"(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
)


def resolve_image(runtime: Runtime, uri: str, session: boto3.Session) -> Image:
    """Finds an image through ECR as a role: `ecr:GetAuthorizationToken`, `BatchGetImage`, `GetDownloadUrlForLayer`.

    Args:
        runtime: The local AWS.
        uri: `<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>` or `...@sha256:<digest>`.
        session: The role of the job, the endpoint or the function.

    Raises:
        ImageError: not an ECR image of this account, or not in the repository.
        ClientError: the role may not pull (AccessDenied), as the service says it.
    """
    match = _URI.match(uri)
    if match is None or match["account"] != runtime.account:
        raise ImageError(f"{uri} is not an image of this account's ECR: the local AWS has no other images")
    ecr = runtime.client("ecr", session)
    ecr.get_authorization_token()
    name = match["repository"]
    wanted = {"imageDigest": match["digest"]} if match["digest"] else {"imageTag": match["tag"] or "latest"}
    answer = ecr.batch_get_image(repositoryName=name, imageIds=[wanted])
    if not answer["images"]:
        raise ImageError(f"{uri} is not in the repository {name}")
    layer = json.loads(answer["images"][0]["imageManifest"])["layers"][0]["digest"]
    ecr.get_download_url_for_layer(repositoryName=name, layerDigest=layer)
    return Store(runtime.home).image(layer)
