"""Awesome oscillator."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.combine import combine
from admf_kernels.indicators.sma import sma
from admf_kernels.parameters import Rule
from admf_kernels.registry import composite


class Params(NamedTuple):
    """What the user sets."""

    fast: Annotated[int, Between(1, 100_000)] = 5
    slow: Annotated[int, Between(2, 100_000)] = 34


@composite(
    params=Params,
    inputs={"high": "high", "low": "low"},
    rules=(Rule("fast < slow", lambda p: p.fast < p.slow),),
)
def awesome_oscillator(p: Params, high: Any, low: Any) -> Any:
    """Fast less slow simple average of the middle of the bar, in price units.

    ``sma(fast) - sma(slow) of (high + low) / 2``. Source: Bill Williams. First valid bar:
    `slow`.
    """
    middle = combine(0.5, 0.5, of=(high, low))
    return combine(of=(sma(p.fast, of=middle), sma(p.slow, of=middle)))
