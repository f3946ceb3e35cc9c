"""The command: exit status, one line per finding, JSON, and a start that needs neither AWS nor the CDK."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_constructs.compliance.__main__ import COMMANDS, main
from tests.assembly import Assembly

OPEN = {
    "Resources": {
        "Lake": {"Type": "AWS::S3::Bucket", "Properties": {"AccessControl": "PublicReadWrite"}},
        "Topic": {"Type": "AWS::SNS::Topic"},
    }
}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    file = tmp_path / "app.template.json"
    file.write_text(json.dumps(OPEN, indent=1))
    return file


def test_an_open_bucket_of_somebody_else_fails(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = template.parent / "new" / "findings.json"
    assert main(["check", str(template), "--json", str(out)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("FAIL ") and "app/Lake (app.template.json:3)" in line for line in lines[:-1])
    assert all(line.startswith("FAIL ") and " Remedy: " in line for line in lines[:-1])
    assert lines[-1].startswith("app: ")
    written = json.loads(out.read_text())["environments"]["app"]
    assert not written["passed"]
    assert len([each for each in written["findings"] if each["status"] == "FAIL"]) == len(lines) - 1


def test_a_file_of_waivers_waives_and_is_judged(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = template.parent / "findings.json"
    main(["check", str(template), "--json", str(out)])
    failed = [e for e in json.loads(out.read_text())["environments"]["app"]["findings"] if e["status"] == "FAIL"]
    entries = [
        {
            "finding": each["finding"],
            "path": each["path"],
            "reason": "The template is a sample that nobody deploys.",
            "owner": "tests",
            "review": "2027-06-30",
            "compensating_control": "There is no account to deploy it to.",
        }
        for each in failed
    ]
    waivers = template.parent / "waivers.json"
    waivers.write_text(json.dumps([*entries, {**entries[0], "path": "app/Nothing"}]))
    capsys.readouterr()
    assert main(["check", str(template), "--waivers", str(waivers), "--today", "2027-01-01"]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if "WAIVER-1.stale" in line]
    assert len(lines) == 1
    assert "app/Nothing" in lines[0]
    assert main(["check", str(template), "--waivers", str(waivers), "--today", "2028-01-01"]) == 1
    assert "WAIVER_EXPIRED" in capsys.readouterr().out


def test_one_environment_of_an_assembly_is_judged_alone(
    assembly: Assembly, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    main(["check", str(assembly.folder), "--environment", "prod", "--json", str(out)])
    assert list(json.loads(out.read_text())["environments"]) == ["prod"]
    assert main(["check", str(assembly.folder), "--environment", "prood"]) == 2
    assert "got 'prood', there is dev, local, prod, staging" in capsys.readouterr().err


def test_input_that_cannot_be_judged_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"Resources": ')
    binary = tmp_path / "binary.template"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, message in (
        (tmp_path / "absent", "there is no such file or folder"),
        (tmp_path, "binary.template: not text"),
        (broken, "broken.json:1: not JSON"),
        (binary, "not text in UTF-8"),
    ):
        assert main(["check", str(path)]) == 2, path
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2


def test_the_command_starts_without_cdk_aws_and_yaml(template: Path) -> None:
    program = (
        "import sys\n"
        "from mlops_constructs.compliance.__main__ import main\n"
        f"main(['check', {str(template)!r}])\n"
        "heavy = {'aws_cdk', 'jsii', 'boto3', 'botocore', 'yaml', 'pydantic', 'z3', 'constructs'} & set(sys.modules)\n"
        "sys.exit(f'loads {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_further_commands_explain_themselves(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert "usage:" in capsys.readouterr().out
