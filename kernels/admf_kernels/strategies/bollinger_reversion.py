"""Reversion from outside the Bollinger bands."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.mean_stddev import mean_stddev
from admf_kernels.registry import strategy
from admf_kernels.strategies.held import Held
from admf_kernels.strategies.reversion import reverting


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 20
    deviations: Annotated[float, Between(0.0, 1000.0)] = 2.0


def around(p: Params) -> dict[str, object]:
    """Return middle and deviation by argument name: bands of any width share them."""
    found = mean_stddev(p.period)
    return {"middle": found.middle, "deviation": found.stddev}


@strategy(params=Params, state=Held, features=around)
def bollinger_reversion(
    c: Params, s: Held, close: float, middle: float, deviation: float
) -> tuple[Held, float]:
    """Long from a close below the lower band, short from one above the upper, to the middle.

    The bands are those of `bollinger`. On each bar: the signal is 1 if close < lower and -1 if
    close > upper. Between the bands a long signal is kept while close < middle, a short one
    while close > middle; else it is 0. First signal: bar `period`.
    """
    reach = c.deviations * deviation
    signal = reverting(s.signal, close, middle - reach, middle, middle + reach)
    return Held(signal), signal
