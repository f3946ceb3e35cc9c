"""The command: what it refuses, in one line, with exit status 2."""

import sys
import tomllib
from pathlib import Path

import pytest

from mlops_constructs.compliance.__main__ import main
from mlops_constructs.compliance.evidence import cli

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "no such file"),
        ([str(HERE / "foreign.yaml"), "--environment", "moon"], "no environment 'moon'; there are foreign"),
        ([str(HERE / "foreign.yaml"), "--accepted", "nowhere.yaml"], "nowhere.yaml: there is no such file"),
        ([str(HERE / "foreign.yaml"), "--waivers", "nowhere.yaml"], "nowhere.yaml"),
        ([str(HERE / "foreign.yaml"), "--usage", "nowhere.json"], "nowhere.json"),
    ],
)
def test_unusable_input_is_named(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = cli.main([*arguments, "--out", str(tmp_path / "out"), "--date", "2026-11-24", "--checkov", "no"])
    assert status == cli.UNUSABLE
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_checkov_that_is_asked_for_and_missing_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [str(HERE / "foreign.yaml"), "--out", "out", "--date", "2026-11-24", "--checkov", "yes"]
    assert cli.main(arguments) == cli.UNUSABLE
    assert "make checkov" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "module", "loaded", "extra"),
    [
        ("review", "jinja2", ("evidence.html", "evidence.bundle"), "evidence"),
        ("diff", "z3", ("diff.access", "diff.review", "diff.page", "diff.text"), "diff"),
    ],
)
def test_a_command_whose_extra_is_missing_names_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    module: str,
    loaded: tuple[str, ...],
    extra: str,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    for name in loaded:
        monkeypatch.delitem(sys.modules, f"mlops_constructs.compliance.{name}", raising=False)
    arguments = {"review": ["x", "--out", "y", "--date", "2026-11-24"], "diff": ["x", "y"]}[command]
    assert main([command, *arguments]) == cli.UNUSABLE
    said = f"{command}: {module} is missing: pip install './constructs[{extra}]' from a checkout\n"
    assert capsys.readouterr().err == said


def test_yaml_without_its_extra_names_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.delitem(sys.modules, "mlops_constructs.compliance.yaml_forms", raising=False)
    assert main(["check", str(HERE / "foreign.yaml")]) == cli.UNUSABLE
    assert "pip install './constructs[yaml]' from a checkout" in capsys.readouterr().err


def test_extras_that_messages_name_exist(root: Path) -> None:
    project = tomllib.loads((root / "constructs" / "pyproject.toml").read_text())["project"]
    assert {"evidence", "diff", "yaml"} <= project["optional-dependencies"].keys()
