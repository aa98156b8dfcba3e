"""Bars in: from files or Arrow objects to validated blocks, in one pass and bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec
import pyarrow as pa

from admf_fast.data.block import BLOCK_BARS_MAX, BarBlock
from admf_fast.data.columns import Layout, check_mapping, resolve_layout
from admf_fast.data.convert import BatchReader
from admf_fast.data.declared import merge_metadata, symbol_of
from admf_fast.data.discover import find_files
from admf_fast.data.parts import Part, file_part, object_part
from admf_fast.data.report import DataReport, FileReport
from admf_fast.data.spec import BarSpec, check_stamp, check_symbol, parse_range, parse_timeframe
from admf_fast.data.times import TimeReader, check_timezone
from admf_fast.data.validate import BarValidator
from admf_fast.errors import ConfigError, DataFileError


class BarSource(Protocol):
    """Validated bars of one symbol.

    Attributes
    ----------
    spec
        As declared, with timeframe, stamp and symbol filled in from metadata.
    symbol, timeframe_ns
        Of all its bars.
    rows_total
        Rows to be read, when known up front; for progress.
    """

    spec: BarSpec
    symbol: str
    timeframe_ns: int
    rows_total: int | None

    def blocks(self) -> Iterator[BarBlock]:
        """Yield the bars in order, in read-only blocks of 1 to 65,536 bars.

        Files can be read again by another call; objects are read once (DataError).
        Raises BarError at the first row that breaks a rule, DataFileError for a damaged file.
        """
        ...

    def report(self) -> DataReport:
        """Return what the last pass has read so far, with the digests of the files."""
        ...


def open_bars(
    spec: BarSpec, data: object | None = None, *, base_dir: Path | None = None,
    reported: bool = True,
) -> BarSource:  # fmt: skip
    """Open bars for reading; checks everything but the rows.

    Parameters
    ----------
    spec
        What is declared about them.
    data
        Instead of `spec.path`: an object with `__arrow_c_stream__` or `__arrow_c_array__`
        (polars, pandas, DuckDB, pyarrow), or an iterable of pyarrow RecordBatches.
    base_dir
        Where relative paths start; default: the working directory.
    reported
        Whether a report will be asked for: the digests of files are then made while they are
        read, otherwise only if it is.

    Raises
    ------
    ConfigError
        A declaration is missing or makes no sense.
    DataFileError
        A file is missing, damaged, not a regular file, or not as its manifest says.
    SchemaError
        A column of any of the files is missing, ambiguous or of a type that would lose something.
    """
    _check_declarations(spec)
    if data is None:
        parts = [file_part(file, spec) for file in find_files(spec, base_dir)]
    elif spec.path:
        raise ConfigError("bars.path: is declared and data is passed as well; use one of them")
    else:
        parts = [object_part(data)]
    return _Source(spec, parts, reported=reported)


def blocks_of_some(source: BarSource) -> Iterator[BarBlock]:
    """Yield the blocks of a source; DataFileError when it is files and none of them has a row.

    Rows that a range or a policy leaves out are rows; an Arrow object may have none.
    """
    found = False
    for block in source.blocks():
        found = True
        yield block
    if found:
        return
    report = source.report()
    files = [file.path for file in report.files if file.format != "object"]
    if files and not report.rows_read:
        raise DataFileError(
            f"{', '.join(files[:3])}: expected bars, found no rows; write it again, with bars"
        )


def _check_declarations(spec: BarSpec) -> None:
    if spec.timeframe:
        parse_timeframe(spec.timeframe)
    if spec.stamp:
        check_stamp(spec.stamp)
    if spec.symbol:
        check_symbol(spec.symbol)
    check_mapping(spec.columns)
    check_timezone(spec.timezone)
    parse_range(spec)


class _Source:
    """The one implementation of BarSource: parts in order of time, one validator across them."""

    def __init__(self, spec: BarSpec, parts: list[Part], *, reported: bool) -> None:
        for part in parts:
            spec = merge_metadata(part.label, spec, part.shape.schema.metadata)
        self.timeframe_ns = parse_timeframe(spec.timeframe)
        check_stamp(spec.stamp)
        for part in parts:
            text = part.format == "csv"
            part.layout = resolve_layout(part.label, part.shape.schema, spec, text=text)
        self.symbol = symbol_of(spec, [p.file.path.stem for p in parts if p.file])
        check_symbol(self.symbol)
        self.spec = msgspec.structs.replace(spec, symbol=self.symbol)
        rows = [part.shape.rows for part in parts]
        self.rows_total = None if None in rows else sum(r or 0 for r in rows)
        if len(parts) > 1:  # by time, not by name
            parts = sorted(parts, key=lambda part: (_first_ts_ns(part, spec), part.label))
        self._parts, self._reported = parts, reported
        self._start_pass()

    def _start_pass(self) -> None:
        self._validator = BarValidator(self.spec, self.timeframe_ns)
        self._complete = False

    def blocks(self) -> Iterator[BarBlock]:
        self._start_pass()
        validator = self._validator
        for part in self._parts:
            reader = BatchReader(part.place(), self.spec, self.timeframe_ns)
            if part.file and self._reported:
                part.file.start_sha256()
            for batch in part.read(part.layout):
                for piece in _split(batch):
                    bars = validator.check(reader.read(piece))
                    if len(bars):
                        yield _read_only(bars)
            part.rows_read = reader.row
        self._complete = True

    def report(self) -> DataReport:
        found = self._validator
        return DataReport(
            symbol=self.symbol,
            timeframe=self.spec.timeframe,
            timeframe_ns=self.timeframe_ns,
            stamp=self.spec.stamp,
            complete=self._complete,
            rows_read=found.rows_read,
            rows_kept=found.rows_kept,
            dropped=dict(found.dropped),
            off_grid_kept=found.off_grid_kept,
            gaps=found.gaps.report(),
            first_ts_ns=found.first_ts_ns,
            last_ts_ns=found.last_ts_ns,
            files=tuple(_file_report(part) for part in self._parts),
        )


def _split(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, BLOCK_BARS_MAX):
        yield batch.slice(start, BLOCK_BARS_MAX)


def _read_only(bars: BarBlock) -> BarBlock:
    """Make all arrays read-only: views of Arrow memory are, and compiled callers want one type."""
    for column in bars.columns():
        column.setflags(write=False)
    return bars


def _first_ts_ns(part: Part, spec: BarSpec) -> int:
    """Return the first time in `part` as declared; -1 when it has none."""
    column = part.layout.names["timestamp"]
    times = TimeReader(part.place(), spec)
    batches = part.read(Layout({"timestamp": column}, (), ()))
    try:
        for batch in batches:
            ts_ns, nulls = times.read(batch.column(column), 0)
            valid = ts_ns if nulls is None else ts_ns[~nulls]
            if len(valid):
                return int(valid[0])
    finally:
        batches.close()  # type: ignore[attr-defined]
    return -1


def _file_report(part: Part) -> FileReport:
    return FileReport(
        path=part.label,
        format=part.format,
        size_bytes=part.file.size_bytes if part.file else 0,
        sha256=part.file.sha256() if part.file else "",
        rows=part.shape.rows if part.rows_read is None else part.rows_read,
        verified=part.file.verified if part.file else False,
        ignored_columns=part.layout.ignored,
        notes=part.layout.notes,
    )
