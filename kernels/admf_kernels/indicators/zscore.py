"""Standard score."""

import math
from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag, window
from admf_kernels.indicators.moments import (
    RENEW_WINDOWS,
    Moments,
    WindowWeight,
    advance,
    variance,
    weighted,
)
from admf_kernels.numeric import Window, fma, select
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 20


@indicator(
    params=Params,
    state=Moments,
    prepare=weighted,
    inputs={
        "value": "close",
        "leaving": lag("value", "period"),
        "values": window("value", "period"),
    },
    warmup_bars="period",
    renew_bars=lambda p: RENEW_WINDOWS * p.period,
)
def zscore(
    c: WindowWeight,
    s: Moments,
    bars: int,
    renew: bool,
    value: float,
    leaving: float,
    values: Window,
) -> tuple[Moments, float]:
    """Distance from the mean of the last `period` values, in standard deviations.

    ``(value - mean) / stddev``, population standard deviation, without unit; 0 where all
    values are equal. Source: the definition; see `moments` for how digits are kept. First
    valid bar: `period`.
    """
    moved = advance(s, bars, renew, c.period, value, leaving, values)
    spread = math.sqrt(variance(moved, c.weight))
    distance = fma(-moved.total, c.weight, value - moved.anchor)
    flat = spread == 0.0
    return moved, select(flat, 0.0, distance / select(flat, 1.0, spread))
