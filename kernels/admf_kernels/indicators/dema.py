"""Double and triple exponential moving averages."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.combine import combine
from admf_kernels.indicators.ema import ema
from admf_kernels.registry import composite


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20


@composite(params=Params, inputs={"value": "close"})
def dema(p: Params, value: Any) -> Any:
    """Double exponential average, in the unit of the input: less lag than `ema`.

    ``2 * e1 - e2``, with e1 the `ema` of the input and e2 that of e1, each seeded with the
    mean of its first `period` values. Source: TA-Lib DEMA. First valid bar:
    ``2 * period - 1``.
    """
    first = ema(p.period, of=value)
    return combine(2.0, -1.0, of=(first, ema(p.period, of=first)))


@composite(params=Params, inputs={"value": "close"})
def tema(p: Params, value: Any) -> Any:
    """Triple exponential average, in the unit of the input: less lag than `dema`.

    ``3 * e1 - 3 * e2 + e3``, each the `ema` of the one before, e1 that of the input. Source:
    TA-Lib TEMA. First valid bar: ``3 * period - 2``.
    """
    first = ema(p.period, of=value)
    second = ema(p.period, of=first)
    return combine(3.0, 1.0, of=(combine(of=(first, second)), ema(p.period, of=second)))
