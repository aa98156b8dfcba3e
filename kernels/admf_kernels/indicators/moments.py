"""Rolling mean and spread, the sums behind `stddev` and `bollinger`.

The sums are of deviations from an anchor, a recent value, so the price level does not
enter them. A running sum of squares loses digits when something much larger has passed
through it; both sums and the anchor are therefore taken afresh from the window

- on every ``RENEW_WINDOWS``-th window, so that rounding cannot accumulate, and
- on the bar where the window's squares, about their mean, fall under ``LOST`` of the
  largest running sum since then, so that at most 16 of 53 bits are ever lost.

The second rule makes the spread of equal values exactly 0, at any price level: such a
window is taken afresh, with every deviation 0.
"""

from typing import Any, NamedTuple

from admf_kernels.numeric import Window, at, select

RENEW_WINDOWS = 8
LOST = 1.0 / 65536.0


class WindowWeight(NamedTuple):
    """The window of an indicator that has nothing else to prepare."""

    period: int
    weight: float  # of one value in the mean


def weighted(p: Any) -> WindowWeight:
    """Return the constants for parameters that are a period."""
    return WindowWeight(p.period, 1.0 / p.period)


class Moments(NamedTuple):
    """Sums over the window, of deviations from the anchor."""

    anchor: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    largest: float = 0.0  # of `squares` since they were last taken afresh


def window_moments(values: Window, bars: int) -> Moments:
    """Return the sums over the last `bars` values, oldest first, about the newest."""
    anchor = at(values, 0)
    total = 0.0
    squares = 0.0
    for back in range(bars - 1, -1, -1):
        deviation = at(values, back) - anchor
        total += deviation
        squares += deviation * deviation
    return Moments(anchor, total, squares, squares)


def advance(
    m: Moments,
    bars: int,
    renew: bool,
    period: int,
    value: float,
    leaving: float,
    values: Window,
) -> Moments:
    """Return the sums one bar later: `value` comes in, `leaving` goes."""
    added = value - m.anchor
    removed = leaving - m.anchor
    change = added - removed
    total = m.total + change
    squares = m.squares + change * (added + removed)
    largest = select(squares > m.largest, squares, m.largest)
    moved = Moments(m.anchor, total, squares, largest)
    lost = squares_about_mean(moved, 1.0 / period) < largest * LOST
    # Up to bar `period` nothing is slid: the first sums are those of the first window.
    if renew or lost or bars <= period:
        moved = window_moments(values, period if bars >= period else 0)
    return moved


def squares_about_mean(m: Moments, weight: float) -> float:
    """Return the sum of squared deviations from the mean; `weight` is 1 / period."""
    return m.squares - m.total * m.total * weight


def variance(m: Moments, weight: float) -> float:
    """Return the population variance, never negative."""
    found = squares_about_mean(m, weight) * weight
    return select(found > 0.0, found, 0.0)
