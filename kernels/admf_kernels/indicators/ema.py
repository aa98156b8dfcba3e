"""Exponential moving average."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.numeric import fma
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20


class Constants(NamedTuple):
    """Prepared once."""

    period: int
    seed: float
    alpha: float
    decay: float


class State(NamedTuple):
    """Survives the bar."""

    value: float = 0.0


def prepare(p: Params) -> Constants:
    """Return the constants for these parameters."""
    alpha = 2.0 / (p.period + 1.0)
    return Constants(p.period, 1.0 / p.period, alpha, 1.0 - alpha)


@indicator(
    params=Params, state=State, prepare=prepare, inputs={"value": "close"}, warmup_bars="period"
)
def ema(c: Constants, s: State, bars: int, value: float) -> tuple[State, float]:
    """Exponential average with weight ``2 / (period + 1)``, in the unit of the input.

    ``ema += alpha * (value - ema)``, seeded with the mean of the first `period` values.
    Source: TA-Lib EMA (classic). First valid bar: `period`.
    """
    seeding = bars <= c.period
    weight = c.seed if seeding else c.alpha
    # While seeding the old value keeps its full weight, so the sum of the shares is a mean.
    average = fma(1.0 if seeding else c.decay, s.value, weight * value)
    return State(average), average
