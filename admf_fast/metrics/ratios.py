"""Reward for risk, of one series of returns.

`risk_free` and `required_return` are per period, a number or one for each period, unless a
function says otherwise.
"""

import numpy as np
from numpy.typing import ArrayLike

from admf_fast.metrics.returns import root
from admf_fast.metrics.sums import (
    Column,
    column,
    deviation,
    logs,
    mean_of,
    power,
    present,
    quotient,
    ratio,
    total,
)
from admf_kernels.numeric import nan


def _above(returns: ArrayLike, level: ArrayLike) -> Column:
    return present(column(returns) - np.asarray(level, np.float64))


def sharpe_ratio(returns: ArrayLike, periods_per_year: float, risk_free: ArrayLike = 0.0) -> float:
    """Return mean excess return over its sample deviation (ddof 1), times the root of the
    periods per year.

    NaN for fewer than 2 returns and for a mean of 0 without deviation; infinite for any
    other mean without deviation.
    """
    excess = _above(returns, risk_free)
    return quotient(mean_of(excess), deviation(excess)) * root(periods_per_year)


def downside_risk(
    returns: ArrayLike, periods_per_year: float, required_return: ArrayLike = 0.0
) -> float:
    """Return the root of the mean square of what falls short, times the root of the periods.

    All periods count, those without a shortfall as 0. NaN for no returns.
    """
    short = np.minimum(_above(returns, required_return), 0.0)
    return float(np.sqrt(mean_of(short * short))) * root(periods_per_year)


def sortino_ratio(
    returns: ArrayLike, periods_per_year: float, required_return: ArrayLike = 0.0
) -> float:
    """Return the annual mean above `required_return` over `downside_risk` below the same.

    NaN for fewer than 2 returns and for a mean of 0 without shortfall; infinite for any
    other mean without shortfall.
    """
    if len(column(returns)) < 2:
        return nan
    mean = mean_of(_above(returns, required_return))
    risk = downside_risk(returns, periods_per_year, required_return)
    return quotient(mean * periods_per_year, risk)


def omega_ratio(
    returns: ArrayLike,
    periods_per_year: float,
    risk_free: ArrayLike = 0.0,
    required_return: float = 0.0,
) -> float:
    """Return the sum of returns above a threshold over the sum of those below it.

    The threshold is `risk_free` plus the period's share of the **annual** `required_return`.
    NaN for fewer than 2 returns, without a shortfall, and for a required return of -1 or less.
    """
    if len(column(returns)) < 2 or required_return <= -1.0 or not periods_per_year > 0.0:
        return nan
    threshold = required_return
    if periods_per_year != 1.0:
        threshold = power(1.0 + required_return, 1.0 / periods_per_year) - 1.0
    beyond = _above(returns, risk_free) - threshold
    return ratio(total(beyond[beyond > 0.0]), -total(beyond[beyond < 0.0]))


def stability_of_timeseries(returns: ArrayLike) -> float:
    """Return R² of a straight line through the cumulative log returns.

    NaN for fewer than 2 returns, for a curve that never moves, and after a total loss.
    """
    gains = present(column(returns))
    if len(gains) < 2:
        return nan
    curve = np.add.accumulate(logs(1.0 + gains))
    time = np.arange(len(curve), dtype=np.float64) - (len(curve) - 1) / 2.0
    rest = curve - mean_of(curve)
    shared = total(time * rest)
    share = ratio(shared * shared, total(time * time) * total(rest * rest))
    return 1.0 if share > 1.0 else share


def gain_to_pain(returns: ArrayLike) -> float:
    """Return the sum of all returns over the sum of the losses (J. Schwager).

    NaN without a loss.
    """
    gains = present(column(returns))
    return ratio(total(gains), -total(gains[gains < 0.0]))
