"""The command: what it refuses, in one line, with exit status 2."""

from pathlib import Path

import pytest

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
