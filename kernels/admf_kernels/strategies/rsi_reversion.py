"""Reversion from an extreme of the relative strength index."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, Rule
from admf_kernels.indicators.rsi import rsi
from admf_kernels.registry import strategy
from admf_kernels.strategies.held import Held
from admf_kernels.strategies.reversion import reverting


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 14
    low: Annotated[float, Between(0.0, 100.0)] = 30.0
    middle: Annotated[float, Between(0.0, 100.0)] = 50.0
    high: Annotated[float, Between(0.0, 100.0)] = 70.0


@strategy(
    params=Params,
    state=Held,
    features=lambda p: {"strength": rsi(p.period)},
    rules=(Rule("low < middle < high", lambda p: p.low < p.middle < p.high),),
)
def rsi_reversion(c: Params, s: Held, strength: float) -> tuple[Held, float]:
    """Long from an RSI below `low`, short from one above `high`, flat from `middle` on.

    On each bar: the signal is 1 if RSI < low and -1 if RSI > high. Between the two a long
    signal is kept while RSI < middle, a short one while RSI > middle; else it is 0. First
    signal: bar ``period + 1``.
    """
    signal = reverting(s.signal, strength, c.low, c.middle, c.high)
    return Held(signal), signal
