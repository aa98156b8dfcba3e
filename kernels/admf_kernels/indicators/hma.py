"""Hull moving average."""

import math
from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.combine import combine
from admf_kernels.indicators.wma import wma
from admf_kernels.registry import composite


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 20


@composite(params=Params, inputs={"value": "close"})
def hma(p: Params, value: Any) -> Any:
    """Hull's average, in the unit of the input: smooth and with little lag.

    ``wma(root) of (2 * wma(period // 2) - wma(period))`` with root the whole part of the
    square root of `period`. Source: Alan Hull, 2005. First valid bar: ``period + root - 1``.
    """
    leading = combine(2.0, -1.0, of=(wma(p.period // 2, of=value), wma(p.period, of=value)))
    return wma(math.isqrt(p.period), of=leading)
