"""Reversion from outside the Bollinger bands."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.bollinger import bollinger
from admf_kernels.registry import strategy
from admf_kernels.strategies.held import Held
from admf_kernels.strategies.reversion import reverting


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 20
    deviations: Annotated[float, Between(0.0, 1000.0)] = 2.0


def bands(p: Params) -> dict[str, object]:
    """Return the three bands by argument name."""
    found = bollinger(p.period, p.deviations)
    return {"upper": found.upper, "middle": found.middle, "lower": found.lower}


@strategy(params=Params, state=Held, features=bands)
def bollinger_reversion(
    s: Held, close: float, upper: float, middle: float, lower: float
) -> tuple[Held, float]:
    """Long from a close below the lower band, short from one above the upper, to the middle.

    On each bar: the signal is 1 if close < lower and -1 if close > upper. Between the
    bands a long signal is kept while close < middle, a short one while close > middle;
    else it is 0. First signal: bar `period`.
    """
    signal = reverting(s.signal, close, lower, middle, upper)
    return Held(signal), signal
