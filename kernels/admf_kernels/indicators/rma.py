"""Wilder's moving average."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.numeric import fma
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 14


class Constants(NamedTuple):
    """Prepared once."""

    period: int
    alpha: float
    decay: float


class State(NamedTuple):
    """Survives the bar."""

    value: float = 0.0


def prepare(p: Params) -> Constants:
    """Return the constants for these parameters."""
    return Constants(p.period, 1.0 / p.period, 1.0 - 1.0 / p.period)


@indicator(
    params=Params, state=State, prepare=prepare, inputs={"value": "close"}, warmup_bars="period"
)
def rma(c: Constants, s: State, bars: int, value: float) -> tuple[State, float]:
    """Wilder's (smoothed) average with weight ``1 / period``, in the unit of the input.

    ``rma += (value - rma) / period``, seeded with the mean of the first `period` values; the
    average inside RSI, ATR and ADX. Source: Wilder, New Concepts in Technical Trading
    Systems. First valid bar: `period`.
    """
    # While seeding the old value keeps its full weight, so the sum of the shares is a mean.
    average = fma(1.0 if bars <= c.period else c.decay, s.value, c.alpha * value)
    return State(average), average
