"""Rolling standard deviation."""

import math
from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag, window
from admf_kernels.indicators.moments import RENEW_WINDOWS, Moments, advance, variance
from admf_kernels.numeric import Window
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 20
    deviations: Annotated[float, Between(0.0, 1000.0)] = 1.0


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
    warmup_bars="period",
    renew_bars=lambda p: RENEW_WINDOWS * p.period,
)
def stddev(
    c: Constants,
    s: Moments,
    bars: int,
    renew: bool,
    value: float,
    leaving: float,
    values: Window,
) -> tuple[Moments, float]:
    """Population standard deviation of the last `period` values, times `deviations`.

    In the unit of the input; exactly 0 where all values are equal, at any price. Source:
    TA-Lib STDDEV; see `moments` for how digits are kept. First valid bar: `period`.
    """
    moved = advance(s, bars, renew, c.period, value, leaving, values)
    return moved, c.deviations * math.sqrt(variance(moved, c.weight))
