"""Vortex indicator."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between, lag
from admf_kernels.indicators.rolling_sum import rolling_sum
from admf_kernels.indicators.true_range import true_range
from admf_kernels.numeric import select
from admf_kernels.registry import bundle, indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 14


@indicator(
    inputs={"high": "high", "low": "low", "before": lag("low", 1)},
    warmup_bars=2,
)
def reach_up(high: float, before: float) -> float:
    """Distance from the low of the bar before to this high, in price units.

    ``|high - previous low|``; with high and low exchanged the reach down. A building block of
    `vortex`. First valid bar: 2.
    """
    return abs(high - before)


@indicator(
    inputs={"up": "high", "down": "low", "span": "close"},
    outputs=("plus", "minus"),
    warmup_bars=1,
)
def shares(up: float, down: float, span: float) -> tuple[float, float]:
    """First and second input divided by the third; 0 where that is 0.

    A building block of `vortex`. First valid bar: 1.
    """
    none = span == 0.0
    whole = select(none, 1.0, span)
    return select(none, 0.0, up / whole), select(none, 0.0, down / whole)


@bundle(
    params=Params,
    inputs={"high": "high", "low": "low", "close": "close"},
    outputs=("plus", "minus"),
)
def vortex(p: Params, high: Any, low: Any, close: Any) -> Any:
    """Reach from one bar's low to the next one's high, and back down, by the true range.

    ``plus = sum |high - previous low| / sum true_range``, ``minus = sum |low - previous
    high| / sum true_range``, over `period` bars, without unit; 0 where nothing moves.
    Source: Botes and Siepman, 2010. First valid bar: ``period + 1``.
    """
    up = rolling_sum(p.period, of=reach_up(of=(high, low)))
    down = rolling_sum(p.period, of=reach_up(of=(low, high)))
    return shares(of=(up, down, rolling_sum(p.period, of=true_range(of=(high, low, close)))))
