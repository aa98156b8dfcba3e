"""A strategy of your own: long while the smoothed RSI is above its middle."""

from typing import Annotated, NamedTuple

from admf_kernels import Between, strategy
from admf_kernels.indicators import rsi, sma


class Params(NamedTuple):
    period: Annotated[int, Between(2, 200)] = 14
    smooth: Annotated[int, Between(1, 200)] = 5
    middle: Annotated[float, Between(0.0, 100.0)] = 50.0


@strategy(params=Params, features=lambda p: {"strength": sma(p.smooth, of=rsi(p.period))})
def smooth_rsi(c: Params, strength: float) -> float:
    """Long while the average of the last `smooth` values of the RSI is above `middle`."""
    return 1.0 if strength > c.middle else 0.0
