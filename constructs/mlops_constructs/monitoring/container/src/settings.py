"""What the job is told through its environment, and the folders of the SageMaker processing contract."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

Kind = Literal["Integral", "Fractional", "String", "Boolean"]
KINDS: Mapping[str, Kind] = {
    "int": "Integral",
    "bigint": "Integral",
    "float": "Fractional",
    "double": "Fractional",
    "string": "String",
    "boolean": "Boolean",
}
CATEGORICAL: frozenset[Kind] = frozenset({"String", "Boolean"})
"""Kinds whose values have no order; in Model Monitor's files all of them are of type String."""


class InputError(ValueError):
    """What the job was given is unusable; the message is one line that names what and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """When a check becomes a violation.

    Attributes:
        drift: Largest distance of a feature to its baseline, 0 to 1, unless it moves farther by itself.
        auc: Smallest area under the ROC curve, or None for no quality check.
        missing: How much the share of present values may fall below the baseline's, 0 to 1.
    """

    drift: float = 0.1
    auc: float | None = None
    missing: float = 0.05


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One monitored workload.

    Attributes:
        features: Kind of every feature by name, in the order in which clients send them after the key.
        key: Column of the labels that holds the record id.
        label: Column of the labels that holds the truth, 0 or 1.
        event_time: Column of labels and training data with the time the record speaks of.
        window_days: Length of the windows that are compared with the baseline, days.
        thresholds: When a check becomes a violation.
        ignore_prefixes: Record and inference ids that are not traffic: what smoke tests send.
        start: Begin of the window, inclusive; None for no bound.
        end: End of the window, exclusive; None for no bound.
        labelled_from: Quality is measured from here on, where labels come later than the window; None for `start`.
        champion: Version whose predictions quality is measured on; None for all.
    """

    features: Mapping[str, Kind]
    key: str
    label: str
    event_time: str = "event_time"
    window_days: int = 28
    thresholds: Thresholds = Thresholds()
    ignore_prefixes: tuple[str, ...] = ("smoke-",)
    start: datetime | None = field(default=None)
    end: datetime | None = field(default=None)
    labelled_from: datetime | None = field(default=None)
    champion: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Reads MONITOR_CONFIG (JSON, whole or in pieces), CHAMPION_VERSION, and WINDOW_START, WINDOW_END and
        LABELLED_FROM (ISO 8601).

        Raises:
            InputError: When a variable is missing or not understood.
        """
        text = _config_text(environment)
        try:
            config = json.loads(text)
            features = {column["name"]: KINDS[column["type"]] for column in config["features"]}
            given = {name: limit for name, limit in config.get("thresholds", {}).items() if limit is not None}
            thresholds = Thresholds(**given)  # a limit that is null keeps its default
            optional = {name: config[name] for name in ("event_time", "window_days") if name in config}
            if "ignore_prefixes" in config:
                optional["ignore_prefixes"] = tuple(config["ignore_prefixes"])
            if optional.get("window_days", 1) < 1:
                raise ValueError("window_days must be at least 1")
            times = ("WINDOW_START", "WINDOW_END", "LABELLED_FROM")
            start, end, labelled_from = (_moment(environment, name) for name in times)
            return cls(
                features=features, key=config["key"], label=config["label"], thresholds=thresholds,
                start=start, end=end, labelled_from=labelled_from,
                champion=environment.get("CHAMPION_VERSION") or None, **optional,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"MONITOR_CONFIG or window not understood ({error!r}): {text[:200]}") from error

    def contains(self, moment: datetime) -> bool:
        """Tells whether a time lies in the window."""
        return not ((self.start and moment < self.start) or (self.end and moment >= self.end))

    def judges(self, moment: datetime) -> bool:
        """Tells whether quality is measured on predictions of this time: in the window, or not long before it."""
        return self.contains(moment) or bool(
            self.labelled_from and self.start and self.labelled_from <= moment < self.start
        )

    def ignores(self, *ids: str | None) -> bool:
        """Tells whether one of the ids marks a record that is not traffic."""
        return any(name.startswith(self.ignore_prefixes) for name in ids if name)


def _config_text(environment: Mapping[str, str]) -> str:
    # SageMaker allows 256 characters per variable of a processing job, hence the numbered pieces.
    pieces = {
        int(m[1]): value for name, value in environment.items() if (m := re.fullmatch(r"MONITOR_CONFIG_(\d+)", name))
    }
    text = environment.get("MONITOR_CONFIG") or "".join(pieces[number] for number in sorted(pieces))
    if not text:
        raise InputError("MONITOR_CONFIG is not set: give the job the features, key, label and thresholds as JSON")
    return text


def _moment(environment: Mapping[str, str], name: str) -> datetime | None:
    text = environment.get(name)
    return parse_time(text) if text else None


def parse_time(text: str) -> datetime:
    """Reads an ISO 8601 time; one without zone is UTC."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def processing() -> Path:
    """Returns `/opt/ml/processing`; the variable OPT_ML moves `/opt/ml`, for runs outside a container."""
    return opt_ml() / "processing"


def opt_ml() -> Path:
    """Returns the folder SageMaker mounts."""
    return Path(os.environ.get("OPT_ML", "/opt/ml"))


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        InputError: When it is missing or not JSON.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: check the job's inputs") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
