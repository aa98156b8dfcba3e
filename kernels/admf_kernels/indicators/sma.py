"""Simple moving average."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag, window
from admf_kernels.numeric import Window, at
from admf_kernels.registry import indicator

RENEW_WINDOWS = 8  # the sum is taken afresh every so many windows


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20


class Constants(NamedTuple):
    """Prepared once."""

    period: int
    weight: float


class State(NamedTuple):
    """Survives the bar."""

    total: float = 0.0


def prepare(p: Params) -> Constants:
    """Return the constants for these parameters."""
    return Constants(p.period, 1.0 / p.period)


def window_sum(values: Window, period: int) -> float:
    """Return the sum of the last `period` values, oldest first."""
    total = 0.0
    for back in range(period - 1, -1, -1):
        total += at(values, back)
    return total


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
def sma(
    c: Constants,
    s: State,
    bars: int,
    renew: bool,
    value: float,
    leaving: float,
    values: Window,
) -> tuple[State, float]:
    """Mean of the last `period` values, in the unit of the input.

    A running sum, taken afresh at fixed bars so that rounding never accumulates over more
    than eight windows. Source: TA-Lib SMA. First valid bar: `period`.
    """
    total = s.total + (value - (leaving if bars > c.period else 0.0))
    if renew:
        total = window_sum(values, c.period)
    return State(total), total * c.weight
