"""Commodity channel index."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between, window
from admf_kernels.indicators.typical_price import typical_price
from admf_kernels.numeric import Window, at, select
from admf_kernels.registry import composite, indicator

LAMBERT = 0.015  # of a mean deviation is one point


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(2, 100_000)] = 20


class Scoring(NamedTuple):
    """A window, and how many deviations count as one."""

    period: Annotated[int, Between(2, 100_000)] = 20
    unit: Annotated[float, Between(1e-6, 1e6)] = 1.0


@indicator(
    params=Scoring,
    inputs={"value": "close", "values": window("value", "period")},
    warmup_bars="period",
)
def deviation_score(c: Scoring, bars: int, value: float, values: Window) -> float:
    """Distance from the mean of the last `period` values, in mean absolute deviations.

    ``(value - mean) / (unit * mean of |values - mean|)``; 0 where all values are equal.
    Takes time in proportion to `period`: every bar has another mean. A building block of
    `cci`. First valid bar: `period`.
    """
    if bars < c.period:
        return 0.0
    total = 0.0  # of distances from the newest value, so that the level does not enter
    for back in range(c.period - 1, 0, -1):
        total += at(values, back) - value
    mean = total / c.period
    away = 0.0
    for back in range(c.period - 1, -1, -1):
        away += abs(at(values, back) - value - mean)
    flat = away == 0.0
    return select(flat, 0.0, -mean * c.period / select(flat, 1.0, c.unit * away))


@composite(params=Params, inputs={"high": "high", "low": "low", "close": "close"})
def cci(p: Params, high: Any, low: Any, close: Any) -> Any:
    """Commodity channel index: the typical price against its mean, mostly -100 to 100.

    ``(typical - mean) / (0.015 * mean of |typical - mean|)`` over `period` bars, without
    unit; 0 where the typical price does not move. Source: TA-Lib CCI (Lambert). First valid
    bar: `period`.
    """
    return deviation_score(p.period, LAMBERT, of=typical_price(of=(high, low, close)))
