"""A series of returns beside that of a benchmark, both of the same periods.

A pair of which one is missing (NaN) is left out. `risk_free` is per period.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from admf_fast.metrics.returns import annual_return, root
from admf_fast.metrics.sums import (
    Column,
    column,
    deviation,
    mean_of,
    pair,
    power,
    present,
    quotient,
)
from admf_kernels.numeric import nan

VARIANCE_MIN = 1e-30  # of a benchmark that moves at all; empyrical's limit


class AlphaBeta(NamedTuple):
    """What was earned beside the benchmark, per year, and how much of it was taken along."""

    alpha: float
    beta: float


class Batting(NamedTuple):
    """Share of periods ahead of the benchmark: of all, where it did not fall, where it fell."""

    all: float
    up: float
    down: float


class Aligned(NamedTuple):
    """Two series on the union of their times; NaN where one has no value."""

    ts_ns: NDArray[np.int64]
    returns: Column
    benchmark: Column


def aligned(
    ts_ns: ArrayLike, returns: ArrayLike, benchmark_ts_ns: ArrayLike, benchmark: ArrayLike
) -> Aligned:
    """Return two series, each with increasing times, on the union of these times."""
    sides = [
        (np.asarray(times, np.int64), column(values))
        for times, values in ((ts_ns, returns), (benchmark_ts_ns, benchmark))
    ]
    union = np.union1d(sides[0][0], sides[1][0])
    placed = [np.full(len(union), nan), np.full(len(union), nan)]
    for into, (times, values) in zip(placed, sides, strict=True):
        into[np.searchsorted(union, times)] = values
    return Aligned(union, *placed)


def _pairs(returns: ArrayLike, benchmark: ArrayLike) -> tuple[Column, Column]:
    a, b = pair(returns, benchmark)
    both = ~(np.isnan(a) | np.isnan(b))
    return a[both], b[both]


def beta(returns: ArrayLike, benchmark: ArrayLike) -> float:
    """Return the covariance with the benchmark over the benchmark's variance.

    NaN for fewer than 2 periods and for a benchmark that never moves. A constant risk-free
    return would change nothing.
    """
    if len(column(benchmark)) < 2:
        return nan
    a, b = _pairs(returns, benchmark)
    moved = b - mean_of(b)
    variance = mean_of(moved * moved)
    if not variance >= VARIANCE_MIN:
        return nan
    return mean_of(moved * (a - mean_of(a))) / variance


def alpha(
    returns: ArrayLike,
    benchmark: ArrayLike,
    periods_per_year: float,
    risk_free: ArrayLike = 0.0,
) -> float:
    """Return the mean of what `beta` times the benchmark does not explain, compounded to a year.

    NaN where beta is; -1 where a mean period loses everything.
    """
    slope = beta(returns, benchmark)
    a, b = pair(returns, benchmark)
    free = np.asarray(risk_free, np.float64)
    rest = mean_of(present((a - free) - slope * (b - free)))
    return power(1.0 + rest, periods_per_year) - 1.0 if rest == rest else nan


def alpha_beta(
    returns: ArrayLike,
    benchmark: ArrayLike,
    periods_per_year: float,
    risk_free: ArrayLike = 0.0,
) -> AlphaBeta:
    """Return `alpha` and `beta`."""
    return AlphaBeta(
        alpha(returns, benchmark, periods_per_year, risk_free),
        beta(returns, benchmark),
    )


def up(returns: ArrayLike, benchmark: ArrayLike) -> tuple[Column, Column]:
    """Return both series in the periods in which the benchmark rose."""
    a, b = _pairs(returns, benchmark)
    return a[b > 0.0], b[b > 0.0]


def down(returns: ArrayLike, benchmark: ArrayLike) -> tuple[Column, Column]:
    """Return both series in the periods in which the benchmark fell."""
    a, b = _pairs(returns, benchmark)
    return a[b < 0.0], b[b < 0.0]


def up_alpha_beta(
    returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float, risk_free: float = 0.0
) -> AlphaBeta:
    """Return `alpha_beta` of the periods in which the benchmark rose."""
    return alpha_beta(*up(returns, benchmark), periods_per_year, risk_free)


def down_alpha_beta(
    returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float, risk_free: float = 0.0
) -> AlphaBeta:
    """Return `alpha_beta` of the periods in which the benchmark fell."""
    return alpha_beta(*down(returns, benchmark), periods_per_year, risk_free)


def capture(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """Return the annual return over that of the benchmark.

    NaN for no returns; infinite where only the benchmark's is 0.
    """
    return quotient(
        annual_return(returns, periods_per_year), annual_return(benchmark, periods_per_year)
    )


def up_capture(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """Return `capture` of the periods in which the benchmark rose; NaN if it never did."""
    return capture(*up(returns, benchmark), periods_per_year)


def down_capture(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """Return `capture` of the periods in which the benchmark fell; NaN if it never did."""
    return capture(*down(returns, benchmark), periods_per_year)


def up_down_capture(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """Return `up_capture` over `down_capture`."""
    return quotient(
        up_capture(returns, benchmark, periods_per_year),
        down_capture(returns, benchmark, periods_per_year),
    )


def _active(returns: ArrayLike, benchmark: ArrayLike) -> Column:
    a, b = _pairs(returns, benchmark)
    return a - b


def excess_sharpe(returns: ArrayLike, benchmark: ArrayLike) -> float:
    """Return the mean active return over its sample deviation (ddof 1), per period.

    NaN for fewer than 2 periods and where the two are equal; infinite for a constant lead.
    """
    active = _active(returns, benchmark)
    return quotient(mean_of(active), deviation(active))


def information_ratio(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """Return `excess_sharpe` times the root of the periods per year."""
    return excess_sharpe(returns, benchmark) * root(periods_per_year)


def tracking_error(returns: ArrayLike, benchmark: ArrayLike, periods_per_year: float) -> float:
    """Return the annual volatility of the active return; NaN for fewer than 2 periods."""
    return deviation(_active(returns, benchmark)) * root(periods_per_year)


def batting_average(returns: ArrayLike, benchmark: ArrayLike) -> Batting:
    """Return in which share of the periods the returns were above the benchmark's.

    Periods in which either is not finite are left out; NaN for a share of no periods.
    """
    a, b = pair(returns, benchmark)
    known = np.isfinite(a) & np.isfinite(b)
    ahead, market = (a > b)[known], b[known]
    sides = (ahead, ahead[market >= 0.0], ahead[market < 0.0])
    return Batting(*(np.count_nonzero(s) / len(s) if len(s) else nan for s in sides))


def beta_fragility_heuristic(returns: ArrayLike, benchmark: ArrayLike) -> float:
    """Return how much worse both ends of the benchmark's range are than its middle.

    Of the periods with the lowest, median and highest benchmark return, in order of time
    among equals; below 0, losses grow faster than beta. NaN for fewer than 3 periods.
    IMF Working Paper 12/216.
    """
    a, b = _pairs(returns, benchmark)
    if len(a) < 3:
        return nan
    order = np.argsort(b, kind="stable")
    low, middle, high = (int(order[k]) for k in (0, len(order) // 2, -1))
    width = float(b[high] - b[low])
    weight = float(b[high] - b[middle]) / width if width else 0.5
    rest = float(b[middle] - b[low]) / width if width else 0.5
    return weight * float(a[low]) + rest * float(a[high]) - float(a[middle])
