"""What becomes of the bars of one instrument that arrive one by one: policies, and a report.

Of the declarations of `bars`, these apply: `timeframe`, `stamp`, `symbol`, `off_grid`, and
`duplicates` (an exact copy of the last bar). What is `missing` or `invalid` is always refused;
`gaps`, `start`, `end` and what describes files do not apply.
"""

from admf_fast.data.grid import Grid
from admf_fast.data.report import DataReport, GapReport
from admf_fast.data.spec import BarSpec, format_ts, parse_timeframe
from admf_fast.errors import BarError
from admf_fast.feeds.replay import Bar


class Intake:
    """Applies the policies of `spec` to the bars of one instrument, and counts them."""

    def __init__(self, spec: BarSpec) -> None:
        self.spec = spec
        self.symbol = spec.symbol or "STDIN"
        self.timeframe_ns = parse_timeframe(spec.timeframe)
        self.complete = False
        self._grid = Grid(self.timeframe_ns)
        self._last: Bar | None = None
        self._rows = 0
        self._off_grid_kept = 0
        self._dropped: dict[str, int] = {}
        self._first_ts_ns: int | None = None
        self._last_ts_ns: int | None = None

    def keeps(self, bar: Bar) -> bool:
        """Return whether the policies keep a bar; values are the runner's to check.

        Raises BarError for a bar off the grid that is to be refused.
        """
        if bar == self._last and self.spec.duplicates == "drop":
            return self._drop("duplicate")
        if not self._grid.holds(bar[0]):
            if self.spec.off_grid == "drop":
                return self._drop("off_grid")
            if self.spec.off_grid == "refuse":
                raise BarError(
                    f"bar closing {format_ts(bar[0])}: is off the grid of {self.spec.timeframe} "
                    f"bars ({self._grid.describe()}); send whole bars, or use bars.off_grid: drop "
                    "or keep"
                )
            self._off_grid_kept += 1
        self._last = bar
        return True

    def count(self, ts_ns: int) -> None:
        """Count a bar that was handed on and taken."""
        self._rows += 1
        self._first_ts_ns = ts_ns if self._first_ts_ns is None else self._first_ts_ns
        self._last_ts_ns = ts_ns

    def _drop(self, rule: str) -> bool:
        self._dropped[rule] = self._dropped.get(rule, 0) + 1
        return False

    def report(self) -> DataReport:
        """Return what has arrived so far."""
        return DataReport(
            symbol=self.symbol,
            timeframe=self.spec.timeframe,
            timeframe_ns=self.timeframe_ns,
            stamp=self.spec.stamp,
            complete=self.complete,
            rows_read=self._rows + sum(self._dropped.values()),
            rows_kept=self._rows,
            dropped=dict(self._dropped),
            off_grid_kept=self._off_grid_kept,
            gaps=GapReport(),
            first_ts_ns=self._first_ts_ns,
            last_ts_ns=self._last_ts_ns,
            files=(),
        )
