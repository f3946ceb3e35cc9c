"""Container images without Docker: built from a Dockerfile into a folder, known to ECR, run on this interpreter."""

from .resolve import resolve_image
from .store import Image, ImageError

__all__ = ["Image", "ImageError", "resolve_image"]
