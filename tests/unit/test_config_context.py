"""What the command line may select with `-c`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.config import ConfigError, check_context

OF_THE_CDK = {
    "aws:cdk:enable-path-metadata": True,
    "aws-cdk:enableDiffNoFail": True,
    "@aws-cdk/core:newStyleStackSynthesis": True,
    "availability-zones:account=1:region=us-east-1": ["us-east-1a"],
    "vpc-provider:account=1:filter.vpc-id=vpc-1": {},
    "$dontSaveContext": True,
}


def test_what_is_read_and_what_the_cdk_adds_is_taken(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text('{"context": {"flag": true}}')
    (tmp_path / "cdk.context.json").write_text('{"acknowledged-issue-numbers": [1]}')
    files = {"flag": True, "acknowledged-issue-numbers": [1]}
    check_context({"env": "dev", "workload": "churn", **OF_THE_CDK, **files}, [tmp_path])


@pytest.mark.parametrize(
    ("context", "line"),
    [
        (
            {"env": "dev", "workloads": "churn"},
            "context: got workloads=churn; did you mean workload? use -c env=NAME and -c workload=NAME, "
            "there are no other keys",
        ),
        (
            {"env": "dev", "stage": True},
            "context: got stage=true; use -c env=NAME and -c workload=NAME, there are no other keys",
        ),
    ],
)
def test_a_key_that_nobody_reads_gives_one_line(tmp_path: Path, context: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError) as error:
        check_context({**context, **OF_THE_CDK}, [tmp_path])
    assert str(error.value) == line


def test_the_app_refuses_it_before_anything_else(root: Path, tmp_path: Path) -> None:
    context = json.dumps({"env": "dev", "workloads": "churn", **OF_THE_CDK})
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": context}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("context: got workloads=churn; did you mean workload?")
