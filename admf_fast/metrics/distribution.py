"""The shape of a series of returns: its tails, its skew, its stretches of luck."""

import math

import numpy as np
from numpy.typing import ArrayLike

from admf_fast.metrics.sums import column, mean_of, percentile, present, quotient, ratio
from admf_kernels.numeric import nan

CUTOFF = 0.05


def tail_ratio(returns: ArrayLike) -> float:
    """Return the 95th percentile over the 5th, both without sign; NaN for no returns.

    Infinite where the 5th is 0 and the 95th is not.
    """
    values = present(column(returns))
    return quotient(abs(percentile(values, 0.95)), abs(percentile(values, 0.05)))


def value_at_risk(returns: ArrayLike, cutoff: float = CUTOFF) -> float:
    """Return the `cutoff` percentile of the returns, a loss below 0; NaN for no returns."""
    return percentile(present(column(returns)), cutoff)


def conditional_value_at_risk(returns: ArrayLike, cutoff: float = CUTOFF) -> float:
    """Return the mean of the lowest returns, a share of `cutoff` and at least one.

    NaN for no returns.
    """
    values = np.sort(present(column(returns)))
    return mean_of(values[: int((len(values) - 1) * cutoff) + 1]) if len(values) else nan


def skew(returns: ArrayLike) -> float:
    """Return the third central moment over the 1.5th power of the second (g1, biased).

    NaN for no returns and where all are equal.
    """
    second, third, _ = _moments(returns)
    return ratio(third, second * math.sqrt(second))


def kurtosis(returns: ArrayLike) -> float:
    """Return the fourth central moment over the square of the second, less 3 (g2, biased).

    NaN for no returns and where all are equal.
    """
    second, _, fourth = _moments(returns)
    return ratio(fourth, second * second) - 3.0


def _moments(returns: ArrayLike) -> tuple[float, float, float]:
    """Return the second, third and fourth central moment; zeros where all values are equal."""
    values = present(column(returns))
    if not len(values) or values.min() == values.max():
        return 0.0, 0.0, 0.0
    rest = values - mean_of(values)
    square = rest * rest
    return mean_of(square), mean_of(square * rest), mean_of(square * square)


def max_consecutive_wins(results: ArrayLike) -> int:
    """Return the longest run of results above 0; 0 for none. A result of 0 ends a run."""
    return _longest(present(column(results)) > 0.0)


def max_consecutive_losses(results: ArrayLike) -> int:
    """Return the longest run of results below 0; 0 for none. A result of 0 ends a run."""
    return _longest(present(column(results)) < 0.0)


def _longest(holds: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    breaks = np.flatnonzero(~np.concatenate(([False], holds, [False])))
    return int(np.diff(breaks).max()) - 1
