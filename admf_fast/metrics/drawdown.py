"""How far below its peak a curve is, and for how long; fractions of the peak, not negative."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from admf_fast.metrics.returns import annual_return, growth
from admf_fast.metrics.sums import Column, mean_of, ratio
from admf_kernels.numeric import nan


class Drawdown(NamedTuple):
    """The deepest fall: where it is in the returns, -1 for before the first or never.

    `periods` is from the peak to the recovery, or to the end if there is none;
    `recovery_periods` from the lowest point to the recovery, -1 if there is none.
    """

    depth: float
    peak: int
    trough: int
    recovery: int
    periods: int
    recovery_periods: int


def drawdown_series(returns: ArrayLike) -> Column:
    """Return ``1 - growth / peak`` after every period; what was there at the start counts.

    Empty for no returns.
    """
    curve = growth(returns)
    return 1.0 - curve / np.maximum.accumulate(np.fmax(curve, 1.0))


def max_drawdown(returns: ArrayLike) -> float:
    """Return the largest drawdown, 0.2 for a loss of 20 % from a peak; NaN for no returns."""
    below = drawdown_series(returns)
    return float(below.max()) if len(below) else nan


def average_drawdown(returns: ArrayLike) -> float:
    """Return the mean of the drawdowns of all periods; NaN for no returns."""
    return mean_of(drawdown_series(returns))


def deepest_drawdown(returns: ArrayLike) -> Drawdown:
    """Return the largest drawdown with its peak, lowest point and recovery (the first of equals).

    Depth NaN for no returns; 0 with no places where the curve never fell.
    """
    below = drawdown_series(returns)
    if not len(below):
        return Drawdown(nan, -1, -1, -1, 0, -1)
    trough = int(below.argmax())
    depth = float(below[trough])
    if depth <= 0.0:
        return Drawdown(0.0, -1, -1, -1, 0, -1)
    level = below <= 0.0
    before, after = np.flatnonzero(level[:trough]), np.flatnonzero(level[trough:])
    peak = int(before[-1]) if len(before) else -1
    if not len(after):
        return Drawdown(depth, peak, trough, -1, len(below) - 1 - peak, -1)
    recovery = trough + int(after[0])
    return Drawdown(depth, peak, trough, recovery, recovery - peak, recovery - trough)


def max_drawdown_periods(returns: ArrayLike) -> int:
    """Return the longest stretch of periods below a peak; 0 for none."""
    below = drawdown_series(returns) > 0.0
    level = np.flatnonzero(~np.concatenate(([False], below, [False])))
    return int(np.diff(level).max()) - 1


def calmar_ratio(returns: ArrayLike, periods_per_year: float) -> float:
    """Return `annual_return` over `max_drawdown`; NaN where nothing fell, or for no returns."""
    depth = max_drawdown(returns)
    return ratio(annual_return(returns, periods_per_year), depth) if depth > 0.0 else nan


def ulcer_index(returns: ArrayLike) -> float:
    """Return the root of the mean square of the drawdowns of all periods; NaN for no returns.

    P. Martin, 1987, as a fraction of the peak.
    """
    below = drawdown_series(returns)
    return math.sqrt(mean_of(below * below)) if len(below) else nan
