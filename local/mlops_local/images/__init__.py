"""Container images without Docker: built from a Dockerfile into a folder, known to ECR, run on this interpreter."""

from .store import Image, ImageError
from .resolve import resolve_image

__all__ = ["Image", "ImageError", "resolve_image"]
