"""Aroon."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between
from admf_kernels.indicators.bars_since import bars_since_highest, bars_since_lowest
from admf_kernels.registry import bundle, indicator

LINES = ("up", "down", "oscillator")


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 99_999)] = 25


@indicator(
    params=Params,
    inputs={"since_high": "high", "since_low": "low"},
    outputs=LINES,
    warmup_bars=1,
)
def aroon_lines(c: Params, since_high: float, since_low: float) -> tuple[float, float, float]:
    """Bars since the high and since the low as percent of `period` left; their difference.

    A building block of `aroon`. First valid bar: 1.
    """
    up = 100.0 * (c.period - since_high) / c.period
    down = 100.0 * (c.period - since_low) / c.period
    return up, down, up - down


@bundle(params=Params, inputs={"high": "high", "low": "low"}, outputs=LINES)
def aroon(p: Params, high: Any, low: Any) -> Any:
    """How recent the highest high and the lowest low are, 0 to 100, and up less down.

    ``up = 100 * (period - bars since the highest high of period + 1 bars) / period``; the
    newest of equal highs counts. Source: TA-Lib AROON and AROONOSC. First valid bar:
    ``period + 1``.
    """
    since_high = bars_since_highest(p.period + 1, of=high)
    return aroon_lines(p.period, of=(since_high, bars_since_lowest(p.period + 1, of=low)))
