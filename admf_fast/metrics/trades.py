"""Figures over closed trades, each a round trip from flat to flat; never over bars.

A trade is won if its result is above 0. A ratio to nothing is NaN. The functions of one
array take results of any one unit: account currency after fees, or shares of the value at
entry.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from admf_fast.metrics.sums import column, deviation, mean_of, present, ratio, total
from admf_kernels.numeric import nan

BPS = 1e4


def win_rate(results: ArrayLike) -> float:
    """Return the share of results above 0; NaN for none."""
    values = present(column(results))
    return ratio(float(np.count_nonzero(values > 0.0)), len(values))


def profit_factor(results: ArrayLike) -> float:
    """Return the sum of the results above 0 over that below 0; NaN without a loss."""
    values = present(column(results))
    return ratio(total(values[values > 0.0]), -total(values[values < 0.0]))


def expectancy(results: ArrayLike) -> float:
    """Return the mean result; NaN for none."""
    return mean_of(present(column(results)))


def payoff_ratio(results: ArrayLike) -> float:
    """Return the mean result above 0 over the mean below 0, without sign.

    NaN without a win or without a loss.
    """
    values = present(column(results))
    return ratio(mean_of(values[values > 0.0]), -mean_of(values[values < 0.0]))


def kelly_fraction(results: ArrayLike) -> float:
    """Return ``win rate - (1 - win rate) / payoff ratio`` (J. Kelly, 1956).

    The share of capital to risk on such trades; below 0, none. NaN where the ratio is.
    """
    won = win_rate(results)
    return won - ratio(1.0 - won, payoff_ratio(results))


def sqn(results: ArrayLike) -> float:
    """Return the root of their number times mean over sample deviation (V. Tharp).

    NaN for fewer than 2 results and where all are equal.
    """
    values = present(column(results))
    return ratio(mean_of(values), deviation(values)) * math.sqrt(len(values))


def break_even_bps(pnl: float, fees: float, turnover: float) -> float:
    """Return at which cost of every traded value, in basis points, nothing is left.

    `pnl` is after `fees`; slippage is in the prices and so already paid. Below 0 if the
    trades lose without any fee; NaN without turnover.
    """
    return ratio((pnl + fees) * BPS, turnover)


def costs_share(pnl: float, fees: float) -> float:
    """Return the part of the result before fees that went into `fees`; above 1, more than all.

    NaN where there was no profit before fees.
    """
    return ratio(fees, pnl + fees) if pnl + fees > 0.0 else nan


def trades_per_day(trades: int, session_days: int) -> float:
    """Return trades per session day on which there were bars in the tested period.

    NaN for no days.
    """
    return ratio(float(trades), session_days)
