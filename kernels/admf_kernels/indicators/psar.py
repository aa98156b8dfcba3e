"""Parabolic stop and reverse."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag
from admf_kernels.numeric import select
from admf_kernels.parameters import Rule
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    acceleration: Annotated[float, Between(0.0, 1.0)] = 0.02
    maximum: Annotated[float, Between(0.0, 1.0)] = 0.2


class State(NamedTuple):
    """Survives the bar."""

    is_long: bool = False
    stop: float = 0.0  # for the next bar
    extreme: float = 0.0  # highest high of a rise, lowest low of a fall
    pace: float = 0.0


def larger(a: float, b: float) -> float:
    """Return the larger of two values."""
    return select(b > a, b, a)


def smaller(a: float, b: float) -> float:
    """Return the smaller of two values."""
    return select(b < a, b, a)


def beyond(is_long: bool, stop: float, first: float, second: float) -> float:
    """Return a stop moved under two lows of a rise, or over two highs of a fall."""
    if is_long:
        return smaller(smaller(stop, first), second)
    return larger(larger(stop, first), second)


def started(c: Params, high: float, low: float, high_before: float, low_before: float) -> State:
    """Return the state before the second bar, whose moves give the first direction."""
    up = high - high_before
    down = low_before - low
    is_long = not (down > 0.0 and up < down)
    if is_long:
        return State(True, low_before, high, c.acceleration)
    return State(False, high_before, low, c.acceleration)


def advanced(
    c: Params, s: State, near: float, far: float, near_before: float, far_before: float
) -> tuple[State, float]:
    """Return the state after a bar and its stop.

    `near` is the side of the bar towards the stop (the low of a rise), `far` the other;
    ``*_before`` are those of the bar before.
    """
    stopped = near <= s.stop if s.is_long else near >= s.stop
    if stopped:
        # The old extreme is the new stop, kept outside both bars; the way turns round.
        is_long = not s.is_long
        stop = beyond(is_long, s.extreme, far_before, far)
        following = stop + c.acceleration * (near - stop)
        following = beyond(is_long, following, far_before, far)
        return State(is_long, following, near, c.acceleration), stop
    further = far > s.extreme if s.is_long else far < s.extreme
    extreme = far if further else s.extreme
    pace = smaller(s.pace + c.acceleration, c.maximum) if further else s.pace
    following = beyond(s.is_long, s.stop + pace * (extreme - s.stop), near_before, near)
    return State(s.is_long, following, extreme, pace), s.stop


@indicator(
    params=Params,
    state=State,
    inputs={
        "high": "high",
        "low": "low",
        "high_before": lag("high", 1),
        "low_before": lag("low", 1),
    },
    warmup_bars=2,
    rules=(Rule("acceleration <= maximum", lambda p: p.acceleration <= p.maximum),),
)
def psar(
    c: Params,
    s: State,
    bars: int,
    high: float,
    low: float,
    high_before: float,
    low_before: float,
) -> tuple[State, float]:
    """Parabolic stop and reverse: a stop that follows a trend ever faster, in price units.

    ``stop += pace * (extreme - stop)``, never inside the last two bars; the pace grows by
    `acceleration` with every new extreme, up to `maximum`; a bar that touches the stop turns
    the trend round. Below the low it is a rise, above the high a fall. The second bar starts
    a fall if its low fell further than its high rose, else a rise. Source: TA-Lib SAR
    (Wilder). First valid bar: 2.
    """
    if bars == 1:
        return s, 0.0
    if bars == 2:
        s = started(c, high, low, high_before, low_before)
        # Of the first bar only the starting stop is known.
        high_before = high
        low_before = low
    near = low if s.is_long else high
    far = high if s.is_long else low
    near_before = low_before if s.is_long else high_before
    far_before = high_before if s.is_long else low_before
    return advanced(c, s, near, far, near_before, far_before)
