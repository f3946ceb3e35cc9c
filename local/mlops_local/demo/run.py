"""The demo from the first phase to the last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import yaml

from mlops_local.demo.capture import predictions
from mlops_local.demo.decisions import decision_of
from mlops_local.demo.deployment import Deployment
from mlops_local.demo.diagnosis import failed_executions
from mlops_local.demo.display import Display
from mlops_local.demo.folder import claim
from mlops_local.demo.landing import Produced, produce
from mlops_local.demo.metrics import recompute
from mlops_local.demo.months import Month, history
from mlops_local.demo.observer import Event, Observer
from mlops_local.demo.offline import Offline
from mlops_local.demo.platform import Platform
from mlops_local.demo.processes import MemoryWatch
from mlops_local.demo.replay import Replay, ReplayedMonth
from mlops_local.demo.report import write_report
from mlops_local.demo.result import Result
from mlops_local.demo.summary import Alternatives, summarize
from mlops_local.server import ACCOUNT, REGION, LocalAws

ENVIRONMENT, WORKLOAD = "local", "flight-delays"


class Demo:
    """One run of the demo.

    Args:
        repository: checkout with app.py and workloads/.
        out: where report.html, result.json, predictions.parquet, events.jsonl and logs go; cleared of an earlier demo.
        port: of the local AWS.
        months: to replay, from April on.

    Attributes:
        diagnosis: after a failure, what the account itself says went wrong, one line each.
    """

    def __init__(self, *, repository: Path, out: Path, port: int, months: Sequence[Month]) -> None:
        self.repository, self.out, self.port, self.months = repository, out, port, months
        self.home = out / "local-aws"
        self.diagnosis: list[str] = []
        self._workload = repository / "workloads" / WORKLOAD

    def run(self, display: Display) -> Result:
        """Run every phase and stop everything that was started, whatever happens.

        Raises:
            FolderError: the folder can't be written to, or another demo runs there.
            LocalAwsError: the local AWS can't start.
            Exception: whatever failed; `diagnosis` then has the account's side of it.
        """
        with ExitStack() as stack:
            stack.enter_context(claim(self.out))
            memory = stack.enter_context(MemoryWatch())
            with display.phase("start the local AWS"):
                aws = stack.enter_context(LocalAws(self.home, self.port))
                display.step(f"{aws.endpoint_url}, working in {self.home}")
            with ThreadPoolExecutor(1) as beside:
                cut = beside.submit(self.produce, display)
                self.deploy(aws, display)
                files = cut.result()
            platform = Platform.discover(aws.client, ENVIRONMENT, WORKLOAD)
            try:
                result = self.loop(platform, files, display)
            except Exception:
                self.diagnosis = failed_executions(platform)
                raise
            with display.phase("stop the local AWS"):
                aws.stop()
            peak = memory.peak_bytes
        measured = {"wall_seconds": dict(display.seconds), "peak_memory_bytes": peak}
        return self.close(result.model_copy(update=measured), display)

    def deploy(self, aws: LocalAws, display: Display) -> Deployment:
        """Synthesize, bootstrap and deploy environment `local`."""
        deployment = Deployment(
            repository=self.repository, out=self.out, environ=aws.environ(), on_progress=display.now
        )
        with display.phase("synthesize environment local, cdk bootstrap"), ThreadPoolExecutor(1) as beside:
            bootstrap = beside.submit(deployment.bootstrap, ACCOUNT, REGION)
            deployment.synth()
            bootstrap.result()
        with display.phase("cdk deploy --all"):
            deployment.deploy()
            stacks = aws.client("cloudformation").describe_stacks()["Stacks"]
            display.step(f"{len(stacks)} stacks")
        return deployment

    def produce(self, display: Display) -> list[Produced]:
        """Cut January to March and the months to replay into landing files."""
        files = produce(self._workload / "data" / "prepare.py", self.out / "files", [*history(), *self.months])
        display.step(f"the flights are cut into {len(files)} files, {sum(file.rows for file in files)} rows")
        return files

    def loop(self, platform: Platform, files: list[Produced], display: Display) -> Result:
        """Replay every month on a deployed platform; leaves predictions.parquet and events.jsonl."""
        offline = Offline(
            source=self._workload / "src",
            hyperparameters=_hyperparameters(self._workload),
            files=files,
            work=self.out / "offline",
        )
        with (
            offline.in_background(),
            Observer(platform, self.out / "events.jsonl", _announce(display)) as observer,
        ):
            replay = Replay(platform=platform, observer=observer, display=display, files=files)
            with display.phase("January to March: the first model"):
                history_files = replay.train_first(history())
            naive, frozen = (
                offline.naive(self.months),
                offline.frozen(self._first_model(platform, observer), self.months),
            )
            replayed = self._replay(replay, display)
            with display.phase("compare with the frozen model and naive retraining"):
                alternatives = Alternatives(frozen=frozen.result(), naive=naive.result())
            with display.phase("read back what was served"):
                served = predictions(platform)
                served.to_parquet(self.out / "predictions.parquet", index=False)
                sent = sum(month.traffic.flights for month in replayed)
                if len(served) != sent:
                    raise RuntimeError(f"{sent} flights were scored but the capture holds {len(served)} predictions")
                return summarize(
                    platform=platform,
                    observer=observer,
                    months=replayed,
                    history_files=history_files,
                    predictions=served,
                    alternatives=alternatives,
                )

    def _replay(self, replay: Replay, display: Display) -> list[ReplayedMonth]:
        # The second month gets the broken files: by then there are accepted files to repeat and to contradict.
        faulty = self.months[min(1, len(self.months) - 1)]
        replayed = []
        for month in self.months:
            with display.phase(f"{month.name}"):
                replayed.append(replay.replay(month, with_faults=month == faulty))
        return replayed

    def _first_model(self, platform: Platform, observer: Observer) -> Path:
        """Download the first registered model: the frozen one of the comparison."""
        first = observer.events("Model Registered")[0].detail["model_package_arn"]
        package = platform.client("sagemaker").describe_model_package(ModelPackageName=first)
        archive = self.out / "offline" / "frozen.tar.gz"
        archive.parent.mkdir(parents=True, exist_ok=True)
        archive.write_bytes(platform.read(package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]))
        return archive

    def close(self, result: Result, display: Display) -> Result:
        """Write result.json and report.html, and check that the one follows from predictions.parquet."""
        (self.out / "result.json").write_text(result.model_dump_json(indent=1))
        recompute(self.out / "predictions.parquet", self.out / "result.json")
        write_report(result, self.out / "report.html")
        seconds = sum(result.wall_seconds.values())
        display.step(f"{seconds:.0f} s, at most {result.peak_memory_bytes / 1024**3:.1f} GB of memory")
        display.result(result.verdict)
        display.step(f"read {self.out / 'report.html'}")
        return result


def _announce(display: Display) -> Callable[[Event], None]:
    def announce(event: Event) -> None:
        decision = decision_of(event)
        if decision:
            display.decision(decision.decision, decision.reason)

    return announce


def _hyperparameters(workload: Path) -> Mapping[str, object]:
    described = yaml.safe_load((workload / "workload.yaml").read_text())
    found: Mapping[str, object] = described["training"].get("hyperparameters", {})
    return found
