"""Synthesis for tests, in this process, and reading what it wrote."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

Template = dict[str, Any]
Resource = dict[str, Any]

# The built-in validator costs seconds per synthesis; tests/compliance runs the same rules once over all templates.
os.environ["CDK_VALIDATION"] = "false"
os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20"

WORKLOADS = tuple(sorted(path.parent.name for path in Path(__file__).parents[1].glob("workloads/*/workload.yaml")))


def workload_of(stack: str) -> str | None:
    """Whose stack it is: a workload's name, or None for one that all workloads of an environment share."""
    return next((name for name in WORKLOADS if stack.startswith(f"{name}-")), None)


@dataclass(frozen=True)
class Assembly:
    """A synthesized app with one stage per environment."""

    folder: Path

    @cached_property
    def templates(self) -> Mapping[str, Mapping[str, Template]]:
        """Templates by environment and stack id."""
        found: dict[str, dict[str, Template]] = {}
        for environment, stack, path in self._paths():
            found.setdefault(environment, {})[stack] = json.loads(path.read_text())
        return found

    @cached_property
    def template_files(self) -> Mapping[tuple[str, str], Path]:
        """Path of each template by environment and stack id."""
        return {(environment, stack): path for environment, stack, path in self._paths()}

    @cached_property
    def report(self) -> dict[str, Any]:
        """What the policy plugins found."""
        report: dict[str, Any] = json.loads((self.folder / "validation-report.json").read_text())
        return report

    @cache  # noqa: B019 (an assembly lives as long as the session)
    def exports(self, environment: str) -> Mapping[str, tuple[Any, Template]]:
        """Return what the stacks of an environment export: name, and value with the template it is resolved in."""
        return {
            output["Export"]["Name"]: (output["Value"], template)
            for template in self.templates[environment].values()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def resources(self, *types: str, environment: str | None = None) -> Iterator[tuple[str, str, str, Resource]]:
        """Yield environment, stack id, logical id and resource, of the given types or all."""
        for name, stacks in self.templates.items():
            if environment not in (None, name):
                continue
            for stack, template in stacks.items():
                for logical_id, resource in template["Resources"].items():
                    if not types or resource["Type"] in types:
                        yield name, stack, logical_id, resource

    def _paths(self) -> Iterator[tuple[str, str, Path]]:
        for stage in sorted(self.folder.glob("assembly-*")):
            environment = stage.name.removeprefix("assembly-")
            manifest = json.loads((stage / "manifest.json").read_text())
            for artifact in manifest["artifacts"].values():
                if artifact["type"] == "aws:cloudformation:stack":
                    stack = artifact["properties"]["stackName"].removeprefix(f"mlops-{environment}-")
                    yield environment, stack, stage / artifact["properties"]["templateFile"]


def synthesize(root: Path, folder: Path) -> Assembly:
    """Synthesize every environment with the feature flags of `cdk.json` and the rule packs attached."""
    import aws_cdk as cdk

    from stacks.stage import PlatformStage, check_policies, read_platforms

    flags = json.loads((root / "cdk.json").read_text())["context"]
    # Findings become test failures that list them, instead of an exception out of the fixture.
    context = {**flags, "@aws-cdk/core:failSynthOnValidationErrors": False}
    app = cdk.App(outdir=str(folder), context=context, analytics_reporting=False)
    for platform in read_platforms(root, "all", None):
        PlatformStage(app, platform.environment.name, platform=platform)
    check_policies(app)
    app.synth()
    return Assembly(folder)
