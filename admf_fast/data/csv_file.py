"""CSV files: strict, with a header; decimals are parsed correctly rounded, like Python's float."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, Final

import pyarrow as pa

from admf_fast.data.columns import Layout
from admf_fast.data.faults import arrow_faults
from admf_fast.data.place import column_text
from admf_fast.data.shape import FileShape
from admf_fast.errors import BarError, DataFileError, SchemaError

if TYPE_CHECKING:
    from admf_fast.data.regular import RegularFile

_HEADER_BYTES_MAX: Final = 1 << 16
_PIECE_BYTES: Final = 1 << 20
_SHOWN: Final = 40


def read_shape(file: RegularFile) -> FileShape:
    """Return the header as a schema of strings; SchemaError when there is none."""
    with file.opened() as handle:
        line = handle.readline(_HEADER_BYTES_MAX)
    if not line.endswith((b"\n", b"\r")) and len(line) == _HEADER_BYTES_MAX:
        raise DataFileError(f"{file.label}: its first line is too long for a header of columns")
    try:
        text = line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise DataFileError(f"{file.label}: is no UTF-8 text; save it as UTF-8 CSV") from None
    if "\r" in text:
        raise DataFileError(f"{file.label}: a carriage return in its header; save it as UTF-8 CSV")
    names = next(csv.reader([text]), [])
    if len(names) < 2:
        found = next((repr(mark) for mark in ";\t|" if mark in text), "one column")
        raise SchemaError(
            f"{file.label}: expected a header of names separated by commas, found {found} in "
            f"{text[:_SHOWN]!r}; save it with commas"
        )
    if all(_is_number(name) for name in names[1:]):
        raise SchemaError(
            f"{file.label}: expected a header of column names, found {text[:_SHOWN]!r}; "
            "add a first line such as timestamp,open,high,low,close,volume"
        )
    return FileShape(pa.schema([(name, pa.string()) for name in names]), None)


def read_batches(file: RegularFile, layout: Layout) -> Iterator[pa.RecordBatch]:
    """Yield the used columns: times as text, values as float64; an empty cell is null.

    Raises BarError naming row and column of a cell that is no number, or of a row with too many or
    too few cells.
    """
    with file.opened() as handle:
        try:
            yield from _arrow_batches(handle, layout)
        except pa.ArrowInvalid as error:
            with suppress(csv.Error):  # then Arrow's own message has to do
                _refuse_first_fault(file, layout)  # Arrow does not say which row
            with arrow_faults(file.label, "CSV"):
                raise error from None


def _arrow_batches(handle: BinaryIO, layout: Layout) -> Iterator[pa.RecordBatch]:
    import pyarrow.csv as arrow_csv

    names = layout.names
    types = {c: pa.string() if n == "timestamp" else pa.float64() for n, c in names.items()}
    yield from arrow_csv.open_csv(
        handle,
        arrow_csv.ReadOptions(use_threads=False, block_size=_PIECE_BYTES),
        arrow_csv.ParseOptions(newlines_in_values=False, ignore_empty_lines=True),
        arrow_csv.ConvertOptions(
            include_columns=list(names.values()),
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
        ),
    )


def _refuse_first_fault(file: RegularFile, layout: Layout) -> None:
    """Read again, slowly, to name the first faulty row."""
    with file.opened() as handle:
        lines = (line.decode("utf-8-sig", errors="replace") for line in handle)
        reader = csv.reader(lines)
        rows = (cells for cells in reader if cells)
        header = next(rows, [])
        names = [n for n in layout.names if n != "timestamp"]
        used = [(column_text(layout.names[n], n), header.index(layout.names[n])) for n in names]
        for row, cells in enumerate(rows):
            place = f"{file.label}:{reader.line_num}: row {row}"
            if len(cells) != len(header):
                raise BarError(
                    f"{place}: expected {len(header)} cells as in the header, "
                    f"found {len(cells)}; fix the row"
                )
            for column, at in used:
                if cells[at] and not _is_number(cells[at]):
                    raise BarError(
                        f"{place}, column {column}: {cells[at][:_SHOWN]!r} is no "
                        "number; write a decimal with a point and no separators"
                    )


def line_of(file: RegularFile, row: int) -> int:
    """Return the line of a row, counted from 1; the header and blank lines are no rows."""
    with file.opened() as handle:
        filled = (n for n, line in enumerate(handle, 1) if line.strip(b"\r\n"))
        return next(islice(filled, row + 1, None), 0)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
