"""One feature by another."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.numeric import select
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    scale: Annotated[float, Between(-1e6, 1e6)] = 1.0


@indicator(params=Params, inputs={"top": "close", "bottom": "open"}, warmup_bars=1)
def ratio(c: Params, top: float, bottom: float) -> float:
    """First input divided by the second, times `scale`; 0 where the second is 0.

    Without unit; in percent with a scale of 100. Source: arithmetic. First valid bar: 1.
    """
    none = bottom == 0.0
    return select(none, 0.0, c.scale * top / select(none, 1.0, bottom))
