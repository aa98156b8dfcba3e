"""Relative strength index."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag
from admf_kernels.numeric import fma, select
from admf_kernels.registry import indicator

STILL = 1e-14  # mean moves below this, in units of the input, count as none (as in TA-Lib)


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 14


class Constants(NamedTuple):
    """Prepared once."""

    period: int
    alpha: float
    decay: float


class State(NamedTuple):
    """Survives the bar."""

    up: float = 0.0  # mean rise, in the unit of the input
    down: float = 0.0  # mean fall, positive


def prepare(p: Params) -> Constants:
    """Return the constants for these parameters."""
    return Constants(p.period, 1.0 / p.period, 1.0 - 1.0 / p.period)


def averaged(c: Constants, s: State, bars: int, value: float, previous: float) -> State:
    """Return Wilder's averages of the rises and of the falls, one bar later."""
    # The first bar has no move: its previous value is NaN and fails both comparisons.
    move = value - previous
    rise = select(move > 0.0, move, 0.0)
    fall = select(move < 0.0, -move, 0.0)
    # While seeding the old value keeps its full weight, so the sum of the shares is a mean.
    decay = 1.0 if bars <= c.period + 1 else c.decay
    return State(fma(decay, s.up, rise * c.alpha), fma(decay, s.down, fall * c.alpha))


@indicator(
    params=Params,
    state=State,
    prepare=prepare,
    inputs={"value": "close", "previous": lag("value", 1)},
    warmup_bars=lambda p: p.period + 1,
)
def rsi(c: Constants, s: State, bars: int, value: float, previous: float) -> tuple[State, float]:
    """Share of the rises in all moves, 0 to 100, by Wilder's averages.

    ``100 * up / (up + down)``; 0 where nothing moves. Each average is seeded with the mean
    of the first `period` moves, then keeps ``1 - 1 / period`` of itself. Source: TA-Lib
    RSI. First valid bar: ``period + 1``.
    """
    moved = averaged(c, s, bars, value, previous)
    moves = moved.up + moved.down
    still = moves < STILL
    return moved, select(still, 0.0, 100.0 * moved.up / select(still, 1.0, moves))
