"""One SageMaker endpoint: what it is asked to be, and the fleets that serve it."""

from __future__ import annotations

import random
import threading

from .account import Record
from .servers import Fleet, ModelServer


class Endpoint:
    """One endpoint: what it is asked to be (record) and what serves it (fleets).

    Attributes:
        record: What DescribeEndpoint shows.
        blue: The fleet in service, or None while the endpoint is being created or has failed.
        green: The fleet being deployed, or None.
        share: Fraction (0-1) of requests for the green fleet.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.blue: Fleet | None = None
        self.green: Fleet | None = None
        self.share = 0.0
        self.lock = threading.Lock()

    def pick(self, variant: str) -> tuple[ModelServer, Fleet] | None:
        """The server for one request: fleet by the traffic share, variant by the weights or by name.

        Args:
            variant: Name of the variant, or "" to go by the weights.
        """
        with self.lock:
            fleet = self.green if self.green is not None and random.random() < self.share else self.blue
            if fleet is None:
                return None
            if not variant:
                weights = {v["VariantName"]: v["CurrentWeight"] for v in self.record["ProductionVariants"]}
                names = list(fleet.servers)
                chances = [weights.get(name, 1.0) for name in names]
                variant = random.choices(names, chances if sum(chances) > 0 else None)[0]
            server = fleet.servers.get(variant)
            return (server, fleet) if server is not None else None


def variants_of(config: Record, retained: dict[str, Record]) -> list[Record]:
    """Variants of a configuration as DescribeEndpoint shows them, with retained weights and counts by name."""
    found = []
    for variant in config["ProductionVariants"]:
        kept = retained.get(variant["VariantName"], {})
        weight = kept.get("DesiredWeight", variant["InitialVariantWeight"])
        count = kept.get("DesiredInstanceCount", variant["InitialInstanceCount"])
        found.append(
            {
                "VariantName": variant["VariantName"],
                "CurrentWeight": weight,
                "DesiredWeight": weight,
                "CurrentInstanceCount": count,
                "DesiredInstanceCount": count,
            }
        )
    return found


def capture_summary(config: Record) -> Record | None:
    """`DataCaptureConfig` as DescribeEndpoint shows it."""
    capture = config.get("DataCaptureConfig")
    if not capture:
        return None
    enabled = capture.get("EnableCapture", True)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }
