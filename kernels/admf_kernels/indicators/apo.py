"""Distance between two exponential averages, absolute and in percent."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.combine import combine
from admf_kernels.indicators.ema import ema
from admf_kernels.indicators.ratio import ratio
from admf_kernels.parameters import Rule
from admf_kernels.registry import composite


class Params(NamedTuple):
    """What the user sets."""

    fast: Annotated[int, Between(1, 100_000)] = 12
    slow: Annotated[int, Between(2, 100_000)] = 26


RULES = (Rule("fast < slow", lambda p: p.fast < p.slow),)


@composite(params=Params, inputs={"value": "close"}, rules=RULES)
def apo(p: Params, value: Any) -> Any:
    """Fast less slow `ema`, in the unit of the input: the absolute price oscillator.

    ``ema(fast) - ema(slow)``, each seeded with its own first values (`macd` seeds both on
    one bar). Source: TA-Lib APO with exponential averages. First valid bar: `slow`.
    """
    return combine(of=(ema(p.fast, of=value), ema(p.slow, of=value)))


@composite(params=Params, inputs={"value": "close"}, rules=RULES)
def ppo(p: Params, value: Any) -> Any:
    """Fast less slow `ema` in percent of the slow one: the percentage price oscillator.

    ``100 * (ema(fast) - ema(slow)) / ema(slow)``; 0 where the slow one is 0. Source: TA-Lib
    PPO with exponential averages. First valid bar: `slow`.
    """
    return ratio(100.0, of=(apo(p.fast, p.slow, of=value), ema(p.slow, of=value)))
