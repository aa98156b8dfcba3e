"""Splits and dividends from a file: a table of them, or a factor file as LEAN keeps them.

A table has the columns ``date`` or ``ts``, ``split`` or ``dividend`` or both, and
``reference`` if it likes. An empty cell is none. One row a date.

A factor file (`format: lean`) has no header and four columns: date, price factor, split
factor and reference price. A row's factors hold up to its date; between two rows lie a split,
the ratio of their split factors, and a dividend, by which the reference price has to fall for
the ratio of their price factors.
"""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

import pyarrow as pa

from admf_fast.data.discover import SUFFIXES
from admf_fast.data.regular import RegularFile
from admf_fast.data.spec import NS_PER_DAY, NS_PER_S
from admf_fast.errors import BarError, ConfigError, DataFileError, SchemaError
from admf_kernels.actions import Actions, actions_of
from admf_kernels.errors import KernelError

if TYPE_CHECKING:
    from admf_kernels.clock import Clock

TIMES: Final = ("date", "ts")
VALUES: Final = ("split", "dividend", "reference")
EPOCH: Final = date(1970, 1, 1)
SPLIT_DIGITS: Final = Fraction(1, 100_000)  # how much of a factor's ratio its digits hold
PRICE_DIGITS: Final = Decimal("2e-7")

Row = tuple[int, float, float, float]  # ts_ns, split, dividend, reference


class ActionFile(NamedTuple):
    """The actions of a file, and which file it was."""

    actions: Actions
    format: str
    sha256: str


def read_actions(path: Path, label: str, form: str, clock: Clock | None = None) -> ActionFile:
    """Return the splits and dividends of a file.

    A date means the first day on which the new terms hold; they do from its local midnight on
    by the `clock`, or from midnight UTC, whichever is later.

    Raises DataFileError for a file that cannot be read, SchemaError for its columns,
    BarError, with the line, for a row that breaks a rule.
    """
    file = RegularFile(path, label)
    if form == "auto":
        form = SUFFIXES.get(path.suffix.lower(), "")
        if not form:
            raise ConfigError(
                f"{label}: cannot tell the format from the suffix {path.suffix!r}; declare "
                "actions.format: csv, parquet, ipc or lean"
            )
    with file.opened() as handle:
        if form == "lean":
            rows = _lean_rows(label, _lines(label, handle.read()), clock)
        elif form == "csv":
            rows = _table_rows(label, *_csv_cells(label, handle.read()), clock)
        else:
            rows = _table_rows(label, *_arrow_cells(label, handle.read(), form), clock)
        found = [*_rising(label, rows)]
    try:
        return ActionFile(actions_of(found), form, file.sha256())
    except KernelError as error:
        raise BarError(f"{label}: {error}") from error


def effective_ns(day: date, clock: Clock | None) -> int:
    """Return when a day begins: its local midnight or midnight UTC, whichever is later.

    Daily bars are often stamped by dates in UTC, so a day may not begin before its date does.
    """
    midnight = (day - EPOCH).days * NS_PER_DAY
    if clock is None:
        return midnight
    found = midnight
    for _ in range(2):  # the offset that holds at the midnight it leads to
        at = max(0, int(clock.offset_from_ns.searchsorted(found, side="right")) - 1)
        found = midnight - int(clock.offset_ns[at])
    return max(midnight, found)


class _Cells(NamedTuple):
    """One row of a table: where it is, and its cells by column; empty ones are None."""

    place: str
    values: dict[str, Any]


