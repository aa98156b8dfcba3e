"""Heikin-Ashi bars."""

from typing import NamedTuple

from admf_kernels.numeric import select
from admf_kernels.registry import indicator


class State(NamedTuple):
    """The last bar made."""

    open: float = 0.0
    close: float = 0.0


@indicator(
    state=State,
    inputs={"open": "open", "high": "high", "low": "low", "close": "close"},
    outputs=("open", "high", "low", "close"),
    warmup_bars=1,
)
def heikin_ashi(
    s: State, bars: int, open: float, high: float, low: float, close: float
) -> tuple[State, tuple[float, float, float, float]]:
    """Averaged bars: open, high, low and close of a smoother chart, in price units.

    ``close = (o + h + l + c) / 4``; ``open`` is the middle of the averaged bar before, on the
    first bar ``(o + c) / 2``; ``high`` and ``low`` reach over the bar's own and both of
    these. Source: Dan Valcu, Using the Heikin-Ashi Technique. First valid bar: 1.
    """
    mean = (open + high + low + close) / 4.0
    start = 0.5 * open + 0.5 * close if bars == 1 else 0.5 * s.open + 0.5 * s.close
    top = select(start > mean, start, mean)
    bottom = select(start < mean, start, mean)
    outer_high = select(top > high, top, high)
    outer_low = select(bottom < low, bottom, low)
    return State(start, mean), (start, outer_high, outer_low, mean)
