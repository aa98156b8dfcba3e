"""Kaufman's efficiency ratio."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, lag, window
from admf_kernels.indicators.sums import RENEW_WINDOWS, is_lost, larger
from admf_kernels.numeric import Window, at, select
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 10


class State(NamedTuple):
    """Survives the bar."""

    path: float = 0.0  # sum of the last `period` absolute moves
    largest: float = 0.0  # of `path` since it was last taken afresh


def window_path(values: Window, period: int) -> float:
    """Return the sum of the last `period` absolute moves, oldest first."""
    path = 0.0
    for back in range(period - 1, -1, -1):
        path += abs(at(values, back) - at(values, back + 1))
    return path


@indicator(
    params=Params,
    state=State,
    inputs={
        "value": "close",
        "previous": lag("value", 1),
        "past": lag("value", "period"),
        "before_past": lag("value", lambda p: p.period + 1),
        "values": window("value", lambda p: p.period + 1),
    },
    warmup_bars=lambda p: p.period + 1,
    renew_bars=lambda p: RENEW_WINDOWS * p.period,
)
def efficiency_ratio(
    c: Params,
    s: State,
    bars: int,
    renew: bool,
    value: float,
    previous: float,
    past: float,
    before_past: float,
    values: Window,
) -> tuple[State, float]:
    """Way made good by way gone over `period` bars, 0 to 1.

    ``|value - past| / sum of |moves|``; 1 where nothing moves. Source: Kaufman, Smarter
    Trading; the ratio inside TA-Lib KAMA. First valid bar: ``period + 1``.
    """
    move = abs(value - previous) if bars > 1 else 0.0
    gone = abs(past - before_past) if bars > c.period + 1 else 0.0
    path = s.path + (move - gone)
    largest = larger(s.largest, path)
    if renew or is_lost(path, largest):
        path = window_path(values, c.period)
        largest = path
    way = abs(value - past)
    straight = not path > way  # rounding must not make it longer than the path
    return State(path, largest), select(straight, 1.0, way / select(straight, 1.0, path))