def _table_rows(
    label: str, names: list[str], cells: Iterator[_Cells], clock: Clock | None
) -> Iterator[tuple[str, Row]]:
    times = [name for name in names if name in TIMES]
    unknown = [name for name in names if name not in (*TIMES, *VALUES)]
    twice = len(set(names)) != len(names)
    if len(times) != 1 or unknown or twice or not {"split", "dividend"} & set(names):
        raise SchemaError(
            f"{label}: expected the columns date or ts, split, dividend and, if known, "
            f"reference, each once; found {', '.join(names)[:200] or 'none'}"
        )
    for place, values in cells:
        ts_ns = _time(place, times[0], values[times[0]], clock)
        split = _number(place, "split", values.get("split"), 1.0)
        dividend = _number(place, "dividend", values.get("dividend"), 0.0)
        reference = _number(place, "reference", values.get("reference"), 0.0)
        if not 1e-4 <= split <= 1e4:
            _refuse(place, "split", "new units for one old, from 0.0001 to 10000", split)
        if dividend < 0.0 or reference < 0.0:
            name, value = ("dividend", dividend) if dividend < 0.0 else ("reference", reference)
            _refuse(place, name, "0 or more", value)
        if reference and dividend >= reference:
            _refuse(place, "dividend", f"less than the reference price {reference!r}", dividend)
        yield place, (ts_ns, split, dividend, reference)


def _rising(label: str, rows: Iterator[tuple[str, Row]]) -> Iterator[Row]:
    """Yield the rows on which something happens; times must rise."""
    last = -(2**63)
    for place, row in rows:
        if row[0] <= last:
            raise BarError(
                f"{place}: expected a time after that of the row before; sort the rows, and add "
                "up what happens at one time"
            )
        last = row[0]
        if row[1] != 1.0 or row[2] != 0.0:
            yield row


def _csv_cells(label: str, data: bytes) -> tuple[list[str], Iterator[_Cells]]:
    lines = _lines(label, data)
    names = [name.strip() for name in next(csv.reader([lines[0][1]]), [])] if lines else []
    if names and names[0].isdigit():
        raise SchemaError(
            f"{label}: expected a header such as date,split,dividend, found {lines[0][1][:40]!r}; "
            "a factor file of LEAN needs actions.format: lean"
        )

    def cells() -> Iterator[_Cells]:
        for line, text in lines[1:]:
            found = [cell.strip() or None for cell in next(csv.reader([text]), [])]
            if len(found) != len(names):
                raise BarError(
                    f"{label}:{line}: expected {len(names)} cells as in the header, found "
                    f"{len(found)}; fix the row"
                )
            yield _Cells(f"{label}:{line}", dict(zip(names, found, strict=True)))

    return names, cells()


def _lines(label: str, data: bytes) -> list[tuple[int, str]]:
    """Return the lines with something on them, each with its number."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataFileError(f"{label}: is no UTF-8 text; save it as UTF-8 CSV") from None
    return [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]


def _arrow_cells(label: str, data: bytes, form: str) -> tuple[list[str], Iterator[_Cells]]:
    try:
        table = _arrow_table(data, form)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataFileError(f"{label}: cannot be read as {form}: {error}") from error
    names = list(table.schema.names)
    columns = [_plain(label, *pair) for pair in zip(names, table.columns, strict=True)]

    def cells() -> Iterator[_Cells]:
        for row, values in enumerate(zip(*columns, strict=True)):
            yield _Cells(f"{label}: row {row}", dict(zip(names, values, strict=True)))

    return names, cells()


def _arrow_table(data: bytes, form: str) -> pa.Table:
    if form == "parquet":
        import pyarrow.parquet as pq

        return pq.ParquetFile(pa.BufferReader(data)).read()
    return pa.ipc.open_file(pa.BufferReader(data)).read_all()


def _plain(label: str, name: str, column: pa.ChunkedArray) -> list[Any]:
    """Return a column as dates, numbers, texts, or times as nanoseconds."""
    if pa.types.is_timestamp(column.type):
        if column.type.tz is None:
            raise SchemaError(f"{label}: column {name}: its times have no zone; store them in UTC")
        column = column.cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values


def _time(place: str, name: str, value: Any, clock: Clock | None) -> int:
    """Return the time of a row; a date's is when it begins."""
    if isinstance(value, int) and name == "ts":
        return value
    if isinstance(value, date) and not isinstance(value, datetime) and name == "date":
        return effective_ns(value, clock)
    try:
        if name == "date":
            return effective_ns(date.fromisoformat(value), clock)
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        wanted = "a date such as 2020-08-31" if name == "date" else "a time such as "
        wanted += "" if name == "date" else "2020-08-31T04:00:00Z"
        _refuse(place, name, wanted, value)
    if found.tzinfo is None:
        _refuse(place, name, "a time with its zone, such as 2020-08-31T04:00:00Z", value)
    since = found - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1000


