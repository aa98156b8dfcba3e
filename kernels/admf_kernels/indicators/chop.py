"""Choppiness index."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.rolling_max import rolling_max
from admf_kernels.indicators.rolling_min import rolling_min
from admf_kernels.indicators.rolling_sum import rolling_sum
from admf_kernels.indicators.true_range import true_range
from admf_kernels.numeric import log, select
from admf_kernels.registry import composite, indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 14


class Constants(NamedTuple):
    """Prepared once."""

    scale: float


def prepare(p: Params) -> Constants:
    """Return the constants for these parameters."""
    return Constants(100.0 / log(float(p.period)))


@indicator(
    params=Params,
    prepare=prepare,
    inputs={"way": "volume", "top": "high", "bottom": "low"},
    warmup_bars=1,
)
def choppiness(c: Constants, way: float, top: float, bottom: float) -> float:
    """Logarithm to base `period` of a way by the span between two edges, times 100.

    100 where either is 0. A building block of `chop`. First valid bar: 1.
    """
    span = top - bottom
    moved = span > 0.0 and way > 0.0
    return select(moved, c.scale * log(select(moved, way, 1.0) / select(moved, span, 1.0)), 100.0)


@composite(params=Params, inputs={"high": "high", "low": "low", "close": "close"})
def chop(p: Params, high: Any, low: Any, close: Any) -> Any:
    """Choppiness index: 0 for a straight way through the range, 100 for a winding one.

    ``100 * log(sum of true ranges / (highest high - lowest low)) / log(period)`` over
    `period` bars; 100 where nothing moves. A gap at the first bar of the window can take it
    above 100. Source: E. W. Dreiss; TradingView. First valid bar: ``period + 1``.
    """
    way = rolling_sum(p.period, of=true_range(of=(high, low, close)))
    return choppiness(
        p.period, of=(way, rolling_max(p.period, of=high), rolling_min(p.period, of=low))
    )
