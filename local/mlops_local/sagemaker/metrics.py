"""Endpoint metrics in CloudWatch: collected per invocation, published in batches, so that alarms see them at once."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from typing import Any

from ..runtime import Runtime

logger = logging.getLogger(__name__)

NAMESPACE = "AWS/SageMaker"
FLUSH_SECONDS = 0.25
_VALUES_PER_DATUM = 150
_UNITS = {"ModelLatency": "Microseconds", "OverheadLatency": "Microseconds"}

_Key = tuple[str, tuple[tuple[str, str], ...]]


class EndpointMetrics:
    """Publishes what SageMaker publishes about real-time endpoints, some moments after each invocation."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._values: dict[_Key, list[float]] = defaultdict(list)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        threading.Thread(target=self._loop, name="endpoint-metrics", daemon=True).start()

    def record(self, endpoint: str, variant: str, config: str, values: dict[str, float]) -> None:
        """Notes one invocation, for the endpoint as a whole and for its fleet (`EndpointConfigName`)."""
        base = (("EndpointName", endpoint), ("VariantName", variant))
        with self._lock:
            for dimensions in (base, (*base, ("EndpointConfigName", config))):
                for name, value in values.items():
                    self._values[name, dimensions].append(value)
        self._wake.set()

    def flush(self) -> None:
        """Publishes what was noted so far."""
        with self._lock:
            values, self._values = self._values, defaultdict(list)
        data: list[dict[str, Any]] = []
        for (name, dimensions), noted in values.items():
            for start in range(0, len(noted), _VALUES_PER_DATUM):
                data.append(
                    {
                        "MetricName": name,
                        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
                        "Values": noted[start : start + _VALUES_PER_DATUM],
                        "Unit": _UNITS.get(name, "None"),
                    }
                )
        for start in range(0, len(data), 500):
            self._runtime.client("cloudwatch").put_metric_data(
                Namespace=NAMESPACE, MetricData=data[start : start + 500]
            )

    def _loop(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            threading.Event().wait(FLUSH_SECONDS)
            try:
                self.flush()
            except Exception:  # metrics must not end with one failed call, and must not be lost silently
                logger.exception("endpoint metrics could not be published")
