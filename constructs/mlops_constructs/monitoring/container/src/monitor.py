"""The platform's monitor, a SageMaker processing job in two forms.

`monitor.py baseline` describes the data a model was trained on: `input/dataset` -> `output/baseline/statistics.json`
and `constraints.json`.

`monitor.py run` compares the captured traffic of a window with that baseline and with the labels that have arrived:
`input/capture`, `input/labels` (optional), `input/baseline` -> `output/report/`. Rows without a label are normal,
labels come late; they are watched for drift and counted. Where labels come days late, quality is measured on the
predictions of those days too.
"""

import json
import sys
import traceback
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import capture
import constraints
import describe
import drift
import quality
import variation
from settings import InputError, Settings, opt_ml, processing, read_json


def baseline(settings: Settings) -> None:
    """Describes the training data and suggests what later data must satisfy."""
    files = sorted((processing() / "input" / "dataset").rglob("*.parquet"))
    if not files:
        raise InputError("input/dataset holds no Parquet file: give the job the training data")
    wanted = [*settings.features, settings.event_time]
    rows = as_written(pa.concat_tables(pq.ParquetFile(path).read(columns=wanted) for path in files))
    lacking = set(settings.features) - set(rows.column_names)
    if lacking or not rows.num_rows:
        raise InputError(f"the training data has {rows.num_rows} rows and lacks the features {sorted(lacking)}")
    statistics = describe.statistics(describe.columns(rows, settings.features), rows.num_rows)
    windows = variation.learn(rows, statistics, settings)
    output = processing() / "output" / "baseline"
    write(output / "statistics.json", statistics)
    write(output / "constraints.json", constraints.suggest(statistics, settings.thresholds))
    own = variation.own_thresholds(statistics, settings.thresholds.drift)
    print(
        f"baseline of {rows.num_rows} rows and {len(settings.features)} features; {windows} windows of "
        f"{settings.window_days} days; thresholds of their own: "
        + (", ".join(f"{name} {limit:.2f}" for name, limit in sorted(own.items())) or "none")
    )


def as_written(rows: pa.Table) -> pa.Table:
    """Reads numbers of single precision as the decimals they stand for: clients write 0.1, not 0.10000000149."""
    for place, column in enumerate(rows.schema):
        if pa.types.is_float32(column.type):
            decimals = rows[column.name].cast(pa.string()).cast(pa.float64())
            rows = rows.set_column(place, column.name, decimals)
    return rows


def run(settings: Settings) -> None:
    """Compares captured traffic with the baseline and with the labels."""
    source = processing() / "input"
    reference = read_json(source / "baseline" / "statistics.json")
    limits = constraints.apply(read_json(source / "baseline" / "constraints.json"), reference, settings.thresholds)
    captured = capture.read(source / "capture", settings)
    predictions = label(tabulate(captured), source / "labels", settings)

    columns = [describe.from_texts(name, kind, captured.features[name]) for name, kind in settings.features.items()]
    statistics = describe.statistics(columns, captured.rows)
    scores = compare(reference, statistics, limits)
    measured = measure(predictions, settings)
    comparable = variation.comparable(reference, days_with_traffic(captured, settings), settings)
    violations = constraints.evaluate(limits, statistics, scores if comparable else {})
    violations += quality.evaluate(limits, measured)
    violations += complaints(captured, settings)

    output = processing() / "output" / "report"
    write(output / "statistics.json", statistics)
    write(output / "constraints.json", limits)
    write(output / "constraint_violations.json", {"violations": violations})
    write(
        output / "quality.json",
        {**summary(captured, predictions, scores, measured, settings), "drift_judged": comparable},
    )
    pq.write_table(predictions, output / "predictions.parquet")
    labelled = predictions.num_rows - predictions["label"].null_count
    unlike = "" if comparable else ", traffic on too few days for drift"
    print(f"{captured.rows} rows, {labelled} labelled, {len(violations)} violations{unlike}")


def tabulate(captured: capture.Captured) -> pa.Table:
    """Turns the captured predictions into a table."""
    return pa.table(
        {
            "record_id": pa.array(captured.record_id, pa.string()),
            "inference_time": pa.array(captured.inference_time, pa.timestamp("us", tz="UTC")),
            "inference_id": pa.array(captured.inference_id, pa.string()),
            "model_package_version": pa.array(captured.version, pa.string()),
            "score": pa.array(captured.score, pa.float64()),
        }
    )


def label(predictions: pa.Table, folder: Path, settings: Settings) -> pa.Table:
    """Adds `label` and `event_time` where a label has arrived; one that contradicts another counts as none."""
    files = sorted(folder.rglob("*.parquet")) if folder.is_dir() else []
    truth = pa.table({name: pa.array([], kind) for name, kind in _TRUTH.items()})
    if files:
        truth = pa.concat_tables([truth, *(_read_labels(path, settings) for path in files)])
    known = truth.group_by("record_id").aggregate([("label", "min"), ("label", "max"), ("event_time", "min")])
    known = known.filter(pc.equal(known["label_min"], known["label_max"]))
    known = known.select(["record_id", "label_min", "event_time_min"]).rename_columns(
        ["record_id", "label", "event_time"]
    )
    joined = predictions.join(known, keys="record_id", join_type="left outer")
    order = [("inference_time", "ascending"), ("inference_id", "ascending"), ("record_id", "ascending")]
    columns = ["record_id", "event_time", *predictions.column_names[1:], "label"]
    return joined.select(columns).sort_by(order)


