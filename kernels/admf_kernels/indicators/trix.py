"""Change of a triple exponential average."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.ema import ema
from admf_kernels.indicators.roc import roc
from admf_kernels.registry import composite


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 15


@composite(params=Params, inputs={"value": "close"})
def trix(p: Params, value: Any) -> Any:
    """One-bar change of the `ema` of the `ema` of the `ema`, in percent.

    0 where the average before is 0. Source: TA-Lib TRIX. First valid bar:
    ``3 * period - 1``.
    """
    smooth = ema(p.period, of=ema(p.period, of=ema(p.period, of=value)))
    return roc(1, of=smooth)
