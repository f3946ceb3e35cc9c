"""OPS-4: runtimes and engines are supported, pinned, and get their patches."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.expectations import DATA, check
from mlops_constructs.compliance.values import Unknown

_LAYER = re.compile(r"arn:[\w-]+:lambda:[^:]+:(?P<account>\d{12}):layer:(?P<name>[\w-]+)")


def _runtimes(estate: Estate) -> Iterator[Judgement]:
    lifecycle = runtimes()
    for function in estate.of("AWS::Lambda::Function"):
        runtime = function.get("Runtime")
        if function.get("PackageType") == "Image" or isinstance(runtime, Unknown):
            continue
        ends = lifecycle.ends.get(str(runtime))
        ok = ends is not None and ends > lifecycle.as_of
        problem = f"was deprecated on {ends}" if ends else "is none that Lambda is known to support"
        yield Judgement(function, ok, "Runtime", "" if ok else f"the runtime {runtime} {problem}")


def _layers(estate: Estate) -> Iterator[Judgement]:
    trusted = {estate.account, *runtimes().publishers}
    for function in estate.of("AWS::Lambda::Function"):
        for layer in function.values("Layers.*"):
            named = _LAYER.match(str(layer))
            ok = isinstance(layer, Unknown) or (named is not None and named["account"] in trusted)
            name = named["name"] if named else str(layer)
            message = (
                f"the layer {name} comes from {named['account'] if named else 'nobody known'}, whom nobody vouches for"
            )
            yield Judgement(function, ok, name, "" if ok else message)


class Runtimes:
    """When Lambda's runtimes are deprecated, as known on a day, and accounts whose layers AWS vouches for."""

    def __init__(self, as_of: dt.date, ends: Mapping[str, dt.date], publishers: Mapping[str, str]) -> None:
        self.as_of, self.ends, self.publishers = as_of, ends, publishers


@lru_cache(maxsize=1)
def runtimes() -> Runtimes:
    """Read `data/runtimes.json`: dates from Lambda's documentation; judged as of the day they were read."""
    data = json.loads((DATA / "runtimes.json").read_text(encoding="utf-8"))
    return Runtimes(
        dt.date.fromisoformat(data["as_of"]),
        {name: dt.date.fromisoformat(day) for name, day in data["deprecated"].items()},
        data["publishers"],
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="OPS-4.runtime-supported",
        title="Functions run on a runtime that is supported",
        rationale="A deprecated runtime gets no security patches.",
        remedy="Move to the newest runtime of the language.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_runtimes,
    ),
    Rule(
        id="OPS-4.trusted-layers",
        title="Layers come from this account or from AWS",
        rationale="A layer is code that runs with the role of the function; whoever publishes it must be known.",
        remedy="Publish the layer in this account, or add its publisher to data/runtimes.json after a review.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_layers,
    ),
    Rule(
        id="OPS-4.patched",
        title="Engines get their patches, and releases are current",
        rationale="Known holes stay open without them.",
        remedy="Set the property named to the value expected.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=check("OPS-4.patched"),
    ),
    Rule(
        id="OPS-4.pinned",
        title="Versions of engines are written down",
        rationale="Without it the same template makes another engine next month.",
        remedy="Give the property named.",
        severity=Severity.LOW,
        phase=Phase.REPEATABLE,
        check=check("OPS-4.pinned"),
    ),
)
