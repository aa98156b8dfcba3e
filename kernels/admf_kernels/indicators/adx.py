"""Average directional index."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag
from admf_kernels.indicators.true_range import range_of_bar
from admf_kernels.numeric import fma, select
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 14


class Constants(NamedTuple):
    """Prepared once."""

    period: int
    weight: float
    decay: float


class State(NamedTuple):
    """Survives the bar; the first three are Wilder's sums, in price units."""

    up: float = 0.0
    down: float = 0.0
    span: float = 0.0
    strength: float = 0.0  # average of the directional index


def prepare(p: Params) -> Constants:
    """Return the constants for these parameters."""
    return Constants(p.period, 1.0 / p.period, 1.0 - 1.0 / p.period)


@indicator(
    params=Params,
    state=State,
    prepare=prepare,
    inputs={
        "high": "high",
        "low": "low",
        "close": "close",
        "high_before": lag("high", 1),
        "low_before": lag("low", 1),
        "previous": lag("close", 1),
    },
    outputs=("adx", "plus_di", "minus_di"),
    warmup_bars=lambda p: 2 * p.period,
)
def adx(
    c: Constants,
    s: State,
    bars: int,
    high: float,
    low: float,
    high_before: float,
    low_before: float,
    previous: float,
) -> tuple[State, tuple[float, float, float]]:
    """Strength of a trend, 0 to 100, and how much of the range went up and down.

    ``plus_di = 100 * up / span`` with Wilder's sums, ``sum += new - sum / period``, of the
    moves beyond the last high and of true ranges; ``minus_di`` likewise below the last low.
    ``adx`` is Wilder's average of ``100 * |plus_di - minus_di| / (plus_di + minus_di)``,
    seeded with the mean of its first `period` values; it keeps its value on a bar without
    any direction. The DIs are 0 where nothing moves. Source: TA-Lib ADX, PLUS_DI, MINUS_DI
    (which gives the DIs earlier). First valid bar, of all three: ``2 * period``.
    """
    if bars == 1:
        return s, (0.0, 0.0, 0.0)
    rise = high - high_before
    fall = low_before - low
    up = select(rise > fall, select(rise > 0.0, rise, 0.0), 0.0)
    down = select(fall > rise, select(fall > 0.0, fall, 0.0), 0.0)
    # The first sums are of bars 2 to `period`, one short of a window, as Wilder's are.
    decay = 1.0 if bars <= c.period else c.decay
    up = fma(decay, s.up, up)
    down = fma(decay, s.down, down)
    span = fma(decay, s.span, range_of_bar(high, low, previous))
    moves = up + down
    still = moves == 0.0 or span == 0.0
    index = 100.0 * abs(up - down) / select(still, 1.0, moves)
    seeding = bars <= 2 * c.period
    weight = 0.0 if bars <= c.period else c.weight
    strength = fma(1.0 if seeding else c.decay, s.strength, index * weight)
    strength = select(still, s.strength, strength)
    scale = select(span == 0.0, 0.0, 100.0 / select(span == 0.0, 1.0, span))
    return State(up, down, span, strength), (strength, up * scale, down * scale)
