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
    """Sums over the window."""

    volume: float = 0.0
    flow: float = 0.0  # of value times volume
    size: float = 0.0  # of its absolute values
    volume_largest: float = 0.0  # since all were last taken afresh
    size_largest: float = 0.0


def mean_of(s: State, value: float) -> float:
    """Return the weighted mean; `value` where the weights are 0."""
    none = s.volume == 0.0
    return select(none, value, s.flow / select(none, 1.0, s.volume))


def renewed(values: Window, volumes: Window, period: int) -> tuple[State, float]:
    """Return state and value taken afresh from the last `period` bars, oldest first."""
    total = 0.0
    flow = 0.0
    size = 0.0
    for back in range(period - 1, -1, -1):
        volume = at(volumes, back)
        part = at(values, back) * volume
        total += volume
        flow += part
        size += abs(part)
    s = State(total, flow, size, total, size)
    return s, mean_of(s, at(values, 0))


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
    full = bars > c.period
    volume_gone = volume_leaving if full else 0.0
    part = value * volume
    gone = leaving * volume_leaving if full else 0.0
    total = s.volume + (volume - volume_gone)
    size = s.size + (abs(part) - abs(gone))
    moved = State(
        total,
        s.flow + (part - gone),
        size,
        larger(s.volume_largest, total),
        larger(s.size_largest, size),
    )
    if renew or is_lost(total, moved.volume_largest) or is_lost(size, moved.size_largest):
        return renewed(values, volumes, c.period)
    return moved, mean_of(moved, value)


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
