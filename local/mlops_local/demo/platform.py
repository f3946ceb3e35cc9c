"""How a client finds the deployed platform: the published SSM contract, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ClientFactory = Callable[[str], Any]


class NotDeployedError(LookupError):
    """The environment does not publish what a client needs; the message lists what it publishes."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One workload in one environment, as seen from outside.

    Args:
        client: makes a boto3 client for a service name.
        environment: environment name.
        workload: workload name.
        parameters: every published parameter below `/mlops/<environment>/`, without that prefix.
    """

    client: ClientFactory
    environment: str
    workload: str
    parameters: dict[str, str]

    @classmethod
    def discover(cls, client: ClientFactory, environment: str, workload: str) -> Platform:
        """Read the SSM contract of an environment.

        Raises:
            NotDeployedError: nothing is published.
        """
        prefix = f"/mlops/{environment}/"
        pages = client("ssm").get_paginator("get_parameters_by_path").paginate(Path=prefix, Recursive=True)
        found = {one["Name"].removeprefix(prefix): one["Value"] for page in pages for one in page["Parameters"]}
        if not found:
            raise NotDeployedError(
                f"nothing is published under {prefix}: deploy with `cdk deploy -c env={environment} --all`"
            )
        return cls(client=client, environment=environment, workload=workload, parameters=found)

    def parameter(self, name: str) -> str:
        """Value of `/mlops/<environment>/<name>`.

        Raises:
            NotDeployedError: it is not published.
        """
        if name not in self.parameters:
            raise NotDeployedError(
                f"/mlops/{self.environment}/{name} is not published; there are: {sorted(self.parameters)}"
            )
        return self.parameters[name]

    def bucket(self, zone: str) -> str:
        """Bucket name of a zone: landing, raw, curated, quarantine, artefacts or capture."""
        return self.parameter(f"data-lake/{zone}-bucket")

    def workflow(self, name: str) -> str:
        """ARN of one of the workload's state machines: ingest, train, deploy or monitor."""
        return self.parameter(f"{self.workload}/{name}-state-machine")

    @property
    def bus(self) -> str:
        """Name of the environment's event bus."""
        return f"mlops-{self.environment}"

    @property
    def endpoint(self) -> str:
        """Name of the workload's endpoint, the same as its model package group's."""
        return f"{self.workload}-{self.environment}"

    def read(self, uri: str) -> bytes:
        """Content of `s3://bucket/key`."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        content: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def list_keys(self, bucket: str, prefix: str) -> list[str]:
        """Keys below a prefix, sorted."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]
