"""Indicators on their own: over whole arrays, or value by value in a live runner."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from admf_kernels.contract import BAR_COLUMNS, Feature, Output, output_of
from admf_kernels.errors import KernelError
from admf_kernels.plan import Plan, bar_columns_of
from admf_kernels.program import FeatureProgram

COMPUTE_BARS = 16_384


def compute(
    feature: Any, *columns: ArrayLike, block_bars: int = COMPUTE_BARS
) -> NDArray[np.float64] | tuple[NDArray[np.float64], ...]:
    """Return a feature over whole columns, computed by its streaming kernel.

    Parameters
    ----------
    feature : feature
        ``sma(20)``, ``atr(14)``, ``bollinger(20, 2.0)``, ``sma(50, of=atr(14))``.
    columns : float64 (bars,)
        The bar columns it reads, in the order open, high, low, close, volume.
    block_bars : int
        Bars per call where features are computed from features; the result does not
        depend on it.

    Returns
    -------
    float64 (bars,), or a tuple of them for an indicator with several outputs
        NaN before the first valid value.
    """
    outputs = _outputs(feature)
    plan = Plan(outputs)
    # With no column in between, nothing is kept but the results: one call for all bars.
    whole = plan.column_count - len(BAR_COLUMNS) == len(outputs)
    block_bars = max(1 if whole else block_bars, plan.history_bars)
    program = FeatureProgram(outputs, block_bars=block_bars, hashed=False)
    arrays = _arrays(outputs, columns)
    bars = len(arrays[0][1])
    # One allocation, which the C library keeps for the next call instead of mapping anew.
    results = tuple(np.empty((len(outputs), bars)))
    # The first block is copied: the rows before it must exist, and be NaN.
    first = _copied(program, arrays, outputs, results, min(bars, block_bars))
    placed = [*arrays, *zip((plan.column(o) for o in outputs), results, strict=True)]
    addresses = [(column, int(values.ctypes.data)) for column, values in placed]
    while first < bars:
        size = bars - first if whole else min(bars - first, block_bars)
        start = program.cursor if whole else program.room(size)
        for column, address in addresses:
            program.point(column, address + 8 * (first - start))
        program.advance(size)
        first += size
    return results if len(results) > 1 else results[0]


def _copied(
    program: FeatureProgram,
    arrays: list[tuple[int, NDArray[np.float64]]],
    outputs: list[Output],
    results: tuple[NDArray[np.float64], ...],
    bars: int,
) -> int:
    """Advance over the first `bars` values by way of the program's own columns."""
    start = program.room(bars)
    for column, values in arrays:
        program.columns[column, start : start + bars] = values[:bars]
    rows = program.advance(bars)
    for result, output in zip(results, outputs, strict=True):
        result[:bars] = program.column(output)[rows]
    return bars


class Stream:
    """One feature, value by value: the same compiled kernel as everywhere else.

    ``Stream(rsi(14)).update(close)`` returns the newest value; indicators with several
    outputs return a tuple. Arguments are the bar columns the feature reads, in order.
    """

    def __init__(self, feature: Any) -> None:
        self._outputs = _outputs(feature)
        self._program = FeatureProgram(self._outputs, block_bars=1024, hashed=False)
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
    if isinstance(feature, Feature):
        return [Output(feature, k) for k in range(len(feature.indicator.outputs))]
    return [output_of(feature)]


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
