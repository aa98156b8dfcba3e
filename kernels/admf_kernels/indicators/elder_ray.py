"""Elder ray."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.ema import ema
from admf_kernels.registry import bundle, indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 13


@indicator(
    inputs={"high": "high", "low": "low", "average": "close"},
    outputs=("bull", "bear"),
    warmup_bars=1,
)
def distances(high: float, low: float, average: float) -> tuple[float, float]:
    """High less a third input, and low less it, in their unit.

    A building block of `elder_ray`. First valid bar: 1.
    """
    return high - average, low - average


@bundle(
    params=Params,
    inputs={"high": "high", "low": "low", "close": "close"},
    outputs=("bull", "bear"),
)
def elder_ray(p: Params, high: Any, low: Any, close: Any) -> Any:
    """Power of bulls and bears: how far the bar reaches beyond its average, in price units.

    ``bull = high - ema(period)``, ``bear = low - ema(period)``, the average that of the
    close. Source: Alexander Elder, Trading for a Living. First valid bar: `period`.
    """
    return distances(of=(high, low, ema(p.period, of=close)))
