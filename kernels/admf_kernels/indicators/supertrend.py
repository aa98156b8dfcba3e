"""Supertrend."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between, lag
from admf_kernels.indicators.atr import atr
from admf_kernels.registry import bundle, indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 10
    multiplier: Annotated[float, Between(0.0, 1000.0)] = 3.0


class Width(NamedTuple):
    """How many reaches the bands are away."""

    multiplier: Annotated[float, Between(0.0, 1000.0)] = 3.0


class State(NamedTuple):
    """Survives the bar."""

    upper: float = 0.0
    lower: float = 0.0
    is_rise: bool = False


@indicator(
    params=Width,
    state=State,
    inputs={
        "high": "high",
        "low": "low",
        "close": "close",
        "reach": "open",
        "previous": lag("close", 1),
    },
    outputs=("value", "direction"),
    warmup_bars=1,
)
def trailing_bands(
    c: Width,
    s: State,
    bars: int,
    high: float,
    low: float,
    close: float,
    reach: float,
    previous: float,
) -> tuple[State, tuple[float, float]]:
    """Bands `multiplier` times a reach around the bar's middle that only move closer.

    A building block of `supertrend`. First valid bar: 1.
    """
    middle = 0.5 * high + 0.5 * low
    upper = middle + c.multiplier * reach
    lower = middle - c.multiplier * reach
    is_rise = False
    if bars > 1:
        # A band may move away only after a close beyond it.
        upper = upper if upper < s.upper or previous > s.upper else s.upper
        lower = lower if lower > s.lower or previous < s.lower else s.lower
        is_rise = close >= lower if s.is_rise else close > upper
    value = lower if is_rise else upper
    return State(upper, lower, is_rise), (value, 1.0 if is_rise else -1.0)


@bundle(
    params=Params,
    inputs={"high": "high", "low": "low", "close": "close"},
    outputs=("value", "direction"),
)
def supertrend(p: Params, high: Any, low: Any, close: Any) -> Any:
    """A stop that follows the trend at some average true ranges: its price, its direction.

    Bands ``(high + low) / 2 -/+ multiplier * atr(period)`` that only move closer until a
    close beyond one turns the trend; the value is the lower band in a rise (direction 1),
    the upper in a fall (-1). The first bar counts as a fall. Source: TradingView
    ta.supertrend, its direction with the sign turned. First valid bar: ``period + 1``.
    """
    reach = atr(p.period, of=(high, low, close))
    return trailing_bands(p.multiplier, of=(high, low, close, reach))
