"""Accumulation and distribution: volume by where the close is within its bar."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.ratio import ratio
from admf_kernels.indicators.rolling_sum import rolling_sum
from admf_kernels.numeric import select
from admf_kernels.registry import composite, indicator

BAR = {"high": "high", "low": "low", "close": "close", "volume": "volume"}


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20


class State(NamedTuple):
    """Survives the bar."""

    total: float = 0.0


def flow_of_bar(high: float, low: float, close: float, volume: float) -> float:
    """Return the volume times where the close is, from -1 at the low to 1 at the high."""
    span = high - low
    flat = not span > 0.0
    place = ((close - low) - (high - close)) / select(flat, 1.0, span)
    return select(flat, 0.0, place * volume)


@indicator(inputs=BAR, warmup_bars=1)
def money_flow_volume(high: float, low: float, close: float, volume: float) -> float:
    """Volume times where the close is within the bar, -1 to 1, in volume units.

    ``volume * ((close - low) - (high - close)) / (high - low)``; 0 for a bar without range.
    Source: the term of TA-Lib AD (Chaikin). First valid bar: 1.
    """
    return flow_of_bar(high, low, close, volume)


@indicator(state=State, inputs=BAR, warmup_bars=1)
def ad(s: State, high: float, low: float, close: float, volume: float) -> tuple[State, float]:
    """Accumulation/distribution line: total of `money_flow_volume`, in volume units.

    A total from the first bar on; its level depends on where the bars begin. Source: TA-Lib
    AD (Chaikin). First valid bar: 1.
    """
    total = s.total + flow_of_bar(high, low, close, volume)
    return State(total), total


@composite(params=Params, inputs=BAR)
def cmf(p: Params, high: Any, low: Any, close: Any, volume: Any) -> Any:
    """Chaikin's money flow: share of the volume that went up less down, -1 to 1.

    Sum of `money_flow_volume` over sum of volume, both over `period` bars; 0 without
    volume. Source: StockCharts. First valid bar: `period`.
    """
    flow = money_flow_volume(of=(high, low, close, volume))
    return ratio(of=(rolling_sum(p.period, of=flow), rolling_sum(p.period, of=volume)))
