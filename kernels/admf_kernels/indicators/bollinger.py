"""Bollinger bands."""

import math
from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag, window
from admf_kernels.indicators.moments import RENEW_WINDOWS, Moments, advance, variance
from admf_kernels.numeric import Window, fma
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 20
    deviations: Annotated[float, Between(0.0, 1000.0)] = 2.0


class Constants(NamedTuple):
    """Prepared once."""

    period: int
    weight: float
    deviations: float


def prepare(p: Params) -> Constants:
    """Return the constants for these parameters."""
    return Constants(p.period, 1.0 / p.period, p.deviations)


@indicator(
    params=Params,
    state=Moments,
    prepare=prepare,
    inputs={
        "value": "close",
        "leaving": lag("value", "period"),
        "values": window("value", "period"),
    },
    outputs=("upper", "middle", "lower"),
    warmup_bars="period",
    renew_bars=lambda p: RENEW_WINDOWS * p.period,
)
def bollinger(
    c: Constants,
    s: Moments,
    bars: int,
    renew: bool,
    value: float,
    leaving: float,
    values: Window,
) -> tuple[Moments, tuple[float, float, float]]:
    """Mean of the last `period` values, and the bands `deviations` spreads around it.

    ``middle -/+ deviations * stddev``, population standard deviation, in the unit of the
    input; the three are equal where all values are. Source: TA-Lib BBANDS with a simple
    average; see `moments` for how digits are kept. First valid bar: `period`.
    """
    moved = advance(s, bars, renew, c.period, value, leaving, values)
    middle = fma(moved.total, c.weight, moved.anchor)
    reach = c.deviations * math.sqrt(variance(moved, c.weight))
    return moved, (middle + reach, middle, middle - reach)
