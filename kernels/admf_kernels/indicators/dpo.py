"""Detrended price oscillator."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.combine import combine
from admf_kernels.indicators.shift import shift
from admf_kernels.indicators.sma import sma
from admf_kernels.registry import composite


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20


@composite(params=Params, inputs={"value": "close"})
def dpo(p: Params, value: Any) -> Any:
    """Value half a period ago less today's `sma`, in the unit of the input.

    ``value[period // 2 + 1 bars ago] - sma(period)``; not shifted into the past, so nothing
    looks ahead. Source: the form of StockCharts, not centred. First valid bar: the later of
    `period` and ``period // 2 + 2``.
    """
    return combine(of=(shift(p.period // 2 + 1, of=value), sma(p.period, of=value)))
