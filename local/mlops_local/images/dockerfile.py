"""The part of the Dockerfile language that images of plain Python programs need; the rest is refused by name."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .requirements import check_requirements
from .store import Config, ImageError

# A base image is this interpreter; anything that isn't Python would be a lie.
_PYTHON_BASE = re.compile(r"^(?:[\w.:-]+/)*python(?::3[\w.-]*)?(?:@sha256:[0-9a-f]{64})?$")
_NO_EFFECT = {"useradd", "groupadd", "adduser", "addgroup", "chown", "chmod"}
_ROOT = ("root", "0")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")


@dataclass
class Build:
    """A Dockerfile being carried out.

    Args:
        context: The build context.
        rootfs: Folder that becomes `/`.
        arguments: `--build-arg` values.
    """

    context: Path
    rootfs: Path
    arguments: Mapping[str, str]
    workdir: str = "/"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    ports: list[str] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    defaults: dict[str, str] = field(default_factory=dict)

    def run(self, dockerfile: Path) -> Config:
        """Carries out every instruction and returns how the image runs.

        Raises:
            ImageError: an instruction is not supported, with file and line.
        """
        based = False
        for number, keyword, rest in instructions(dockerfile.read_text(encoding="utf-8")):
            try:
                if keyword == "FROM":
                    if based:
                        raise ImageError("more than one FROM: builds of several stages are not supported")
                    based = True
                handler = getattr(self, f"_{keyword.lower()}", None)
                if handler is None:
                    raise ImageError(f"the instruction {keyword} is not supported")
                handler(rest if keyword == "RUN" else self._expand(rest))
            except ImageError as error:
                raise ImageError(f"{dockerfile}, line {number}: {error}") from None
        if not based:
            raise ImageError(f"{dockerfile}: there is no FROM")
        return Config(
            self.entrypoint,
            self.command,
            tuple(sorted(self.environment.items())),
            self.workdir,
            tuple(sorted(self.labels.items())),
            tuple(self.ports),
            tuple(self.requirements),
        )

    def _from(self, rest: str) -> None:
        image = rest.split()[0]
        if not _PYTHON_BASE.match(image):
            raise ImageError(f"the base image {image} is not Python: the local AWS runs images on its own interpreter")

    def _arg(self, rest: str) -> None:
        name, _, default = rest.partition("=")
        self.defaults[name] = self.arguments.get(name, default)

    def _workdir(self, rest: str) -> None:
        self.workdir = rest if rest.startswith("/") else f"{self.workdir.rstrip('/')}/{rest}"
        self._locate(self.workdir).mkdir(parents=True, exist_ok=True)

    def _copy(self, rest: str) -> None:
        words = json.loads(rest) if rest.startswith("[") else shlex.split(rest)
        for flag in [word for word in words if word.startswith("--")]:
            if not flag.startswith(("--chown=", "--chmod=")):
                raise ImageError(f"COPY {flag} is not supported")
        *sources, target = [word for word in words if not word.startswith("--")]
        destination = self._locate(target)
        for pattern in sources:
            found = sorted(self.context.glob(pattern.strip("/").removeprefix("./") or "."))
            if pattern in (".", "./"):
                found = [self.context]
            if not found:
                raise ImageError(f"COPY {pattern}: no such file in the build context")
            for source in found:
                _copy_into(source, destination, folder=target.endswith("/") or len(sources) > 1 or len(found) > 1)

    def _run(self, rest: str) -> None:
        if rest.startswith("["):
            self._command(json.loads(rest))
            return
        for part in re.split(r"\s*&&\s*", self._expand(rest)):
            self._command(shlex.split(part))

    def _command(self, words: list[str]) -> None:
        if words[:3] in (["python", "-m", "pip"], ["python3", "-m", "pip"]):
            words = words[2:]
        if words[:2] in (["pip", "install"], ["pip3", "install"]):
            self._install(words[2:])
        elif words[:2] == ["mkdir", "-p"]:
            for folder in words[2:]:
                self._locate(folder).mkdir(parents=True, exist_ok=True)
        elif words[:1] and words[0] in _NO_EFFECT:
            return  # processes run as the user of the local AWS
        else:
            raise ImageError(f"RUN {' '.join(words)} is not supported: only `pip install -r`, `mkdir -p` and users")

    def _install(self, words: list[str]) -> None:
        pinned: list[str] = []
        waiting = iter(words)
        for word in waiting:
            if word in ("-r", "--requirement"):
                pinned += self._locate(next(waiting)).read_text(encoding="utf-8").splitlines()
            elif not word.startswith("-"):
                pinned.append(word)
        self.requirements += check_requirements(pinned)

    def _env(self, rest: str) -> None:
        self.environment.update(_pairs(rest))

    def _label(self, rest: str) -> None:
        self.labels.update(_pairs(rest))

    def _expose(self, rest: str) -> None:
        self.ports += rest.split()

    def _user(self, rest: str) -> None:
        if rest.partition(":")[0] not in _ROOT:
            raise ImageError(f"USER {rest}: SageMaker mounts its folders for root; leave the image's user as it is")

    def _entrypoint(self, rest: str) -> None:
        self.entrypoint = _exec_form("ENTRYPOINT", rest)

    def _cmd(self, rest: str) -> None:
        self.command = _exec_form("CMD", rest)

    def _locate(self, path: str) -> Path:
        absolute = path if path.startswith("/") else f"{self.workdir}/{path}"
        located = (self.rootfs / absolute.lstrip("/")).resolve()
        if not located.is_relative_to(self.rootfs.resolve()):
            raise ImageError(f"{path} leaves the image")
        return located

    def _expand(self, text: str) -> str:
        known = {**self.defaults, **self.environment}
        return _VARIABLE.sub(lambda match: known.get(match[1] or match[3], match[2] or ""), text)


def instructions(text: str) -> list[tuple[int, str, str]]:
    """(line, KEYWORD, rest) of a Dockerfile; comments are dropped and continued lines joined."""
    found: list[tuple[int, str, str]] = []
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        start = start or number
        if stripped.endswith("\\"):
            pending += stripped[:-1] + " "
            continue
        keyword, _, rest = (pending + stripped).partition(" ")
        found.append((start, keyword.upper(), re.sub(r"\s+", " ", rest.strip())))
        pending, start = "", 0
    return found


def _copy_into(source: Path, destination: Path, *, folder: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, destination, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        return
    target = destination / source.name if folder or destination.is_dir() else destination
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _pairs(rest: str) -> dict[str, str]:
    words = shlex.split(rest)
    if "=" not in words[0]:
        return {words[0]: " ".join(words[1:])}
    return dict(word.split("=", 1) for word in words)


def _exec_form(keyword: str, rest: str) -> tuple[str, ...]:
    if not rest.startswith("["):
        raise ImageError(f"{keyword} in shell form is not supported: write a JSON list, signals reach the program then")
    return tuple(json.loads(rest))
