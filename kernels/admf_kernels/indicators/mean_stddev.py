"""Rolling mean and standard deviation, of which a strategy makes bands of any width."""

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
from admf_kernels.numeric import Window, fma
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
    outputs=("middle", "stddev"),
    warmup_bars="period",
    renew_bars=lambda p: RENEW_WINDOWS * p.period,
)
def mean_stddev(
    c: WindowWeight,
    s: Moments,
    bars: int,
    renew: bool,
    value: float,
    leaving: float,
    values: Window,
) -> tuple[Moments, tuple[float, float]]:
    """Mean and population standard deviation of the last `period` values.

    In the unit of the input; the bits are those of the middle of `bollinger` and of `stddev`.
    Sweeps over the width of bands compute it once for each period. First valid bar: `period`.
    """
    moved = advance(s, bars, renew, c.period, value, leaving, values)
    return moved, (fma(moved.total, c.weight, moved.anchor), math.sqrt(variance(moved, c.weight)))
