"""Images are built from their Dockerfile without Docker, pushed to ECR, and pulled as the role of a job."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from mlops_local.images import ImageError, resolve_image
from mlops_local.images.dockerfile import Build, instructions
from mlops_local.images.store import Config, Store
from mlops_local.runtime import Runtime
from mlops_local.server import LocalAws
from tests.local import core

DOCKERFILE = """
# comment
FROM python:3.12-slim
ARG FOLDER=program
ENV MODE=quiet \\
    HOME_DIR=/opt/program
WORKDIR /opt/${FOLDER}
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt \\
    && useradd --create-home program && mkdir -p /opt/ml
COPY src/ /opt/program/
EXPOSE 8080
ENTRYPOINT ["python", "/opt/program/main.py"]
"""


def context(folder: Path, dockerfile: str = DOCKERFILE, requirement: str = "") -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "requirements.txt").write_text(requirement or f"boto3=={version('boto3')}\n")
    (folder / "src" / "main.py").write_text("import sys\nprint('ran', sys.argv[1:])\n")
    return folder


def build(folder: Path, out: Path) -> Config:
    out.mkdir()
    return Build(folder, out, {}).run(folder / "Dockerfile")


def test_continued_lines_are_one_instruction() -> None:
    assert instructions("# x\nRUN a \\\n  # y\n  b\n")[0][1:] == ("RUN", "a b")


def test_a_dockerfile_becomes_a_tree_and_a_configuration(tmp_path: Path) -> None:
    config = build(context(tmp_path / "context"), tmp_path / "out")
    assert config.entrypoint == ("python", "/opt/program/main.py")
    assert dict(config.environment) == {"MODE": "quiet", "HOME_DIR": "/opt/program"}
    assert (config.workdir, config.ports) == ("/opt/program", ("8080",))
    assert config.requirements == (f"boto3=={version('boto3')}",)
    assert (tmp_path / "out/opt/program/main.py").exists()
    assert (tmp_path / "out/opt/ml").is_dir()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("HEALTHCHECK CMD true", "HEALTHCHECK"),
        ("RUN apt-get install -y gcc", "apt-get install"),
        ("COPY --from=builder /a /b", "--from=builder"),
        ("COPY missing.txt /opt/", "missing.txt"),
        ("ENTRYPOINT python main.py", "shell form"),
        ("USER program", "for root"),
        ("USER 1000:1000", "for root"),
        ("FROM ubuntu:24.04", "more than one FROM"),
    ],
)
def test_what_is_not_supported_is_refused_with_file_and_line(tmp_path: Path, line: str, named: str) -> None:
    folder = context(tmp_path / "context", f"FROM python:3.12\n\n{line}\n")
    with pytest.raises(ImageError, match=named) as caught:
        build(folder, tmp_path / "out")
    assert "Dockerfile, line 3" in str(caught.value)


def test_a_base_image_that_is_not_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"ubuntu:24\.04 is not Python"):
        build(context(tmp_path / "context", "FROM ubuntu:24.04\n"), tmp_path / "out")


@pytest.mark.parametrize(
    ("requirement", "named"), [("boto3==0.0.1", "has boto3 "), ("no-such-package==1.0", "has no no-such-package")]
)
def test_a_requirement_this_interpreter_does_not_meet_is_refused(tmp_path: Path, requirement: str, named: str) -> None:
    with pytest.raises(ImageError, match=named):
        build(context(tmp_path / "context", requirement=requirement), tmp_path / "out")


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digests = set()
    for number in range(2):
        folder = store.scratch()
        config = Build(context(tmp_path / f"context{number}"), folder / "rootfs", {})
        digests.add(store.add(folder, config.run(tmp_path / f"context{number}/Dockerfile")))
    assert len(digests) == 1
    assert [path.name for path in (tmp_path / "images/trees").iterdir()] == [digests.pop().removeprefix("sha256:")]


@pytest.mark.local
def test_an_image_is_pushed_and_pulled_with_the_right_to_it(aws: LocalAws, tmp_path: Path) -> None:
    aws.client("ecr").create_repository(repositoryName="core-images")
    uri = "000000000000.dkr.ecr.us-east-1.amazonaws.com/core-images:tag1"
    environ = aws.environ()
    docker = environ["CDK_DOCKER"]

    def run(*words: str, **options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [docker, *words], env=environ, cwd=folder, capture_output=True, text=True, check=False, **options
        )

    missing = [{"imageTag": "tag1"}]
    with pytest.raises(ClientError, match="ImageNotFoundException"):  # else the CDK CLI builds nothing
        aws.client("ecr").describe_images(repositoryName="core-images", imageIds=missing)
    folder = context(tmp_path / "context")
    assert run("login", "--username", "AWS", "--password-stdin", "host", input="secret").returncode == 0
    assert run("inspect", "cdkasset-1").returncode == 1
    refused = run("build", "--tag", "cdkasset-1", "--output=type=oci", ".")
    assert (refused.returncode, "--output=type=oci` is not supported" in refused.stderr) == (2, True)
    built = run("build", "--tag", "cdkasset-1", "--platform", "linux/arm64", "--output=type=docker", ".")
    assert built.returncode == 0, built.stderr
    assert run("inspect", "cdkasset-1").returncode == 0
    for words in (("tag", "cdkasset-1", uri), ("push", uri)):
        done = run(*words)
        assert done.returncode == 0, done.stderr

    repository = "arn:aws:ecr:us-east-1:000000000000:repository/core-images"
    pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    made = {
        "May": core.role(
            "sagemaker.amazonaws.com", core.allow(pull, repository), core.allow("ecr:GetAuthorizationToken", "*")
        ),
        "MayNot": core.role("sagemaker.amazonaws.com", core.allow("ecr:GetAuthorizationToken", "*")),
    }
    with core.deployed(aws, "images-pull", made) as outputs:
        client = Puller(aws)
        image = resolve_image(client, uri, client.assume(outputs["May"]))
        argv = image.argv([*image.entrypoint, "train"])
        assert argv[0] == sys.executable
        ran = subprocess.run(argv, cwd=image.workdir, capture_output=True, text=True, check=True)
        assert ran.stdout == "ran ['train']\n"
        with pytest.raises(ClientError, match="ecr:BatchGetImage"):
            resolve_image(client, uri, client.assume(outputs["MayNot"]))
        with pytest.raises(ImageError, match="not in the repository"):
            resolve_image(client, uri.replace("tag1", "tag2"), client.assume(outputs["May"]))


class Puller(Runtime):
    """The part of the runtime that pulling needs, outside the server's process."""

    def __init__(self, aws: LocalAws) -> None:
        self.home, self.endpoint_url = aws.home, aws.endpoint_url
        self._clients = aws._clients
        self._aws = aws

    def assume(self, name: str) -> object:
        role = self._aws.client("iam").get_role(RoleName=name)["Role"]["Arn"]
        self._open(name)
        answer = self._aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return self._clients.session(
            {
                "aws_access_key_id": answer["AccessKeyId"],
                "aws_secret_access_key": answer["SecretAccessKey"],
                "aws_session_token": answer["SessionToken"],
            }
        )

    def _open(self, name: str) -> None:
        """Lets the account's root assume the role: a test is no SageMaker."""
        import json

        principal = {"AWS": "arn:aws:iam::000000000000:root"}
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._aws.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=document)
