"""Row checks, block by block: one cheap pass when all is well, the exact fault when it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from admf_fast.data.block import BarBlock
from admf_fast.data.gaps import GapCounter
from admf_fast.data.grid import Grid
from admf_fast.data.rules import RULES, Rule, values_valid
from admf_fast.data.spec import format_ts, parse_range
from admf_fast.errors import BarError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from admf_fast.data.convert import RawBlock
    from admf_fast.data.spec import BarSpec


class BarValidator:
    """Applies the rules and the policies of `spec` to consecutive raw blocks.

    What it carries from block to block: the last row (order and duplicates), the grid's offset,
    the gaps, and the counts for the report.
    """

    def __init__(self, spec: BarSpec, timeframe_ns: int) -> None:
        self._spec = spec
        self._range_ns = parse_range(spec)
        self._timeframe_ns = timeframe_ns
        self._grid = Grid(timeframe_ns)
        self._last: BarBlock | None = None
        self._last_label = ""
        self.gaps = GapCounter(timeframe_ns)
        self.rows_read = 0
        self.rows_kept = 0
        self.off_grid_kept = 0
        self.dropped: dict[str, int] = {}
        self.first_ts_ns: int | None = None
        self.last_ts_ns: int | None = None

    def check(self, raw: RawBlock) -> BarBlock:
        """Return the bars of `raw` to use; BarError names the first row that breaks a rule."""
        bars = raw.bars
        self.rows_read += len(bars)
        if len(bars) == 0:
            return bars
        rows: NDArray[np.int64] | None = None
        if raw.nulls or not values_valid(bars):
            bars, rows = self._settle_values(raw)
        bars, rows, regular = self._settle_times(raw, bars, rows)
        if len(bars) == 0:
            return bars
        self._last = bars.slice(len(bars) - 1, len(bars))
        self._last_label = raw.place.label
        return self._select(raw, bars, rows, regular=regular)

    # Values ------------------------------------------------------------------------------------

    def _settle_values(self, raw: RawBlock) -> tuple[BarBlock, NDArray[np.int64]]:
        """Drop or refuse the rows whose values break a rule, and rewrite -0.0 volumes."""
        keep = np.ones(len(raw.bars), np.bool_)
        refused: tuple[int, Rule] | None = None
        for rule in RULES:  # missing before invalid: a row dropped as missing is settled
            broken = rule.broken(raw) & keep
            if not broken.any():
                continue
            if getattr(self._spec, rule.policy) == "drop":
                keep &= ~broken
                self._count(rule.name, broken)
            elif refused is None or int(np.argmax(broken)) < refused[0]:
                refused = (int(np.argmax(broken)), rule)
        if refused is not None:
            keep[refused[0] :] = False
            # A fault of time in an earlier row comes first.
            self._settle_times(raw, raw.bars.take(keep), np.flatnonzero(keep))
            self._refuse_value(raw, *refused)
        bars = raw.bars.take(keep)
        np.add(bars.volume, 0.0, out=bars.volume)  # -0.0 + 0.0 is 0.0
        return bars, np.flatnonzero(keep)

    def _refuse_value(self, raw: RawBlock, at: int, rule: Rule) -> NoReturn:
        raise BarError(
            f"{raw.place.cell(raw.row + at, rule.column)}: {rule.fault(raw.bars, at)}; "
            f"fix the row, or drop it with bars.{rule.policy}: drop"
        )

    # Times -------------------------------------------------------------------------------------

    def _settle_times(
        self, raw: RawBlock, bars: BarBlock, rows: NDArray[np.int64] | None
    ) -> tuple[BarBlock, NDArray[np.int64] | None, bool]:
        """Check order, duplicates and grid; the last result: is every step one timeframe?"""
        steps_ns = np.diff(bars.ts_ns)
        first_ok = len(bars) == 0 or (
            self._follows(int(bars.ts_ns[0])) and self._grid.holds(int(bars.ts_ns[0]))
        )
        if first_ok and _regular(bars.ts_ns, steps_ns, self._timeframe_ns):
            return bars, rows, True
        if first_ok and _on_grid(steps_ns, self._timeframe_ns):
            return bars, rows, False
        if rows is None:
            rows = np.arange(len(bars))
        keep, off_grid = self._settle_grid(bars)
        if not keep.all():
            bars, rows, off_grid = bars.take(keep), rows[keep], off_grid[keep]
        keep = self._settle_order(raw, bars, rows, off_grid)
        if not keep.all():
            bars, rows = bars.take(keep), rows[keep]
        return bars, rows, False

    def _follows(self, ts_ns: int) -> bool:
        return self._last is None or int(self._last.ts_ns[0]) < ts_ns

    def _settle_grid(self, bars: BarBlock) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which rows to keep and which are off the grid and to be refused."""
        off_grid = self._grid.off(bars.ts_ns)
        none = np.zeros_like(off_grid)
        if self._spec.off_grid == "drop":
            self._count("off_grid", off_grid)
            return ~off_grid, none
        if self._spec.off_grid == "keep":
            self.off_grid_kept += int(off_grid.sum())
            return ~none, none
        return ~none, off_grid

    def _settle_order(
        self,
        raw: RawBlock,
        bars: BarBlock,
        rows: NDArray[np.int64],
        off_grid: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Return which rows are not duplicates; refuse the first row that is out of order."""
        before = self._predecessors(bars)
        backwards = bars.ts_ns < before.ts_ns
        duplicate: NDArray[np.bool_] = bars.ts_ns == before.ts_ns
        refused = backwards | off_grid | (duplicate & ~self._droppable(bars, before))
        if refused.any():
            at = int(np.argmax(refused))
            self._refuse_time(raw, bars, before, at, int(rows[at]))
        self._count("duplicate", duplicate)
        return ~duplicate

    def _predecessors(self, bars: BarBlock) -> BarBlock:
        """Return the bar before each bar, across blocks; before the very first, a time of -1."""
        columns = [np.empty_like(column) for column in bars.columns()]
        for shifted, column in zip(columns, bars.columns(), strict=True):
            shifted[1:] = column[:-1]
            shifted[:1] = -1
        if self._last is not None and len(bars):
            for shifted, column in zip(columns, self._last.columns(), strict=True):
                shifted[0] = column[0]
        return BarBlock(*columns)  # type: ignore[arg-type]

    def _droppable(self, bars: BarBlock, before: BarBlock) -> NDArray[np.bool_]:
        same = np.full(len(bars), self._spec.duplicates == "drop")
        for column, other in zip(bars.columns(), before.columns(), strict=True):
            same = same & (column == other)
        return same

    def _refuse_time(
        self, raw: RawBlock, bars: BarBlock, before: BarBlock, at: int, row: int
    ) -> NoReturn:
        shift_ns = self._timeframe_ns if self._spec.stamp == "open" else 0
        ts_ns, last_ts_ns = int(bars.ts_ns[at]), int(before.ts_ns[at])
        stamp = format_ts(ts_ns - shift_ns)
        place = f"{raw.place.cell(raw.row + row, 'timestamp')}: {stamp}"
        last = format_ts(last_ts_ns - shift_ns) if last_ts_ns >= 0 else ""
        across = at == 0 and self._last_label not in ("", raw.place.label)
        if ts_ns < last_ts_ns:
            if across:
                raise BarError(
                    f"{place} is before the last row of {self._last_label}, {last}; "
                    "the files overlap: cut them so that each time is in one file"
                )
            raise BarError(f"{place} goes back from {last} in the row before; sort by time")
        if ts_ns == last_ts_ns:
            self._refuse_duplicate(place, bars, before, at, across=across)
        raise BarError(
            f"{place} is off the grid of {self._spec.timeframe} bars ({self._grid.describe()}); "
            "fix bars.timeframe or the row, or use bars.off_grid: drop or keep"
        )

    def _refuse_duplicate(
        self, place: str, bars: BarBlock, before: BarBlock, at: int, *, across: bool
    ) -> NoReturn:
        where = f"at the end of {self._last_label}" if across else "in the row before"
        pairs = zip(
            bars.slice(at, at + 1).columns(), before.slice(at, at + 1).columns(), strict=True
        )
        names = ("timestamp", "open", "high", "low", "close", "volume")
        for name, (value, other) in zip(names, pairs, strict=True):
            if value[0] != other[0]:
                raise BarError(
                    f"{place} is there twice with different values: {name} is {value[0]}, "
                    f"{where} {other[0]}; remove the wrong row"
                )
        raise BarError(
            f"{place} is a duplicate of the bar {where}; "
            "remove it, or drop exact copies with bars.duplicates: drop"
        )

    # Selection ---------------------------------------------------------------------------------

    def _select(
        self,
        raw: RawBlock,
        bars: BarBlock,
        rows: NDArray[np.int64] | None,
        *,
        regular: bool,
    ) -> BarBlock:
        """Cut `bars` to the declared range and count what is used."""
        start_ns, end_ns = self._range_ns
        start, stop = 0, len(bars)
        if int(bars.ts_ns[0]) < start_ns or int(bars.ts_ns[-1]) >= end_ns:
            start, stop = (int(i) for i in np.searchsorted(bars.ts_ns, (start_ns, end_ns)))
            self._add("range", len(bars) - (stop - start))
            bars = bars.slice(start, stop)
            if start == stop:
                return bars
        last_ts_ns = self.last_ts_ns
        after_gap = self.gaps.update(bars.ts_ns, regular=regular)
        if after_gap is not None and self._spec.gaps == "refuse":
            before_ns = int(bars.ts_ns[after_gap - 1]) if after_gap else last_ts_ns
            at = start + after_gap
            row = raw.row + (at if rows is None else int(rows[at]))
            raise BarError(
                f"{raw.place.cell(row, 'timestamp')}: the bar closing "
                f"{format_ts(int(bars.ts_ns[after_gap]))} comes after a gap, the one before closes "
                f"{format_ts(before_ns or 0)}; fill the gap, or accept it with bars.gaps: keep"
            )
        self.rows_kept += len(bars)
        if self.first_ts_ns is None:
            self.first_ts_ns = int(bars.ts_ns[0])
        self.last_ts_ns = int(bars.ts_ns[-1])
        return bars

    def _count(self, rule: str, broken: NDArray[np.bool_]) -> None:
        self._add(rule, int(broken.sum()))

    def _add(self, rule: str, rows: int) -> None:
        if rows:
            self.dropped[rule] = self.dropped.get(rule, 0) + rows


def _regular(ts_ns: NDArray[np.int64], steps_ns: NDArray[np.int64], timeframe_ns: int) -> bool:
    """Return whether every step is one timeframe: the least is, and they add up to that."""
    if len(steps_ns) == 0:
        return True
    span_ns = int(ts_ns[-1]) - int(ts_ns[0])
    return int(steps_ns.min()) == timeframe_ns and span_ns == timeframe_ns * len(steps_ns)


def _on_grid(steps_ns: NDArray[np.int64], timeframe_ns: int) -> bool:
    """Return whether every step is one timeframe or several."""
    whole_ns = steps_ns // timeframe_ns * timeframe_ns  # numpy vectorises //, not %
    return bool(steps_ns.min() >= timeframe_ns and (whole_ns == steps_ns).all())
