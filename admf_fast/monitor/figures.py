"""The figures that are watched, over windows of days; one definition for history and production.

A run is reduced to one row a day (`COLUMNS`, midnight UTC ends a day); every figure is made of
the rows of a window, so that a backtest and a live run are measured alike. docs/monitoring.md has
the table of formulas. All figures are free of the size of the account.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_fast.metrics.returns import DAY_NS

Matrix = NDArray[np.float64]

COLUMNS = (
    "day", "bars", "in_market", "signals", "wanted", "strength", "trades", "wins", "costed",
    "cost", "equity", "gain",
)  # fmt: skip
AT = {name: k for k, name in enumerate(COLUMNS)}


class Ratio(NamedTuple):
    """A figure that is one column's sum over another's; no divisor: the number of days."""

    sum_of: str
    over: str


RATIOS = {
    "signal_strength": Ratio("strength", "wanted"),
    "signal_frequency": Ratio("signals", "bars"),
    "trades_per_day": Ratio("trades", ""),
    "exposure": Ratio("in_market", "bars"),
    "win_rate": Ratio("wins", "trades"),
    "cost_bps": Ratio("cost", "costed"),
}
FIGURES = (
    "signal_strength", "signal_frequency", "trades_per_day", "exposure", "win_rate", "drawdown",
    "volatility", "cost_bps",
)  # fmt: skip
BPS = 1e4


def day_of(ts_ns: int) -> int:
    """Return the number of the day of a close; midnight belongs to the day it ends."""
    return (ts_ns - 1) // DAY_NS


def figures_of(rows: Matrix) -> Matrix:
    """Return all `FIGURES` of windows of days: shape (..., days, columns) to (..., figures).

    NaN for a figure without an observation, such as the win rate of no trades.
    """
    made = np.empty((*rows.shape[:-2], len(FIGURES)))
    for k, name in enumerate(FIGURES):
        if name in RATIOS:
            made[..., k] = _ratio(rows, RATIOS[name])
        elif name == "drawdown":
            made[..., k] = drawdowns(rows[..., AT["gain"]])
        else:
            made[..., k] = volatilities(rows[..., AT["gain"]])
    return made


def _ratio(rows: Matrix, ratio: Ratio) -> Matrix:
    above = _total(rows[..., AT[ratio.sum_of]])
    below = _total(rows[..., AT[ratio.over]]) if ratio.over else float(rows.shape[-2])
    return quotients(above, below)


def _total(values: Matrix) -> Matrix:
    """Return sums over the last axis, added from the first day to the last."""
    if not values.shape[-1]:
        return np.zeros(values.shape[:-1])
    added: Matrix = np.add.accumulate(values, axis=-1)[..., -1]
    return added


def quotients(above: Matrix, below: Matrix | float) -> Matrix:
    """Return ``above / below``, NaN where there is nothing below."""
    with np.errstate(all="ignore"):
        return np.where(np.equal(below, 0.0), np.nan, np.divide(above, below))


def drawdowns(gains: Matrix) -> Matrix:
    """Return the largest fall from a peak inside each window, as a fraction of the peak."""
    if not gains.shape[-1]:
        return np.full(gains.shape[:-1], np.nan)
    curve = np.multiply.accumulate(1.0 + gains, axis=-1)
    peak = np.maximum.accumulate(np.maximum(curve, 1.0), axis=-1)
    deepest: Matrix = (1.0 - curve / peak).max(axis=-1)
    return deepest


def volatilities(gains: Matrix) -> Matrix:
    """Return the sample standard deviation of the daily returns of each window."""
    days = gains.shape[-1]
    if days < 2:
        return np.full(gains.shape[:-1], np.nan)
    rest = gains - (_total(gains) / days)[..., None]
    made: Matrix = np.sqrt(_total(rest * rest) / (days - 1))
    return made


def moving_figures(rows: Matrix, window: int) -> Matrix:
    """Return `figures_of` every window of days: (replicates, days, columns) to (.., .., figures).

    By differences of running sums, a tenth of the work: exact where counts are summed, within
    rounding for the others.
    """
    counts = rows.shape[1] - window + 1
    made = np.empty((rows.shape[0], counts, len(FIGURES)))
    gains = rows[..., AT["gain"]]
    for k, name in enumerate(FIGURES):
        if name in RATIOS:
            ratio = RATIOS[name]
            above = _moving(rows[..., AT[ratio.sum_of]], window)
            below = _moving(rows[..., AT[ratio.over]], window) if ratio.over else float(window)
            made[..., k] = quotients(above, below)
        elif name == "volatility":
            mean = _moving(gains, window) / window
            spread = _moving(gains * gains, window) - window * mean * mean
            made[..., k] = np.sqrt(np.maximum(spread, 0.0) / (window - 1))
        else:
            windows = np.lib.stride_tricks.sliding_window_view(gains, window, axis=1)
            made[..., k] = drawdowns(windows)
    return made


def _moving(values: Matrix, window: int) -> Matrix:
    """Return the sums of every `window` consecutive values of each row."""
    start = np.zeros((values.shape[0], 1))
    sums = np.concatenate((start, np.add.accumulate(values, axis=1)), axis=1)
    moved: Matrix = sums[:, window:] - sums[:, :-window]
    return moved


def day_values(rows: Matrix) -> Matrix:
    """Return what each day says of every figure, shape (days, figures); NaN for nothing.

    A drawdown is no property of a day: the day's return stands for it, as a fall of the mean
    return is what deepens drawdowns; of volatility it is the absolute return.
    """
    made = np.empty((len(rows), len(FIGURES)))
    for k, name in enumerate(FIGURES):
        ratio = RATIOS.get(name)
        if ratio is not None:
            below = rows[:, AT[ratio.over]] if ratio.over else 1.0
            made[:, k] = quotients(rows[:, AT[ratio.sum_of]], below)
        else:
            gains = rows[:, AT["gain"]]
            made[:, k] = gains if name == "drawdown" else np.abs(gains)
    return made
