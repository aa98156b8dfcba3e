"""Indicators on their own: over whole arrays, or value by value in a live runner."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from admf_kernels import drivers
from admf_kernels.contract import Feature, Output, output_of
from admf_kernels.errors import KernelError
from admf_kernels.feature_program import STATUS, FeatureProgram
from admf_kernels.plan import Plan, bar_columns_of

TILE_BARS = 512  # what 4 KiB of each column in between hold; measured best of 256 to 4096


def compute(
    feature: Any, *columns: ArrayLike, block_bars: int = TILE_BARS
) -> NDArray[np.float64] | tuple[NDArray[np.float64], ...]:
    """Return a feature over whole columns, computed by its streaming kernel.

    Parameters
    ----------
    feature : feature
        ``sma(20)``, ``atr(14)``, ``bollinger(20, 2.0)``, ``sma(50, of=atr(14))``.
    columns : float64 (bars,)
        The bar columns it reads, in the order open, high, low, close, volume; then the clock
        columns it reads, in the order of ``contract.CLOCK_COLUMNS``, from ``Clock.columns``.
    block_bars : int
        Bars at a time where features are computed from features; the result does not
        depend on it.

    Returns
    -------
    float64 (bars,), or a tuple of them for an indicator with several outputs
        NaN before the first valid value.
    """
    outputs = _outputs(feature)
    arrays = _arrays(outputs, columns)
    bars = len(arrays[0][1])
    # One allocation, which the C library keeps for the next call instead of mapping anew.
    results = tuple(np.empty((len(outputs), bars)))
    program = _ArrayProgram(outputs, block_bars)
    # The first block is copied: the rows before it must exist, and be NaN.
    first = min(bars, program.block_bars)
    start = program.room(first)
    for column, values in arrays:
        program.columns[column, start : start + first] = values[:first]
    rows = program.advance(first)
    for result, output in zip(results, outputs, strict=True):
        result[:first] = program.column(output)[rows]
    owned = [*arrays, *zip((program.plan.column(o) for o in outputs), results, strict=True)]
    program.stretch(dict(owned), first, bars)
    return results if len(results) > 1 else results[0]


class _GivenProgram(FeatureProgram):
    """A program whose clock columns are written by the caller, like those of the bar."""

    def _add_clock(self) -> None:
        pass


class _ArrayProgram(_GivenProgram):
    """A program that goes over arrays of the caller's in one call."""

    def __init__(self, outputs: list[Output], block_bars: int) -> None:
        plan = Plan(outputs)
        # With no column in between nothing is kept, and a tile may have any length.
        self.first_feature = plan.column_count - plan.feature_column_count
        self.whole = plan.feature_column_count == len(outputs)
        super().__init__(
            outputs,
            block_bars=max(1 if self.whole else block_bars, plan.history_bars),
            hashed=False,
        )

    def stretch(self, owned: dict[int, NDArray[np.float64]], first: int, stop: int) -> None:
        """Advance over bars ``[first, stop)`` of the caller's columns, by column index.

        The bars before `first` have been advanced over; at least the history is among them.
        """
        if first == stop:
            return
        start = self.room(self.block_bars)
        assert start == self.history
        for column, values in owned.items():
            self.point(column, int(values.ctypes.data) + 8 * (first - start))
        entries = [table.ctypes.data + 8 * k for c in owned for table, k, _ in self._places[c]]
        between = [
            self.columns[c].ctypes.data
            for c in range(self.first_feature, self.plan.column_count)
            if c not in owned
        ]
        moving, kept = np.array(entries, np.int64), np.array(between, np.int64)
        tile = stop - first if self.whole else self.block_bars
        table = self._keep(
            [drivers.execute_all().address, self._table, tile, self.history,
             moving, len(moving), kept, len(kept)]
        )  # fmt: skip
        status = drivers.stretch_over_arrays()(table, first, stop)
        if status != 0:
            raise KernelError(f"a kernel failed: {STATUS[-status & 15]}")


class Stream:
    """One feature, value by value: the same compiled kernel as everywhere else.

    ``Stream(rsi(14)).update(close)`` returns the newest value; indicators with several
    outputs return a tuple. Arguments are the bar columns the feature reads, then the clock
    columns, in order.
    """

    def __init__(self, feature: Any) -> None:
        self._outputs = _outputs(feature)
        self._program = _GivenProgram(self._outputs, block_bars=1024, hashed=False)
        self._columns = bar_columns_of(self._outputs)
        self._at = [self._program.plan.column(o) for o in self._outputs]

    def update(self, *values: float) -> Any:
        """Advance by one bar and return the value (or values); NaN during the warm-up."""
        if len(values) != len(self._columns):
            raise KernelError(f"expected {len(self._columns)} value(s), found {len(values)}")
        program = self._program
        row = program.room(1)
        for column, value in zip(self._columns, values, strict=True):
            program.columns[column, row] = value
        program.advance(1)
        found = [float(program.columns[column, row]) for column in self._at]
        return found[0] if len(found) == 1 else tuple(found)


def _outputs(feature: Any) -> list[Output]:
    single = output_of(feature) if not isinstance(feature, Feature) else Output(feature, 0)
    plan = Plan([single])
    if plan.by_timeframe or plan.adjusted:
        needs = "longer timeframes need" if plan.by_timeframe else "an adjustment needs"
        raise KernelError(f"{single.label}: {needs} times; use a FeatureProgram")
    if isinstance(feature, Feature):
        return [Output(feature, k) for k in range(len(feature.indicator.outputs))]
    return [single]


def _arrays(
    outputs: list[Output], columns: tuple[ArrayLike, ...]
) -> list[tuple[int, NDArray[np.float64]]]:
    wanted = bar_columns_of(outputs)
    arrays = [np.ascontiguousarray(c, dtype=np.float64) for c in columns]
    if len(arrays) != len(wanted) or len({a.shape for a in arrays}) != 1 or arrays[0].ndim != 1:
        raise KernelError(
            f"{outputs[0].label}: expected {len(wanted)} one-dimensional column(s) of equal "
            f"length, found {[a.shape for a in arrays]}"
        )
    return list(zip(wanted, arrays, strict=True))
