"""ECR: an image that is asked for by tag and isn't there is an error, not an empty list.

The CDK CLI takes the empty list for "published already" and would never build the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .patches import replace

if TYPE_CHECKING:
    from .runtime import Runtime


def register(runtime: Runtime) -> None:
    """Corrects DescribeImages."""
    replace("ministack.services.ecr", "_describe_images", _describing)


def _describing(original: Any) -> Any:
    from ministack.core.responses import error_response_json
    from ministack.services import ecr

    def describe(data: dict[str, Any]) -> Any:
        repository = data.get("repositoryName", "")
        for wanted in data.get("imageIds") or []:
            if repository in ecr._repositories and ecr._find_image(repository, wanted) is None:
                name = wanted.get("imageTag") or wanted.get("imageDigest")
                message = f"The image with imageId {name} does not exist within the repository {repository}"
                return error_response_json("ImageNotFoundException", message, 400)
        return original(data)

    return describe
