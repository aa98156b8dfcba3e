"""Rolling correlation."""

import math
from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag, window
from admf_kernels.indicators.moments import LOST, RENEW_WINDOWS
from admf_kernels.numeric import Window, at, select
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 30


class Constants(NamedTuple):
    """Prepared once."""

    period: int
    weight: float


class State(NamedTuple):
    """Sums over the window, of deviations from one anchor for each input."""

    first_anchor: float = 0.0
    second_anchor: float = 0.0
    first: float = 0.0
    second: float = 0.0
    first_squares: float = 0.0
    second_squares: float = 0.0
    products: float = 0.0
    first_largest: float = 0.0  # of the squares since all were last taken afresh
    second_largest: float = 0.0


def prepare(p: Params) -> Constants:
    """Return the constants for these parameters."""
    return Constants(p.period, 1.0 / p.period)


def window_sums(firsts: Window, seconds: Window, bars: int) -> State:
    """Return the sums over the last `bars` values, oldest first, about the newest."""
    first_anchor = at(firsts, 0)
    second_anchor = at(seconds, 0)
    first = 0.0
    second = 0.0
    first_squares = 0.0
    second_squares = 0.0
    products = 0.0
    for back in range(bars - 1, -1, -1):
        x = at(firsts, back) - first_anchor
        y = at(seconds, back) - second_anchor
        first += x
        second += y
        first_squares += x * x
        second_squares += y * y
        products += x * y
    return State(
        first_anchor, second_anchor, first, second, first_squares, second_squares, products,
        first_squares, second_squares,
    )  # fmt: skip


def advance(s: State, x: float, y: float, x_leaving: float, y_leaving: float) -> State:
    """Return the sums one bar later."""
    x_new = x - s.first_anchor
    y_new = y - s.second_anchor
    x_old = x_leaving - s.first_anchor
    y_old = y_leaving - s.second_anchor
    first_squares = s.first_squares + (x_new - x_old) * (x_new + x_old)
    second_squares = s.second_squares + (y_new - y_old) * (y_new + y_old)
    return State(
        s.first_anchor,
        s.second_anchor,
        s.first + (x_new - x_old),
        s.second + (y_new - y_old),
        first_squares,
        second_squares,
        s.products + (x_new * y_new - x_old * y_old),
        select(first_squares > s.first_largest, first_squares, s.first_largest),
        select(second_squares > s.second_largest, second_squares, s.second_largest),
    )


def about_mean(squares: float, total: float, weight: float) -> float:
    """Return a sum of squares about the mean, never negative."""
    found = squares - total * total * weight
    return select(found > 0.0, found, 0.0)


def correlated(s: State, x: float, y: float, weight: float) -> float:
    """Return the correlation from the sums and the squares about the means."""
    spread = math.sqrt(x) * math.sqrt(y)
    flat = spread == 0.0
    together = s.products - s.first * s.second * weight
    found = select(flat, 0.0, together / select(flat, 1.0, spread))
    return select(found > 1.0, 1.0, select(found < -1.0, -1.0, found))


def renewed(firsts: Window, seconds: Window, bars: int, weight: float) -> tuple[State, float]:
    """Return state and value taken afresh from the last `bars` values."""
    s = window_sums(firsts, seconds, bars)
    x = about_mean(s.first_squares, s.first, weight)
    y = about_mean(s.second_squares, s.second, weight)
    return s, correlated(s, x, y, weight)


@indicator(
    params=Params,
    state=State,
    prepare=prepare,
    inputs={
        "first": "close",
        "second": "volume",
        "first_leaving": lag("first", "period"),
        "second_leaving": lag("second", "period"),
        "firsts": window("first", "period"),
        "seconds": window("second", "period"),
    },
    warmup_bars="period",
    renew_bars=lambda p: RENEW_WINDOWS * p.period,
)
def correlation(
    c: Constants,
    s: State,
    bars: int,
    renew: bool,
    first: float,
    second: float,
    first_leaving: float,
    second_leaving: float,
    firsts: Window,
    seconds: Window,
) -> tuple[State, float]:
    """Pearson's correlation of two inputs over the last `period` bars, -1 to 1.

    0 where one of them does not move. Running sums of deviations from recent values, taken
    afresh as in `moments`. Source: TA-Lib CORREL. First valid bar: `period`.
    """
    moved = s
    if bars > c.period:
        moved = advance(s, first, second, first_leaving, second_leaving)
    x = about_mean(moved.first_squares, moved.first, c.weight)
    y = about_mean(moved.second_squares, moved.second, c.weight)
    lost = x < moved.first_largest * LOST or y < moved.second_largest * LOST
    # Up to bar `period` nothing is slid: the first sums are those of the first window.
    if renew or lost or bars <= c.period:
        return renewed(firsts, seconds, c.period if bars >= c.period else 0, c.weight)
    return moved, correlated(moved, x, y, c.weight)
