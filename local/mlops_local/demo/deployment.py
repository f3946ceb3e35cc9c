"""The real CDK CLI against the local AWS: synth, bootstrap, deploy, destroy."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlops_local.demo.preflight import cdk_executable
from mlops_local.demo.processes import run

_RESOURCE = re.compile(r"\b(CREATE|UPDATE|DELETE)_(COMPLETE|FAILED)\b.*?\|\s*(\S+)\s*\|")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One environment's CDK commands.

    Args:
        repository: checkout with app.py.
        out: folder for the assembly (`cdk.out`) and the commands' logs (`logs/`).
        environ: variables that point the CLI to the local AWS (`LocalAws.environ()`).
        environment: environment file name.
        workload: the one workload that is deployed, whatever others the environment names.
        on_progress: receives one short text per finished resource.
    """

    repository: Path
    out: Path
    environ: Mapping[str, str]
    environment: str = "local"
    workload: str = "flight-delays"
    on_progress: Callable[[str], None] = lambda text: None

    @property
    def assembly(self) -> Path:
        """Where `synth` writes and `deploy` reads."""
        return self.out / "cdk.out"

    def synth(self) -> None:
        """Synthesize the environment with the one workload into `out/cdk.out`."""
        selected = ["-c", f"env={self.environment}", "-c", f"workload={self.workload}"]
        self._cdk(["synth", "--quiet", *selected, "--output", str(self.assembly)], self.repository)

    def bootstrap(self, account: str, region: str) -> None:
        """`cdk bootstrap`, outside the app folder: inside, the CLI would synthesize first."""
        self._cdk(["bootstrap", f"aws://{account}/{region}"], self.out)

    def deploy(self, *, log_name: str = "deploy") -> None:
        """Deploy every stack of the assembly as it lies in `out/cdk.out`."""
        self._cdk(
            ["deploy", *self._all(), "--require-approval", "never", "--concurrency", "4", "--progress", "events"],
            self.out,
            log_name,
        )

    def destroy(self) -> None:
        """Delete every stack of the assembly."""
        self._cdk(["destroy", *self._all(), "--force", "--progress", "events"], self.out)

    def _all(self) -> list[str]:
        return ["--all", "--app", str(self.assembly)]

    def _cdk(self, arguments: Sequence[str], folder: Path, log_name: str | None = None) -> None:
        run(
            [str(cdk_executable(self.repository)), *arguments, "--no-notices", "--ci"],
            environment=self._environ(),
            folder=folder,
            log=self.out / "logs" / f"cdk-{log_name or arguments[0]}.log",
            on_line=self._line,
        )

    def _environ(self) -> dict[str, str]:
        # The app must run in this interpreter whether or not its environment is activated.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        # The CLI runs in another folder: relative entries would point nowhere.
        modules = [str(Path(entry).resolve()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
        return {
            **self.environ,
            "PATH": path,
            "PYTHONPATH": os.pathsep.join(modules),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "NO_COLOR": "1",
        }

    def _line(self, line: str) -> None:
        match = _RESOURCE.search(line)
        self.on_progress(f"{match[3]} {match[1].lower()}d" if match else line.strip()[:100])
