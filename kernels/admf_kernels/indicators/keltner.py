"""Keltner channel."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.atr import atr
from admf_kernels.indicators.ema import ema
from admf_kernels.registry import bundle, indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20
    multiplier: Annotated[float, Between(0.0, 1000.0)] = 2.0
    atr_period: Annotated[int, Between(1, 100_000)] = 10


class Width(NamedTuple):
    """How many reaches the bands are away."""

    multiplier: Annotated[float, Between(0.0, 1000.0)] = 2.0


@indicator(
    params=Width,
    inputs={"value": "close", "reach": "open"},
    outputs=("upper", "middle", "lower"),
    warmup_bars=1,
)
def bands(c: Width, value: float, reach: float) -> tuple[float, float, float]:
    """First input as a middle line, and bands `multiplier` times the second around it.

    ``middle -/+ multiplier * reach``, in the unit of the inputs. A building block of
    `keltner`. First valid bar: 1.
    """
    away = c.multiplier * reach
    return value + away, value, value - away


@bundle(
    params=Params,
    inputs={"high": "high", "low": "low", "close": "close"},
    outputs=("upper", "middle", "lower"),
)
def keltner(p: Params, high: Any, low: Any, close: Any) -> Any:
    """Exponential average of the close, and bands of average true ranges around it.

    ``ema(period) -/+ multiplier * atr(atr_period)``, in price units. Source: the form of
    StockCharts and TradingView (Linda Raschke). First valid bar: the later of `period` and
    ``atr_period + 1``.
    """
    return bands(
        p.multiplier, of=(ema(p.period, of=close), atr(p.atr_period, of=(high, low, close)))
    )
