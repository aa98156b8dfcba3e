"""Rank of a value among those before it."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, window
from admf_kernels.numeric import Window, at
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 100
    scale: Annotated[float, Between(1e-6, 1e6)] = 100.0


@indicator(
    params=Params,
    inputs={"value": "close", "values": window("value", lambda p: p.period + 1)},
    warmup_bars=lambda p: p.period + 1,
)
def percent_rank(c: Params, bars: int, value: float, values: Window) -> float:
    """Share of the `period` values before this one that are not above it, 0 to `scale`.

    ``scale * count / period``, in percent with the default scale of 100. Exact. Takes time
    in proportion to `period`. Source: TradingView ta.percentrank. First valid bar:
    ``period + 1``.
    """
    if bars <= c.period:
        return 0.0
    count = 0
    for back in range(1, c.period + 1):
        count += 1 if at(values, back) <= value else 0
    return c.scale * count / c.period
