"""Linear regression over time."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag, window
from admf_kernels.indicators.moments import LOST, RENEW_WINDOWS
from admf_kernels.numeric import Window, at, select
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 14


class Constants(NamedTuple):
    """Prepared once."""

    period: int
    weight: float  # 1 / period
    middle: float  # mean of the places 1 to period
    scale: float  # one over the sum of the squared places about their mean


class State(NamedTuple):
    """Sums over the window, of deviations from the anchor."""

    anchor: float = 0.0
    total: float = 0.0
    weighted: float = 0.0  # the oldest deviation once, the newest `period` times
    squares: float = 0.0
    largest: float = 0.0  # of `squares` since all were last taken afresh


def prepare(p: Params) -> Constants:
    """Return the constants for these parameters."""
    n = float(p.period)
    return Constants(p.period, 1.0 / n, (n + 1.0) / 2.0, 12.0 / (n * (n * n - 1.0)))


def window_sums(values: Window, bars: int) -> State:
    """Return the sums over the last `bars` values, oldest first, about the newest."""
    anchor = at(values, 0)
    total = 0.0
    weighted = 0.0
    squares = 0.0
    for back in range(bars - 1, -1, -1):
        deviation = at(values, back) - anchor
        total += deviation
        weighted += deviation * (bars - back)
        squares += deviation * deviation
    return State(anchor, total, weighted, squares, squares)


def advance(c: Constants, s: State, value: float, leaving: float) -> State:
    """Return the sums one bar later; one bar later every weight is one less."""
    new = value - s.anchor
    old = leaving - s.anchor
    squares = s.squares + (new - old) * (new + old)
    return State(
        s.anchor,
        s.total + (new - old),
        s.weighted + (c.period * new - s.total),
        squares,
        select(squares > s.largest, squares, s.largest),
    )


@indicator(
    params=Params,
    state=State,
    prepare=prepare,
    inputs={
        "value": "close",
        "leaving": lag("value", "period"),
        "values": window("value", "period"),
    },
    outputs=("value", "slope"),
    warmup_bars="period",
    renew_bars=lambda p: RENEW_WINDOWS * p.period,
)
def linear_regression(
    c: Constants,
    s: State,
    bars: int,
    renew: bool,
    value: float,
    leaving: float,
    values: Window,
) -> tuple[State, tuple[float, float]]:
    """End of the straight line of least squares through `period` values, and its slope.

    The line's value on this bar, in the unit of the input, and its rise per bar. Running
    sums of deviations from a recent value, taken afresh as in `moments`: the slope of equal
    values is exactly 0. Source: TA-Lib LINEARREG and LINEARREG_SLOPE. First valid bar:
    `period`.
    """
    moved = advance(c, s, value, leaving) if bars > c.period else s
    spread = moved.squares - moved.total * moved.total * c.weight
    # Up to bar `period` nothing is slid: the first sums are those of the first window.
    if renew or spread < moved.largest * LOST or bars <= c.period:
        moved = window_sums(values, c.period if bars >= c.period else 0)
    slope = (moved.weighted - c.middle * moved.total) * c.scale
    mean = moved.total * c.weight
    return moved, (moved.anchor + (mean + slope * (c.period - c.middle)), slope)
