"""Average true range in percent."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.atr import atr
from admf_kernels.indicators.ratio import ratio
from admf_kernels.registry import composite


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 14


@composite(params=Params, inputs={"high": "high", "low": "low", "close": "close"})
def natr(p: Params, high: Any, low: Any, close: Any) -> Any:
    """Wilder's average true range in percent of the close.

    ``100 * atr / close``; 0 where the close is 0. Source: TA-Lib NATR. First valid bar:
    ``period + 1``.
    """
    return ratio(100.0, of=(atr(p.period, of=(high, low, close)), close))
