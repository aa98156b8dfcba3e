"""Volume against its own past."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.ratio import ratio
from admf_kernels.indicators.roc import roc
from admf_kernels.indicators.sma import sma
from admf_kernels.registry import composite


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20


@composite(params=Params, inputs={"volume": "volume"})
def volume_ratio(p: Params, volume: Any) -> Any:
    """Volume as a multiple of the mean of the last `period` volumes, this bar included.

    ``volume / sma(period)``, without unit; 0 where the mean is 0. Source: relative volume as
    in most charts. First valid bar: `period`.
    """
    return ratio(of=(volume, sma(p.period, of=volume)))


@composite(params=Params, inputs={"volume": "volume"})
def vroc(p: Params, volume: Any) -> Any:
    """Change of the volume over `period` bars, in percent.

    `roc` of volume: ``100 * (volume / past - 1)``; 0 where the past volume is 0. Source:
    TA-Lib ROC of volume. First valid bar: ``period + 1``.
    """
    return roc(p.period, of=volume)
