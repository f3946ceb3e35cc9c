"""Orchestration: event bus, workflows, functions. Serves the phases Repeatable and Reliable."""

from mlops_constructs.orchestration.bus import PlatformBus
from mlops_constructs.orchestration.function import PlatformFunction
from mlops_constructs.orchestration.workflow import Workflow

__all__ = ["PlatformBus", "PlatformFunction", "Workflow"]
