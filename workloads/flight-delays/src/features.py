"""Processing job: joins flights with their labels and cuts the newest labelled days off as the holdout.

With T the newest labelled event time, the holdout is (T - holdout_days, T] and the training set is
(T - holdout_days - train_days, T - holdout_days]. The split is by time because a random one would let the model see
the weather and the disruptions of the days on which it is judged.
"""

import argparse
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import job
from schema import CATEGORICAL, EVENT_TIME, FEATURES, KEY, LABEL

TYPES = {
    KEY: pa.string(),
    EVENT_TIME: pa.timestamp("us"),
    LABEL: pa.int8(),
    "sched_dep_minutes": pa.int32(),
    "day_of_week": pa.int32(),
    **dict.fromkeys(CATEGORICAL, pa.string()),
}
ROW_ORDER = [(EVENT_TIME, "ascending"), (KEY, "ascending")]


def read(source: str, columns: list[str]) -> pa.Table:
    """Reads every Parquet file of an input, whatever types the producer chose, into this workload's types."""
    tables = []
    for path in job.parquet_files(job.opt_ml() / "processing" / "input" / source):
        missing = set(columns) - set(pq.read_schema(path).names)
        if missing:
            raise job.InputError(f"{source} file {path.name} lacks {sorted(missing)}: expected {columns}")
        # A file is read alone: as a data set, its folder's `month=` would become a column.
        table = pq.ParquetFile(path).read(columns=columns).select(columns)
        tables.append(table.cast(pa.schema([(name, TYPES.get(name, pa.float64())) for name in columns])))
    return pa.concat_tables(tables)


def unambiguous(labels: pa.Table) -> pa.Table:
    """Keeps one label per flight and drops flights whose labels contradict each other."""
    grouped = labels.group_by(KEY).aggregate([(LABEL, "min"), (LABEL, "max"), (LABEL, "count")])
    agreed = grouped.filter(pc.equal(grouped[f"{LABEL}_min"], grouped[f"{LABEL}_max"]))
    repeated = pc.sum(pc.cast(pc.greater(grouped[f"{LABEL}_count"], 1), pa.int64())).as_py() or 0
    print(f"labels: {labels.num_rows} rows, {repeated} repeated, {grouped.num_rows - agreed.num_rows} contradictory")
    return agreed.select([KEY, f"{LABEL}_min"]).rename_columns([KEY, LABEL])


def join(flights: pa.Table, labels: pa.Table) -> pa.Table:
    """Returns the labelled flights, one row per flight, in order of time."""
    unique = flights.take(_first_rows(flights))
    joined = unique.join(unambiguous(labels), keys=KEY, join_type="inner")
    print(f"flights: {flights.num_rows} rows, {unique.num_rows} flights, {joined.num_rows} labelled")
    return joined.select([KEY, EVENT_TIME, *FEATURES, LABEL]).sort_by(ROW_ORDER)


def _first_rows(table: pa.Table) -> pa.ChunkedArray:
    numbered = table.select([KEY]).append_column("row", pa.array(range(table.num_rows), pa.int64()))
    return numbered.group_by(KEY).aggregate([("row", "min")])["row_min"]


def split(rows: pa.Table, train_days: int, holdout_days: int) -> tuple[pa.Table, pa.Table]:
    """Cuts the labelled rows into training set and holdout.

    Raises:
        InputError: When there is no labelled row, or nothing is left to train on.
    """
    newest = pc.max(rows[EVENT_TIME]).as_py()
    if newest is None:
        raise job.InputError("empty holdout: no flight has a label yet; land labels, then train again")
    boundary = newest - timedelta(days=holdout_days)
    oldest = boundary - timedelta(days=train_days)
    times = rows[EVENT_TIME]
    train = rows.filter(pc.and_(pc.greater(times, oldest), pc.less_equal(times, boundary)))
    holdout = rows.filter(pc.greater(times, boundary))
    print(f"train: {train.num_rows} rows in ({oldest}, {boundary}]; holdout: {holdout.num_rows} rows to {newest}")
    for name, part in (("training set", train), ("holdout", holdout)):
        classes = pc.count_distinct(part[LABEL]).as_py()
        if classes < 2:
            raise job.InputError(
                f"{name} has {part.num_rows} rows and {classes} label classes, both are needed: "
                f"land more than {holdout_days} days of labelled flights before {newest:%Y-%m-%d}"
            )
    return train, holdout


def write(table: pa.Table, folder: Path) -> None:
    """Writes one data set as `data.parquet`."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "data.parquet")


def main() -> None:
    """Command line: `python features.py [--train-days 90] [--holdout-days 14]`."""
    parser = argparse.ArgumentParser(description="Join flights with labels and split them by time.")
    parser.add_argument("--train-days", type=int, default=90)
    parser.add_argument("--holdout-days", type=int, default=14)
    arguments = parser.parse_args()
    flights = read("flights", [KEY, EVENT_TIME, *FEATURES])
    train, holdout = split(join(flights, read("labels", [KEY, LABEL])), arguments.train_days, arguments.holdout_days)
    output = job.opt_ml() / "processing" / "output"
    write(train, output / "train")
    write(holdout, output / "holdout")


if __name__ == "__main__":
    job.run(main)
