"""Kaufman's adaptive moving average."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between, lag
from admf_kernels.indicators.efficiency_ratio import efficiency_ratio
from admf_kernels.numeric import select
from admf_kernels.parameters import Rule
from admf_kernels.registry import composite, indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 10
    fast: Annotated[int, Between(1, 100_000)] = 2
    slow: Annotated[int, Between(1, 100_000)] = 30


class Speeds(NamedTuple):
    """The periods of the fastest and the slowest average."""

    fast: Annotated[int, Between(1, 100_000)] = 2
    slow: Annotated[int, Between(1, 100_000)] = 30


class Constants(NamedTuple):
    """Prepared once."""

    slowest: float  # weight
    spread: float  # of the weights


class State(NamedTuple):
    """Survives the bar."""

    value: float = 0.0


def prepare(p: Speeds) -> Constants:
    """Return the constants for these parameters."""
    slowest = 2.0 / (p.slow + 1.0)
    return Constants(slowest, 2.0 / (p.fast + 1.0) - slowest)


@indicator(
    params=Speeds,
    state=State,
    prepare=prepare,
    inputs={"value": "close", "efficiency": "open", "previous": lag("value", 1)},
    warmup_bars=1,
    rules=(Rule("fast <= slow", lambda p: p.fast <= p.slow),),
)
def adaptive_average(
    c: Constants, s: State, bars: int, value: float, efficiency: float, previous: float
) -> tuple[State, float]:
    """Average whose weight follows a second input from 0 (`slow`) to 1 (`fast`).

    ``value * w + average * (1 - w)`` with w the square of the weight between the two, in the
    unit of the first input; seeded with the value before the first bar, or else of it. A
    building block of `kama`. First valid bar: 1.
    """
    known = previous == previous
    start = select(known, previous, value) if bars == 1 else s.value
    share = select(efficiency < 1.0, efficiency, 1.0)
    weight = select(share > 0.0, share, 0.0) * c.spread + c.slowest
    average = start + weight * weight * (value - start)
    return State(average), average


@composite(
    params=Params,
    inputs={"value": "close"},
    rules=(Rule("fast <= slow", lambda p: p.fast <= p.slow),),
)
def kama(p: Params, value: Any) -> Any:
    """Kaufman's adaptive average, in the unit of the input: fast in a trend, else slow.

    ``kama += w * w * (value - kama)`` with ``w = er * (2 / (fast + 1) - 2 / (slow + 1)) + 2 /
    (slow + 1)`` and er the `efficiency_ratio`, seeded with the value before the first valid
    bar. Source: TA-Lib KAMA (2 and 30). First valid bar: ``period + 1``.
    """
    return adaptive_average(p.fast, p.slow, of=(value, efficiency_ratio(p.period, of=value)))
