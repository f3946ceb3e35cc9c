"""Rules that need both files: what a workload may be in an environment of a certain stage."""

from collections.abc import Iterator
from pathlib import Path

from mlops_constructs.names import NAME_LIMIT, OWN_NAME_LIMIT
from stacks.config.base import ConfigError
from stacks.config.environment import Environment
from stacks.config.errors import shown_path
from stacks.config.overrides import sets
from stacks.config.words import shown
from stacks.config.workload import Workload

REDUNDANT_INSTANCES = 2
"""Instances SageMaker spreads over two availability zones; with fewer, one zone's failure is an outage."""


def check_workload_in_environment(
    workload: Workload, environment: Environment, path: Path, workload_path: Path
) -> None:
    """Check one workload against the environment it runs in.

    Args:
        workload: overrides applied.
        environment: where it runs.
        path: the environment's file, where the remedy belongs.
        workload_path: the workload's own file, named where the value stands in it.

    Raises:
        ConfigError: one line per broken rule.
    """
    where = f"{shown_path(path)}: workloads.{workload.name}"
    overrides = environment.workloads.get(workload.name, {})
    lines = [f"{where}: {problem}" for problem in _too_long(workload, environment)]
    for field, given, remedy in _broken(workload, environment):
        origin = "" if sets(overrides, field.split(".")) else f" from {shown_path(workload_path)}"
        lines.append(f"{where}.{field}: got {shown(given)}{origin}; {remedy}")
    if lines:
        raise ConfigError("\n".join(lines))


def _broken(workload: Workload, environment: Environment) -> Iterator[tuple[str, int, str]]:
    yield from _forgotten(workload, environment)
    yield from _fragile(workload, environment)
    yield from _unlimited(workload, environment)


def _forgotten(workload: Workload, environment: Environment) -> Iterator[tuple[str, int, str]]:
    """Predictions that are deleted before the monitor has seen them with their labels."""
    if workload.monitoring:
        kept, delay = environment.data_retention.capture_days, workload.label.delay_days
        if kept <= workload.monitoring.window_days + delay:
            remedy = (
                f"give less than {kept}, the days that data_retention.capture_days keeps predictions, and "
                f"label.delay_days, which is {delay}, together, or keep them longer"
            )
            yield "monitoring.window_days", workload.monitoring.window_days, remedy


def _fragile(workload: Workload, environment: Environment) -> Iterator[tuple[str, int, str]]:
    """A single instance where a guarded stage has to survive the loss of a zone."""
    serving = workload.serving
    if not environment.stage.guarded or serving is None:
        return
    remedy = f"give at least {REDUNDANT_INSTANCES}: stage {environment.stage} must survive the loss of a zone"
    if serving.instance_count < REDUNDANT_INSTANCES:
        yield "serving.instance_count", serving.instance_count, remedy
    if serving.autoscaling and serving.autoscaling.min_count < REDUNDANT_INSTANCES:
        yield "serving.autoscaling.min_count", serving.autoscaling.min_count, remedy


def _unlimited(workload: Workload, environment: Environment) -> Iterator[tuple[str, int, str]]:
    """A gate that lets every request through where a guarded stage has to hold some back: ML-13 of the pack."""
    retraining = workload.retraining
    if not environment.stage.guarded or retraining is None:
        return
    remedy = f"give at least 1: in stage {environment.stage} nothing may ask for training without end"
    for field in ("cool_down_minutes", "min_new_rows"):
        if getattr(retraining, field) < 1:
            yield f"retraining.{field}", getattr(retraining, field), remedy


def _too_long(workload: Workload, environment: Environment) -> Iterator[str]:
    name = f"{workload.name}-{environment.name}"
    if len(name) > OWN_NAME_LIMIT:
        remedy = f"give names that have at most {OWN_NAME_LIMIT} characters together with the hyphen"
        why = f"of SageMaker's {NAME_LIMIT} the others tell jobs and versions apart"
        yield f"got {name!r}; {remedy}, not {len(name)}: {why}"
