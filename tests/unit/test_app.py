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

from stacks.config import ConfigError, environment_names, load_platform
from stacks.stage import add_platform, read_platforms
from tests.assembly import Assembly


def test_one_environment_is_what_it_is_among_all(assembly: Assembly, root: Path, tmp_path: Path) -> None:
    """`-c env=dev` puts the stacks into the app itself, where `cdk deploy --all` finds them, unchanged."""
    flags = json.loads((root / "cdk.json").read_text())["context"]
    app = cdk.App(outdir=str(tmp_path), context=flags, analytics_reporting=False)
    add_platform(Construct(app, "dev"), load_platform(root, "dev"))
    alone = {stack.stack_name.removeprefix("mlops-dev-"): stack.template["Resources"] for stack in app.synth().stacks}
    assert alone == {name: template["Resources"] for name, template in assembly.templates["dev"].items()}


QUIET = ("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "CDK_VALIDATION")
"""What makes jsii and the CDK silent: the app sets it, so that it is heard under `npx cdk` as little as under make."""


def test_a_missing_choice_is_one_line_and_no_traceback(root: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in QUIET}
    environment |= {"CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": "{}"}
    code = "import os, runpy\ntry:\n    runpy.run_path('app.py')\nfinally:\n    print(os.environ['CDK_VALIDATION'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "false\n")
    names = ", ".join(environment_names(root))
    assert done.stderr == f"environment: got nothing; say which: -c env=NAME, one of {names}, or all\n"


def test_a_command_that_needs_an_environment_says_how_to_name_it(root: Path) -> None:
    recipes = dict(re.findall(r"^([a-z-]+): setup .*\n((?:\t.*\n)+)", (root / "Makefile").read_text(), re.MULTILINE))
    needing = {name: recipe for name, recipe in recipes.items() if "$(ENV)" in recipe}
    assert needing.keys() == {"synth", "review"}
    for name, recipe in needing.items():
        guard = recipe.splitlines()[0].replace("$(ENV)", "").strip().removeprefix("@")
        done = subprocess.run(["bash", "-c", guard], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, f"make: say which environment: make {name} ENV=prod\n")


def test_a_wrong_choice_lists_the_right_ones(root: Path) -> None:
    names, workloads = environment_names(root), [each.name for each in load_platform(root, "dev").workloads]
    lines = {
        ("qa", None): f"environment: got 'qa'; use one of {', '.join(names)} (files in environments/) or all",
        ("dev", "nosuch"): f"workload: got 'nosuch'; environments/dev.yaml has {', '.join(workloads)}",
    }
    for (environment, workload), line in lines.items():
        with pytest.raises(ConfigError) as error:
            read_platforms(root, environment, workload)
        assert str(error.value) == line


def test_all_means_every_environment(root: Path) -> None:
    names = [platform.environment.name for platform in read_platforms(root, "all", None)]
    assert names == sorted(path.stem for path in (root / "environments").glob("*.yaml"))