def _number(place: str, name: str, value: Any, default: float) -> float:
    if value is None:
        return default
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found) or (isinstance(value, str) and "_" in value):
        _refuse(place, name, "a number", value)
    return found


def _refuse(place: str, name: str, expected: str, found: Any) -> NoReturn:
    raise BarError(f"{place}, column {name}: expected {expected}, found {found!r}")


class _Factors(NamedTuple):
    """A row of a factor file."""

    place: str
    day: date
    price: Decimal
    split: Decimal
    reference: Decimal


def _lean_rows(
    label: str, lines: list[tuple[int, str]], clock: Clock | None
) -> Iterator[tuple[str, Row]]:
    factors = [_factors_of(f"{label}:{line}", text) for line, text in lines]
    for before, after in itertools.pairwise(factors):
        if after.day <= before.day:
            raise BarError(f"{after.place}: expected a date after {before.day}; sort the rows")
        # The day after is a trading day or lies before one; no bar closes between.
        ts_ns = effective_ns(date.fromordinal(before.day.toordinal() + 1), clock)
        split = _ratio(before, after)
        dividend = _dividend(before, after)
        yield before.place, (ts_ns, split, dividend, float(before.reference))


def _factors_of(place: str, text: str) -> _Factors:
    cells = [cell.strip() for cell in text.split(",")]
    try:
        day = datetime.strptime(cells[0], "%Y%m%d").date()
        numbers = [Decimal(cell) for cell in cells[1:]]
    except (ValueError, InvalidOperation):
        numbers = []
    usable = len(numbers) == 3 and all(n.is_finite() for n in numbers)
    if not usable or numbers[0] <= 0 or numbers[1] <= 0 or numbers[2] < 0:
        raise BarError(
            f"{place}: expected date, price factor, split factor and reference price such as "
            f"20050225,0.8613657,0.0178571,88.97; found {text[:60]!r}"
        )
    return _Factors(place, day, *numbers)


def _ratio(before: _Factors, after: _Factors) -> float:
    """Return a split as the simplest fraction that the digits of its factors allow."""
    exact = Fraction(after.split) / Fraction(before.split)
    low, high = exact * (1 - SPLIT_DIGITS), exact * (1 + SPLIT_DIGITS)
    found = _simplest(low, high)
    if not Fraction(1, 10_000) <= found <= 10_000:
        raise BarError(
            f"{before.place}: expected a split factor near that of the next row; found "
            f"{before.split} and {after.split}"
        )
    return float(found)


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """Return the fraction of the smallest denominator in [low, high], 0 < low."""
    whole = math.floor(low)
    if whole == low or whole + 1 <= high:
        return Fraction(whole if whole == low else whole + 1)
    return whole + 1 / _simplest(1 / (high - whole), 1 / (low - whole))


def _dividend(before: _Factors, after: _Factors) -> float:
    """Return a dividend with as few decimals as the digits of its factors allow."""
    if before.price == after.price:
        return 0.0
    exact = before.reference * (1 - before.price / after.price)
    if not 0 < exact < before.reference:
        raise BarError(
            f"{before.place}: expected a price factor below that of the next row, and a reference "
            f"price; found {before.price} before {after.price}, at {before.reference}"
        )
    for places in range(1, 9):
        found = round(exact, places)
        if found and abs(found - exact) <= before.reference * PRICE_DIGITS:
            return float(found)
    return float(exact)
