"""JSON lines as a source of bars, one block of one bar at a time."""

from collections.abc import Iterable, Iterator

import numpy as np

from admf_fast.data.block import BarBlock
from admf_fast.data.report import DataReport, GapReport
from admf_fast.data.spec import BarSpec, parse_timeframe
from admf_fast.feeds.json_lines import read_json_lines


class LineSource:
    """Bars that arrive as JSON lines; see `feeds.json_lines` for their form."""

    rows_total: int | None = None

    def __init__(self, lines: Iterable[bytes], spec: BarSpec) -> None:
        self.spec = spec
        self.symbol = spec.symbol or "STDIN"
        self.timeframe_ns = parse_timeframe(spec.timeframe)
        self._lines = lines
        self._rows = 0
        self._first_ts_ns: int | None = None
        self._last_ts_ns: int | None = None
        self._complete = False

    def blocks(self) -> Iterator[BarBlock]:
        """Yield each closed bar as it arrives."""
        for ts_ns, *values in read_json_lines(self._lines, self.spec, self.spec.symbol):
            columns = (np.array([value]) for value in values)
            yield BarBlock(np.array([ts_ns], np.int64), *columns)
            self._rows += 1
            self._first_ts_ns = ts_ns if self._first_ts_ns is None else self._first_ts_ns
            self._last_ts_ns = ts_ns
        self._complete = True

    def report(self) -> DataReport:
        """Return what has arrived so far."""
        return DataReport(
            symbol=self.symbol,
            timeframe=self.spec.timeframe,
            timeframe_ns=self.timeframe_ns,
            stamp=self.spec.stamp,
            complete=self._complete,
            rows_read=self._rows,
            rows_kept=self._rows,
            dropped={},
            off_grid_kept=0,
            gaps=GapReport(),
            first_ts_ns=self._first_ts_ns,
            last_ts_ns=self._last_ts_ns,
            files=(),
        )
