"""The folder of built images: content-addressed trees, and names that point at them."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


class ImageError(Exception):
    """An image can't be built, found or run here; the message names what and the remedy."""


@dataclass(frozen=True)
class Config:
    """What a Dockerfile says about running the image.

    Args:
        entrypoint: ENTRYPOINT as a list.
        command: CMD as a list.
        environment: ENV.
        workdir: WORKDIR inside the image.
        labels: LABEL.
        ports: EXPOSE.
        requirements: Pinned requirements the image installs; this interpreter has them.
    """

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    workdir: str = "/"
    labels: tuple[tuple[str, str], ...] = ()
    ports: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Image:
    """An image ready to run.

    Args:
        root: Folder that stands for `/`.
        config: How it runs.
        digest: `sha256:...` of its content.
    """

    root: Path
    config: Config
    digest: str

    @property
    def entrypoint(self) -> list[str]:
        """ENTRYPOINT, or CMD when there is none."""
        return list(self.config.entrypoint or self.config.command)

    @property
    def environment(self) -> dict[str, str]:
        """ENV, with paths of the image as they are on this machine."""
        return {key: self._located(value) for key, value in self.config.environment}

    @property
    def workdir(self) -> Path:
        """WORKDIR on this machine."""
        return self.root / self.config.workdir.lstrip("/")

    def argv(self, command: Sequence[str]) -> list[str]:
        """A command of the image as it runs here: `python` is this interpreter, paths of the image are mapped.

        Raises:
            ImageError: the command is empty, or its program isn't Python or a file of the image.
        """
        if not command:
            raise ImageError("the image has no ENTRYPOINT and the job gives none")
        program, *arguments = command
        name = Path(program).name
        if name in ("python", "python3") or name.startswith("python3."):
            # No bytecode into the tree: its digest is its content.
            return [sys.executable, "-B", *(self._located(argument) for argument in arguments)]
        located = self._located(program)
        if located == program:
            raise ImageError(f"the local AWS runs Python programs and files of the image, not {program!r}")
        return [located, *(self._located(argument) for argument in arguments)]

    def _located(self, text: str) -> str:
        if not text.startswith("/"):
            return text
        path = self.root / text.lstrip("/")
        return str(path) if path.exists() else text


class Store:
    """Images under one folder: `trees/<digest>/{rootfs,config.json}` and `names/<name>` holding a digest."""

    def __init__(self, home: Path) -> None:
        self._trees, self._names = home / "images" / "trees", home / "images" / "names"
        self._trees.mkdir(parents=True, exist_ok=True)
        self._names.mkdir(parents=True, exist_ok=True)

    def scratch(self) -> Path:
        """A new empty folder to build a tree in."""
        folder = self._trees / f".build-{uuid.uuid4().hex}"
        (folder / "rootfs").mkdir(parents=True)
        return folder

    def add(self, folder: Path, config: Config) -> str:
        """Takes a built tree and returns its digest; the same content is kept once."""
        (folder / "config.json").write_text(json.dumps(asdict(config), indent=1, sort_keys=True))
        digest = "sha256:" + _tree_hash(folder)
        target = self._trees / digest.removeprefix("sha256:")
        if target.exists():
            shutil.rmtree(folder)
        else:
            folder.rename(target)
        return digest

    def tag(self, name: str, digest: str) -> None:
        """Points a name (`repository:tag`) at a digest."""
        path = self._names / name.replace("/", "%2F")
        path.write_text(digest)

    def digest(self, name: str) -> str | None:
        """The digest a name points at, or None."""
        path = self._names / name.replace("/", "%2F")
        return path.read_text() if path.exists() else None

    def image(self, digest: str) -> Image:
        """The image with a digest.

        Raises:
            ImageError: it isn't here.
        """
        folder = self._trees / digest.removeprefix("sha256:")
        if not folder.exists():
            raise ImageError(f"the image {digest} is not in {self._trees}: deploy its stack again")
        fields = json.loads((folder / "config.json").read_text())
        pairs = {key: tuple(tuple(pair) for pair in fields.pop(key)) for key in ("environment", "labels")}
        lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
        return Image(folder / "rootfs", Config(**{**fields, **lists, **pairs}), digest)


def _tree_hash(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
