"""A strategy that makes its orders itself: a limit below the market, with stop and target."""

from typing import Annotated, NamedTuple

from admf_kernels import Between, strategy
from admf_kernels.indicators import atr, sma
from admf_kernels.orders import DAY, Request, cancel, keep, limit, market


class Params(NamedTuple):
    trend: Annotated[int, Between(2, 500)] = 100
    period: Annotated[int, Between(2, 100)] = 14
    dip: Annotated[float, Between(0.1, 10.0)] = 0.5  # ATRs below the close
    stop: Annotated[float, Between(0.1, 10.0)] = 2.0  # ATRs below the limit
    target: Annotated[float, Between(0.1, 10.0)] = 3.0  # ATRs above it
    units: Annotated[float, Between(1.0, 1e6)] = 500.0


@strategy(
    params=Params,
    orders=1,
    features=lambda p: {"average": sma(p.trend), "range": atr(p.period)},
)
def buy_dips(
    c: Params, close: float, average: float, range: float, position: float
) -> tuple[Request]:
    """Bid below the close while the price is above its average; leave when it falls below.

    Stop and target go with the order: they are placed when it fills, and the one that fills
    cancels the other.
    """
    if position > 0.0:
        return (market(-position, reduce_only=True),) if close < average else (keep(),)
    if close <= average:
        return (cancel(),)
    price = close - c.dip * range
    return (limit(c.units, price, price - c.stop * range, price + c.target * range, tif=DAY),)
