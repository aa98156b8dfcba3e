"""Running totals of volume by the direction of the price."""

from typing import NamedTuple

from admf_kernels.contract import lag
from admf_kernels.numeric import select
from admf_kernels.registry import indicator


class State(NamedTuple):
    """Survives the bar."""

    total: float = 0.0


@indicator(
    state=State,
    inputs={"value": "close", "volume": "volume", "previous": lag("value", 1)},
    warmup_bars=1,
)
def obv(s: State, bars: int, value: float, volume: float, previous: float) -> tuple[State, float]:
    """On-balance volume: volume of rising bars less that of falling ones, in volume units.

    A total from the first bar on, which starts with that bar's volume; its level depends on
    where the bars begin. Source: TA-Lib OBV. First valid bar: 1.
    """
    signed = select(value > previous, volume, select(value < previous, -volume, 0.0))
    total = s.total + (volume if bars == 1 else signed)
    return State(total), total


@indicator(
    state=State,
    inputs={"value": "close", "volume": "volume", "previous": lag("value", 1)},
    warmup_bars=2,
)
def vpt(s: State, bars: int, value: float, volume: float, previous: float) -> tuple[State, float]:
    """Volume price trend: total of volume times relative change, in volume units.

    ``vpt += volume * (value - previous) / previous``, from 0 on the first bar on; nothing is
    added where the previous value is 0. Source: TradingView ta.pvt. First valid bar: 2.
    """
    none = bars == 1 or previous == 0.0
    total = s.total + select(none, 0.0, volume * (value / select(none, 1.0, previous) - 1.0))
    return State(total), total
