"""Average true range."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag
from admf_kernels.indicators.true_range import range_of_bar
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
    params=Params,
    state=State,
    prepare=prepare,
    inputs={"high": "high", "low": "low", "close": "close", "previous": lag("close", 1)},
    warmup_bars=lambda p: p.period + 1,
)
def atr(
    c: Constants, s: State, bars: int, high: float, low: float, previous: float
) -> tuple[State, float]:
    """Wilder's average of the true range, in price units.

    ``atr += (range - atr) / period``, seeded with the mean of the first `period` true
    ranges, the first of which is that of bar 2. With period 1 it is the true range.
    Source: TA-Lib ATR. First valid bar: ``period + 1``.
    """
    # The first bar has no close before it, so its range has no weight.
    weight = 0.0 if bars == 1 else c.alpha
    decay = 1.0 if bars <= c.period + 1 else c.decay
    value = fma(decay, s.value, range_of_bar(high, low, previous) * weight)
    return State(value), value
