"""Is a landed file what its source promises? One pass over the stream, nothing kept but a counter and a hash."""

from __future__ import annotations

import codecs
import csv
import hashlib
import math
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from mlops_runtime.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mlops_runtime.settings import Column, Source

_SHOWN = 80

Parser = Callable[[str], object]


class Refusal(Exception):  # noqa: N818 -- a verdict on the file, not an error of the function
    """The file is not what the source promises. Its code and reason travel in `Dataset Rejected`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Finding(Frozen):
    """What one pass over a file found; `code` is empty when the file is acceptable."""

    code: str
    reason: str
    content_sha256: str = ""
    rows: int = 0


def inspect(chunks: Iterable[bytes], source: Source) -> Finding:
    """Read a whole file once: hash it and check it against its source.

    The hash covers every byte even when the check stops early, so a refused file has its identity too.
    """
    digest = hashlib.sha256()
    stream = _hashed(chunks, digest)
    code, reason, rows = "", "", 0
    try:
        rows = check_rows(_text_lines(stream), source)
    except Refusal as refusal:
        code, reason = refusal.code, refusal.reason
    for _ in stream:
        pass
    return Finding(code=code, reason=reason, content_sha256=digest.hexdigest(), rows=rows)


def check_rows(lines: Iterator[str], source: Source) -> int:
    """Count the rows of a CSV whose header and every row fit `source`.

    Raises:
        Refusal: `empty`, `wrong_columns`, `broken_row` (with the line) or `not_csv`.
    """
    reader = csv.reader(lines, strict=True)
    rows = 0
    try:
        header = next(reader, None)
        if header is None:
            raise Refusal("empty", "the file is empty: not even a header line")
        checks = _checks_in_file_order(header, source.columns)
        for row in reader:
            _check_row(row, checks, reader.line_num)
            rows += 1
    except csv.Error as error:
        raise Refusal("broken_row", f"line {reader.line_num}: {error}") from None
    if rows == 0:
        raise Refusal("empty", "the file has a header and no row")
    return rows


def _checks_in_file_order(header: Sequence[str], columns: Sequence[Column]) -> list[tuple[Column, Parser]]:
    by_name = {column.name: column for column in columns}
    if len(set(header)) != len(header) or set(header) != set(by_name):
        expected, got = ", ".join(by_name), ", ".join(header)
        missing = [name for name in by_name if name not in header]
        unknown = [name for name in header if name not in by_name]
        raise Refusal(
            "wrong_columns",
            f"expected columns: {expected}; got: {got[:500]}; missing: {', '.join(missing) or 'none'}; "
            f"unknown: {', '.join(unknown)[:200] or 'none'}",
        )
    return [(by_name[name], _PARSERS[by_name[name].type]) for name in header]


def _check_row(row: Sequence[str], checks: Sequence[tuple[Column, Parser]], line: int) -> None:
    if len(row) != len(checks):
        raise Refusal("broken_row", f"line {line}: expected {len(checks)} values, got {len(row)}")
    for value, (column, parse) in zip(row, checks, strict=True):
        if not value:
            if column.required:
                raise Refusal("broken_row", f"line {line}: {column.name} is required and empty")
            continue
        try:
            parse(value)
        except ValueError:
            shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
            raise Refusal("broken_row", f"line {line}: {column.name} must be {column.type}, got {shown!r}") from None


def _hashed(chunks: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _text_lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Decode UTF-8 (with or without BOM) and cut into lines, keeping line ends for the csv module."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="strict")
    pending = ""
    offset = 0
    for chunk in chunks:
        pending += _decoded(decoder, chunk, offset, final=False)
        offset += len(chunk)
        *complete, pending = pending.split("\n")
        yield from (f"{line}\n" for line in complete)
    pending += _decoded(decoder, b"", offset, final=True)
    if pending:
        yield pending


def _decoded(decoder: codecs.IncrementalDecoder, chunk: bytes, offset: int, *, final: bool) -> str:
    if b"\x00" in chunk:
        at = offset + chunk.index(b"\x00")
        raise Refusal("not_csv", f"the file is binary: byte 0 at offset {at}; expected CSV in UTF-8")
    try:
        return decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        raise Refusal("not_csv", f"not UTF-8 text near offset {offset + error.start}: {error.reason}") from None


def _integer(value: str) -> int:
    if "_" in value or value[0].isspace() or value[-1].isspace():
        raise ValueError(value)
    return int(value)


def _finite(value: str) -> float:
    number = float(value)
    if not math.isfinite(number) or "_" in value or value[0].isspace() or value[-1].isspace():
        raise ValueError(value)
    return number


def _boolean(value: str) -> bool:
    if value not in {"true", "false", "0", "1"}:
        raise ValueError(value)
    return value in {"true", "1"}


_PARSERS: dict[str, Parser] = {
    "string": str,
    "int": _integer,
    "bigint": _integer,
    "float": _finite,
    "double": _finite,
    "boolean": _boolean,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
}
