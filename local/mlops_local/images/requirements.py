"""Whether this interpreter has what an image installs: the pins must agree, or results would differ from AWS."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement

from .store import ImageError


def check_requirements(lines: Iterable[str]) -> list[str]:
    """The requirements that apply here, each satisfied by this interpreter.

    Args:
        lines: Of a requirements file; comments, hashes and options are skipped.

    Raises:
        ImageError: one is missing or has another version; the message names it.
    """
    kept: list[str] = []
    for line in lines:
        text = line.split(" #")[0].split(" --hash")[0].strip().rstrip("\\").strip()
        if not text or text.startswith(("#", "--hash", "-")):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise ImageError(f"the requirement {text!r} can't be read: {error}") from None
        if requirement.marker and not requirement.marker.evaluate():
            continue
        _check(requirement)
        kept.append(str(requirement))
    return kept


def _check(requirement: Requirement) -> None:
    try:
        installed = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        raise ImageError(
            f"the image needs {requirement}, this environment has no {requirement.name}: "
            "pin the same in requirements-dev.txt and install it"
        ) from None
    if not requirement.specifier.contains(installed, prereleases=True):
        raise ImageError(
            f"the image needs {requirement}, this environment has {requirement.name} {installed}: "
            "pin the same in requirements-dev.txt and install it"
        )
