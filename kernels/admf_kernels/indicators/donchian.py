"""Donchian channel."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.rolling_max import rolling_max
from admf_kernels.indicators.rolling_min import rolling_min
from admf_kernels.registry import bundle, indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20


@indicator(
    inputs={"top": "high", "bottom": "low"},
    outputs=("upper", "middle", "lower"),
    warmup_bars=1,
)
def channel(top: float, bottom: float) -> tuple[float, float, float]:
    """Two inputs as the edges of a channel, and the middle between them.

    ``middle = (upper + lower) / 2``, in the unit of the inputs. A building block of
    `donchian`. First valid bar: 1.
    """
    return top, 0.5 * top + 0.5 * bottom, bottom


@bundle(params=Params, inputs={"high": "high", "low": "low"}, outputs=("upper", "middle", "lower"))
def donchian(p: Params, high: Any, low: Any) -> Any:
    """Highest high and lowest low of the last `period` bars, and the middle, in price units.

    This bar included: compare the close with ``shift(1, of=donchian(20).upper)``, since it
    is never above the channel of its own bar. Exact. Source: TA-Lib MAX and MIN. First valid
    bar: `period`.
    """
    return channel(of=(rolling_max(p.period, of=high), rolling_min(p.period, of=low)))
