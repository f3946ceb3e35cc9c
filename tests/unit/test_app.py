"""What `-c env` and `-c workload` select, as the CDK CLI passes them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest
from constructs import Construct

from stacks.config import ConfigError, load_platform
from stacks.stage import add_platform, read_platforms
from tests.assembly import Assembly


def test_one_environment_is_what_it_is_among_all(assembly: Assembly, root: Path, tmp_path: Path) -> None:
    """`-c env=dev` puts the stacks into the app itself, where `cdk deploy --all` finds them, unchanged."""
    flags = json.loads((root / "cdk.json").read_text())["context"]
    app = cdk.App(outdir=str(tmp_path), context=flags, analytics_reporting=False)
    add_platform(Construct(app, "dev"), load_platform(root, "dev"))
    alone = {stack.stack_name.removeprefix("mlops-dev-"): stack.template["Resources"] for stack in app.synth().stacks}
    assert alone == {name: template["Resources"] for name, template in assembly.templates["dev"].items()}


def test_a_missing_choice_is_one_line_and_no_traceback(root: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": "{}"}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "environment: got nothing; say which: -c env=NAME, one of dev, local, prod, staging, or all"
    )
    assert "Traceback" not in done.stderr


def test_a_command_that_needs_an_environment_says_how_to_name_it(root: Path) -> None:
    recipes = dict(re.findall(r"^([a-z-]+): setup .*\n((?:\t.*\n)+)", (root / "Makefile").read_text(), re.MULTILINE))
    needing = {name: recipe for name, recipe in recipes.items() if "$(ENV)" in recipe}
    assert needing.keys() == {"synth", "review"}
    for name, recipe in needing.items():
        guard = recipe.splitlines()[0].replace("$(ENV)", "").strip().removeprefix("@")
        done = subprocess.run(["bash", "-c", guard], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, f"make: say which environment: make {name} ENV=prod\n")


@pytest.mark.parametrize(
    ("environment", "workload", "line"),
    [
        ("qa", None, "environment: got 'qa'; use one of dev, local, prod, staging (files in environments/) or all"),
        ("dev", "fraud", "workload: got 'fraud'; environments/dev.yaml has flight-delays"),
    ],
)
def test_a_wrong_choice_lists_the_right_ones(root: Path, environment: str, workload: str | None, line: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_platforms(root, environment, workload)
    assert str(error.value) == line


def test_all_means_every_environment(root: Path) -> None:
    names = [platform.environment.name for platform in read_platforms(root, "all", None)]
    assert names == ["dev", "local", "prod", "staging"]
