"""Averages weighted by volume."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between, lag, window
from admf_kernels.indicators.sums import RENEW_WINDOWS, is_lost, larger
from admf_kernels.indicators.typical_price import typical_price
from admf_kernels.numeric import Window, at, select
from admf_kernels.registry import composite, indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20


class State(NamedTuple):
    """Sums over the window; distances are from the anchor, so the level does not enter."""

    anchor: float = 0.0
    volume: float = 0.0
    flow: float = 0.0  # of volume times distance
    size: float = 0.0  # of volume times absolute distance
    volume_largest: float = 0.0  # since all were last taken afresh
    size_largest: float = 0.0


def window_state(values: Window, volumes: Window, bars: int) -> State:
    """Return the sums over the last `bars` bars, oldest first, about the newest value."""
    anchor = at(values, 0)
    total = 0.0
    flow = 0.0
    size = 0.0
    for back in range(bars - 1, -1, -1):
        volume = at(volumes, back)
        distance = at(values, back) - anchor
        total += volume
        flow += volume * distance
        size += volume * abs(distance)
    return State(anchor, total, flow, size, total, size)


def advance(s: State, value: float, volume: float, leaving: float, volume_leaving: float) -> State:
    """Return the sums one bar later."""
    new = volume * (value - s.anchor)
    old = volume_leaving * (leaving - s.anchor)
    total = s.volume + (volume - volume_leaving)
    size = s.size + (abs(new) - abs(old))
    return State(
        s.anchor,
        total,
        s.flow + (new - old),
        size,
        larger(s.volume_largest, total),
        larger(s.size_largest, size),
    )


@indicator(
    params=Params,
    state=State,
    inputs={
        "value": "close",
        "volume": "volume",
        "leaving": lag("value", "period"),
        "volume_leaving": lag("volume", "period"),
        "values": window("value", "period"),
        "volumes": window("volume", "period"),
    },
    warmup_bars="period",
    renew_bars=lambda p: RENEW_WINDOWS * p.period,
)
def vwma(
    c: Params,
    s: State,
    bars: int,
    renew: bool,
    value: float,
    volume: float,
    leaving: float,
    volume_leaving: float,
    values: Window,
    volumes: Window,
) -> tuple[State, float]:
    """Mean of the last `period` values, weighted by volume, in the unit of the first input.

    ``sum(value * volume) / sum(volume)``; the newest value where nothing was traded. Running
    sums, see `sums` for how digits are kept. Source: TradingView ta.vwma. First valid bar:
    `period`.
    """
    moved = s
    if bars > c.period:
        moved = advance(s, value, volume, leaving, volume_leaving)
    lost = is_lost(moved.volume, moved.volume_largest) or is_lost(moved.size, moved.size_largest)
    # Up to bar `period` nothing is slid: the first sums are those of the first window.
    if renew or lost or bars <= c.period:
        moved = window_state(values, volumes, c.period if bars >= c.period else 0)
    none = moved.volume == 0.0
    mean = moved.anchor + moved.flow / select(none, 1.0, moved.volume)
    return moved, select(none, value, mean)


@composite(
    params=Params,
    inputs={"high": "high", "low": "low", "close": "close", "volume": "volume"},
)
def vwap(p: Params, high: Any, low: Any, close: Any, volume: Any) -> Any:
    """Volume-weighted average price of the last `period` bars, in price units.

    `vwma` of the typical price, over a window that moves with the bars and knows no session;
    the newest typical price where nothing was traded. Source: the usual VWAP, rolling.
    First valid bar: `period`.
    """
    return vwma(p.period, of=(typical_price(of=(high, low, close)), volume))
