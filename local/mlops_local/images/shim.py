"""What the CDK CLI calls instead of Docker (`CDK_DOCKER`): login, inspect, build, tag, push, images."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..home import DOCKER
from .dockerfile import Build
from .store import ImageError, Store

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
# Docker's own media types, which SageMaker asks for, into the image store: what happens here anyway.
_OUTPUT = "--output=type=docker"
_IGNORED_OPTIONS = ("--platform", "--cache-from", "--cache-to", "--network")


def write_executable(home: Path) -> None:
    """Writes the program for `CDK_DOCKER` into the folder of a local AWS."""
    path = home / DOCKER
    path.parent.mkdir(parents=True, exist_ok=True)
    # -P: the CDK CLI starts it in the build context, which must not shadow modules.
    path.write_text(f'#!/bin/sh\nMLOPS_LOCAL_HOME="{home}" exec "{sys.executable}" -P -m mlops_local.images "$@"\n')
    path.chmod(0o755)


def main(argv: Sequence[str]) -> int:
    """Runs one Docker command line; 1 is Docker's answer for "there is no such image"."""
    words = list(argv)
    if words[:1] == ["--config"]:
        words = words[2:]
    store = Store(Path(os.environ["MLOPS_LOCAL_HOME"]))
    command, *rest = words or [""]
    try:
        if command == "login":
            sys.stdin.read()
        elif command == "inspect":
            return _inspect(store, rest[0])
        elif command == "build":
            _build(store, rest)
        elif command == "tag":
            store.tag(_tagged(rest[1]), _known(store, rest[0]))
        elif command == "push":
            _push(store, rest[0])
        elif command == "images":
            return 0  # the CLI asks for leftovers of other apps: there are none
        else:
            raise ImageError(f"`docker {' '.join(words)}` is not something the local AWS does")
    except ImageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _inspect(store: Store, name: str) -> int:
    digest = store.digest(_tagged(name))
    if digest is None:
        return 1
    print(json.dumps([{"Id": digest, "RepoTags": [name]}]))
    return 0


def _build(store: Store, words: list[str]) -> None:
    tag, file, arguments = "", "Dockerfile", {}
    waiting = iter(words)
    context = Path()
    for word in waiting:
        if word == "--tag":
            tag = next(waiting)
        elif word == "--file":
            file = next(waiting)
        elif word == "--build-arg":
            name, _, value = next(waiting).partition("=")
            arguments[name] = value
        elif word in _IGNORED_OPTIONS:
            next(waiting)
        elif word.startswith("-") and word not in ("--no-cache", _OUTPUT):
            raise ImageError(f"`docker build {word}` is not supported")
        elif not word.startswith("-"):
            context = Path(word)
    folder = store.scratch()
    config = Build(context.resolve(), folder / "rootfs", arguments).run(context.resolve() / file)
    digest = store.add(folder, config)
    store.tag(_tagged(tag), digest)
    print(f"built {tag} {digest}")


def _push(store: Store, name: str) -> None:
    import boto3

    digest = _known(store, name)
    repository, _, tag = name.partition("/")[2].rpartition(":")
    size = len(digest)
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": size, "digest": digest},
        "layers": [{"mediaType": _LAYER, "size": size, "digest": digest}],
    }
    ecr = boto3.client("ecr")
    try:
        ecr.put_image(
            repositoryName=repository,
            imageManifest=json.dumps(manifest, sort_keys=True),
            imageManifestMediaType=_MANIFEST,
            imageTag=tag,
        )
    except ecr.exceptions.ImageTagAlreadyExistsException:
        print(f"{name} is there already")


def _known(store: Store, name: str) -> str:
    digest = store.digest(_tagged(name))
    if digest is None:
        raise ImageError(f"no such image: {name}")
    return digest


def _tagged(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
