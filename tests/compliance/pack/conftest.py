"""Variants of the environments, synthesized once per session, without the rule packs of others."""

import json
from pathlib import Path

import aws_cdk as cdk
import pytest

from mlops_constructs.compliance.estate import Estate, load
from stacks.stage import PlatformStage, read_platforms
from tests.compliance.pack.variants import Choice, choices, rows, write


@pytest.fixture(scope="session")
def variants(root: Path) -> dict[str, Choice]:
    """Which optional sections each variant has."""
    return {name: choice for name, (_, choice) in rows(choices(root)).items()}


@pytest.fixture(scope="session")
def varied(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Estate]:
    """The estate of each variant."""
    source, folder = tmp_path_factory.mktemp("variants"), tmp_path_factory.mktemp("varied")
    write(root, source, rows(choices(root)))
    context = json.loads((root / "cdk.json").read_text())["context"]
    app = cdk.App(outdir=str(folder), context=context, analytics_reporting=False)
    for platform in read_platforms(source, "all", None):
        PlatformStage(app, platform.environment.name, platform=platform)
    app.synth()
    return {estate.name: estate for estate in load(folder)}
