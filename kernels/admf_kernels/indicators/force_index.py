"""Force index."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between, lag
from admf_kernels.indicators.ema import ema
from admf_kernels.registry import composite, indicator

INPUTS = {"value": "close", "volume": "volume"}


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 13


@indicator(inputs={**INPUTS, "previous": lag("value", 1)}, warmup_bars=2)
def force(value: float, volume: float, previous: float) -> float:
    """Change since the last bar times volume, in money.

    A building block of `force_index`. First valid bar: 2.
    """
    return volume * (value - previous)


@composite(params=Params, inputs=INPUTS)
def force_index(p: Params, value: Any, volume: Any) -> Any:
    """Elder's force index: smoothed change times volume, in money.

    ``ema(period) of volume * (value - previous value)``; with a period of 1 the raw force.
    Source: Alexander Elder, Trading for a Living. First valid bar: ``period + 1``.
    """
    return ema(p.period, of=force(of=(value, volume)))
