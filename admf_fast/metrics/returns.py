"""Simple returns per period, what they add up to, and what they come to in a year.

In all of this package a series is a 1-D float64 array with one simple return per period,
oldest first. NaN is a missing observation: it changes nothing, but its period has passed.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from admf_fast.metrics.sums import Column, column, deviation, power, present
from admf_kernels.execution import summary
from admf_kernels.numeric import nan

DAY_NS = 86_400_000_000_000
Span = Literal["weekly", "monthly", "quarterly", "yearly"]


def simple_returns(prices: ArrayLike) -> Column:
    """Return ``price / price before - 1``, one value less than prices.

    Empty for fewer than 2 prices; infinite or NaN after a price of 0.
    """
    values = column(prices)
    with np.errstate(all="ignore"):
        return np.diff(values) / values[:-1]


def equity_returns(equity: ArrayLike, start: float) -> Column:
    """Return the simple return of every period of an equity curve that began with `start`.

    A return on nothing, or on debt, has no meaning: it is 0, as in a run's summary.
    """
    after = column(equity)
    before = np.concatenate(([start], after[:-1])) if len(after) else after
    owned = before > 0.0
    return np.where(owned, after / np.where(owned, before, 1.0) - 1.0, 0.0)


def growth(returns: ArrayLike) -> Column:
    """Return what 1 has become after every period, multiplied from the first to the last."""
    values = column(returns)
    with np.errstate(all="ignore"):
        return np.multiply.accumulate(1.0 + np.where(np.isnan(values), 0.0, values))


def cum_returns(returns: ArrayLike, starting_value: float = 0.0) -> Column:
    """Return the return so far after every period, or the value of `starting_value`.

    Empty for no returns.
    """
    made = growth(returns)
    return made - 1.0 if starting_value == 0.0 else made * starting_value


def cum_returns_final(returns: ArrayLike, starting_value: float = 0.0) -> float:
    """Return the last value of `cum_returns`; NaN for no returns."""
    made = cum_returns(returns, starting_value)
    return float(made[-1]) if len(made) else nan


class Aggregate(NamedTuple):
    """Returns of longer periods: when each starts in UTC, and its return."""

    start_ts_ns: NDArray[np.int64]
    returns: Column


def aggregate_returns(returns: ArrayLike, ts_ns: ArrayLike, span: Span) -> Aggregate:
    """Return the compound return of every week (from Monday), month, quarter or year in UTC.

    `ts_ns` are increasing instants inside the periods; of bars stamped at their close pass
    ``ts_ns - 1``, so that midnight belongs to the day it ends. Empty for no returns.
    """
    values, times = column(returns), np.asarray(ts_ns, np.int64)
    if values.shape != times.shape:
        raise ValueError(f"expected one time per return, found {len(times)} and {len(values)}")
    starts = _starts(times, span)
    firsts = np.flatnonzero(np.diff(starts, prepend=starts[:1] - 1))
    parts = np.split(values, firsts[1:]) if len(values) else []
    return Aggregate(starts[firsts], np.array([cum_returns_final(part) for part in parts]))


def _starts(ts_ns: NDArray[np.int64], span: Span) -> NDArray[np.int64]:
    if span == "weekly":
        days = ts_ns // DAY_NS
        return (days - (days + 3) % 7) * DAY_NS  # 1970 began on a Thursday
    unit = {"monthly": "M", "quarterly": "M", "yearly": "Y"}.get(span)
    if unit is None:
        raise ValueError(f"expected weekly, monthly, quarterly or yearly; found {span!r}")
    units = ts_ns.astype("datetime64[ns]").astype(f"datetime64[{unit}]")
    if span == "quarterly":
        months = units.astype(np.int64)
        units = (months - months % 3).astype("datetime64[M]")
    return units.astype("datetime64[ns]").astype(np.int64)


def counted_periods(ts_ns: ArrayLike) -> float:
    """Return periods per year, counted: those after the first, over the years between first
    and last (365.25 days each); 0 for fewer than 2.

    What ``periods_per_year: counted`` means in a configuration.
    """
    times = np.asarray(ts_ns, np.int64)
    return summary.counted_periods(len(times), int(times[-1] - times[0]) if len(times) else 0)


def annual_return(returns: ArrayLike, periods_per_year: float) -> float:
    """Return the compound annual growth rate, ``growth ** (periods per year / periods) - 1``.

    NaN for no returns; -1 where nothing or less is left.
    """
    values = column(returns)
    if not len(values) or not periods_per_year > 0.0:
        return nan
    return power(float(growth(values)[-1]), periods_per_year / len(values)) - 1.0


def annual_volatility(returns: ArrayLike, periods_per_year: float) -> float:
    """Return the sample deviation (ddof 1) times the root of the periods per year.

    NaN for fewer than 2 returns; 0 where all are equal.
    """
    return deviation(present(column(returns))) * root(periods_per_year)


def root(periods_per_year: float) -> float:
    """Return the square root of the periods per year, NaN if there are none."""
    return float(np.sqrt(periods_per_year)) if periods_per_year > 0.0 else nan