_TRUTH = {"record_id": pa.string(), "label": pa.int8(), "event_time": pa.timestamp("us")}


def _read_labels(path: Path, settings: Settings) -> pa.Table:
    file = pq.ParquetFile(path)
    wanted = [settings.key, settings.label]
    if not set(wanted) <= set(file.schema_arrow.names):
        raise InputError(f"labels file {path.name} lacks {wanted}: it has {file.schema_arrow.names}")
    table = file.read(columns=[*wanted, settings.event_time])
    if settings.event_time not in table.column_names:
        table = table.append_column(settings.event_time, pa.nulls(table.num_rows, _TRUTH["event_time"]))
    return table.select([*wanted, settings.event_time]).rename_columns(list(_TRUTH)).cast(pa.schema(_TRUTH.items()))


def compare(reference: dict[str, Any], statistics: dict[str, Any], limits: dict[str, Any]) -> dict[str, float]:
    """Measures each feature's distance to its baseline and notes it in the current statistics."""
    known = {feature["name"]: feature for feature in reference["features"]}
    method = limits["monitoring_config"]["distribution_constraints"]["comparison_method"]
    scores = {}
    for feature in statistics["features"]:
        name = feature["name"]
        score = drift.distance(known[name], feature, method) if name in known else None
        if score is not None:
            scores[name] = score
            limit = constraints.drift_threshold(limits, name)
            feature["drift"] = {"distance": score, "threshold": limit, "method": method}
    return scores


def days_with_traffic(captured: capture.Captured, settings: Settings) -> int:
    """Counts the days (UTC) of the window on which something was predicted."""
    return len({moment.date() for moment in captured.inference_time if settings.contains(moment)})


def measure(predictions: pa.Table, settings: Settings) -> quality.Metrics:
    """Measures the champion's quality on its predictions that have a label; without a champion, on all of them.

    A window reaches back to models that no longer serve: what they did says nothing of the one that does.
    """
    judged = predictions.filter(pc.is_valid(predictions["label"]))
    if settings.champion is not None:
        judged = judged.filter(pc.equal(judged["model_package_version"], settings.champion))
    return quality.metrics(judged["label"].to_numpy(), judged["score"].to_numpy())


def complaints(captured: capture.Captured, settings: Settings) -> list[constraints.Violation]:
    """Reports captured lines and rows that do not have the agreed shape."""
    found = []
    rows, names = captured.rows, list(settings.features)
    if captured.unreadable:
        text = (
            f"{len(captured.unreadable)} of {captured.lines} captured lines unreadable, first: {captured.unreadable[0]}"
        )
        found.append(constraints.violation("_capture", "data_type_check", text))
    if captured.narrow:
        text = f"{captured.narrow} of {rows} rows have fewer than {len(names)} features"
        found.append(constraints.violation(names[-1], "missing_column_check", text))
    if captured.wide:
        text = f"{captured.wide} of {rows} rows have more than {len(names)} features"
        found.append(constraints.violation("_capture", "extra_column_check", text))
    return found


def summary(
    captured: capture.Captured,
    predictions: pa.Table,
    scores: dict[str, float],
    measured: quality.Metrics,
    settings: Settings,
) -> dict[str, Any]:
    """Builds `quality.json`: Model Monitor's model quality statistics, with the window's counts and drift.

    `rows` are those of the window; labelled and unlabelled ones reach back to where quality is measured from.
    """
    labelled = predictions.num_rows - predictions["label"].null_count
    return {
        "version": 0,
        "dataset": {
            "item_count": predictions.num_rows,
            "start_time": settings.start.isoformat() if settings.start else None,
            "end_time": settings.end.isoformat() if settings.end else None,
        },
        "rows": captured.rows,
        "labelled_rows": labelled,
        "unlabelled_rows": predictions.num_rows - labelled,
        "unreadable_lines": len(captured.unreadable),
        "drift": scores,
        "binary_classification_metrics": measured,
    }


def write(path: Path, document: Any) -> None:
    """Writes JSON; NaN and infinity, which JSON lacks, are refused."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, allow_nan=False))


COMMANDS = {"baseline": baseline, "run": run}


def main() -> None:
    """Runs the command; a failure leaves one line in `output/message`, SageMaker's ExitMessage, and exit code 1."""
    try:
        command = sys.argv[1] if len(sys.argv) == 2 else ""
        if command not in COMMANDS:
            raise InputError(f"expected one of {', '.join(COMMANDS)}, got {sys.argv[1:]}")
        COMMANDS[command](Settings.from_environment())
    except Exception as error:
        line = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        if not isinstance(error, InputError):
            traceback.print_exc()
        print(" ".join(line.split()), file=sys.stderr)
        output = opt_ml() / "output"
        output.mkdir(parents=True, exist_ok=True)
        for name in ("failure", "message"):
            (output / name).write_text(" ".join(line.split())[:1024])
        sys.exit(1)


if __name__ == "__main__":
    main()
