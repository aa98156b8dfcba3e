"""What reading an input found: rows, drops, gaps, files."""

from __future__ import annotations

import msgspec


class Gap(msgspec.Struct, frozen=True):
    """Two consecutive bars more than one timeframe apart; `missing_bars` would fit between."""

    after_ts_ns: int
    before_ts_ns: int
    missing_bars: int


class GapReport(msgspec.Struct, frozen=True):
    """All gaps: how many, the longest (close to close), and the first ten."""

    count: int = 0
    missing_bars: int = 0
    longest_ns: int = 0
    first: tuple[Gap, ...] = ()


class FileReport(msgspec.Struct, frozen=True):
    """One file as it was read.

    `verified` says that a manifest.json beside the file names this sha256.
    `rows` is None until the file has been read, unless its footer says it.
    """

    path: str
    format: str
    size_bytes: int
    sha256: str
    rows: int | None
    verified: bool
    ignored_columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class DataReport(msgspec.Struct, frozen=True):
    """What was read. `complete` is false until the last block has been taken.

    `dropped` counts rows by rule name (see `rules.RULES`, plus duplicate, off-grid and range).
    Times are those of bar closes; None when no bar was kept.
    """

    symbol: str
    timeframe: str
    timeframe_ns: int
    stamp: str
    complete: bool
    rows_read: int
    rows_kept: int
    dropped: dict[str, int]
    off_grid_kept: int
    gaps: GapReport
    first_ts_ns: int | None
    last_ts_ns: int | None
    files: tuple[FileReport, ...]
