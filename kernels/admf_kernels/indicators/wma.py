"""Linearly weighted moving average."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag, window
from admf_kernels.numeric import Window, at
from admf_kernels.registry import indicator

RENEW_WINDOWS = 8  # both sums are taken afresh every so many windows


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20


class Constants(NamedTuple):
    """Prepared once."""

    period: int
    scale: float  # one over the sum of the weights


class State(NamedTuple):
    """Survives the bar."""

    total: float = 0.0  # of the window
    weighted: float = 0.0  # of the window, the oldest value once, the newest `period` times


def prepare(p: Params) -> Constants:
    """Return the constants for these parameters."""
    return Constants(p.period, 2.0 / (p.period * (p.period + 1.0)))


def window_sums(values: Window, period: int) -> State:
    """Return the sums over the last `period` values, oldest first."""
    total = 0.0
    weighted = 0.0
    for back in range(period - 1, -1, -1):
        value = at(values, back)
        total += value
        weighted += value * (period - back)
    return State(total, weighted)


@indicator(
    params=Params,
    state=State,
    prepare=prepare,
    inputs={
        "value": "close",
        "leaving": lag("value", "period"),
        "values": window("value", "period"),
    },
    warmup_bars="period",
    renew_bars=lambda p: RENEW_WINDOWS * p.period,
)
def wma(
    c: Constants,
    s: State,
    bars: int,
    renew: bool,
    value: float,
    leaving: float,
    values: Window,
) -> tuple[State, float]:
    """Mean with weights 1, 2, ... `period`, the newest heaviest, in the unit of the input.

    One bar later every weight is one less: the window's sum is taken off, the new value
    comes in. Both sums are taken afresh every eight windows. Source: TA-Lib WMA. First
    valid bar: `period`.
    """
    full = bars > c.period
    weight = c.period if full else bars
    weighted = s.weighted + (weight * value - (s.total if full else 0.0))
    moved = State(s.total + (value - (leaving if full else 0.0)), weighted)
    if renew:
        moved = window_sums(values, c.period)
    return moved, moved.weighted * c.scale
