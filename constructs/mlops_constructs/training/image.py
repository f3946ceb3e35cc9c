"""The container images that jobs and endpoints run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_cdk import aws_ecr as ecr


@dataclass(frozen=True, kw_only=True)
class ContainerImage:
    """An image in a registry and the programs inside it.

    Args:
        uri: Address of the image, tag or digest included; may be a CDK token (`DockerImageAsset.image_uri`).
        repository: Repository that holds it; job and model roles are granted pulls from it and from nothing else.
        program_folder: Folder of the scripts inside the image.
    """

    uri: str
    repository: ecr.IRepository
    program_folder: str = "/opt/program"

    def command(self, script: str) -> list[str]:
        """The entry point that runs one of the image's scripts, for example `features.py`."""
        return ["python", f"{self.program_folder}/{script}"]
