"""Crossing of two simple moving averages."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, Rule
from admf_kernels.indicators.sma import sma
from admf_kernels.registry import strategy


class Params(NamedTuple):
    """What the user sets."""

    fast: Annotated[int, Between(1, 100_000)] = 10
    slow: Annotated[int, Between(2, 100_000)] = 30


@strategy(
    params=Params,
    features=lambda p: {"fast": sma(p.fast), "slow": sma(p.slow)},
    rules=(Rule("fast < slow", lambda p: p.fast < p.slow),),
)
def sma_cross(fast: float, slow: float) -> float:
    """Long while the fast average is above the slow one, short while it is below.

    The signal is 1 if fast > slow, -1 if fast < slow and 0 where they are equal. First
    signal: bar `slow`.
    """
    return 1.0 if fast > slow else (-1.0 if fast < slow else 0.0)
