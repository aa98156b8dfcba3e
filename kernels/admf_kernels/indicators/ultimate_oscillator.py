"""Ultimate oscillator."""

from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between, lag
from admf_kernels.indicators.rolling_sum import rolling_sum
from admf_kernels.indicators.true_range import true_range
from admf_kernels.numeric import select
from admf_kernels.registry import composite, indicator


class Params(NamedTuple):
    """What the user sets."""

    fast: Annotated[int, Between(1, 100_000)] = 7
    middle: Annotated[int, Between(1, 100_000)] = 14
    slow: Annotated[int, Between(1, 100_000)] = 28


@indicator(inputs={"low": "low", "close": "close", "previous": lag("close", 1)}, warmup_bars=2)
def buying_pressure(low: float, close: float, previous: float) -> float:
    """Distance of the close from the lower of the low and the close before, in price units.

    Source: the term of TA-Lib ULTOSC (Larry Williams). First valid bar: 2.
    """
    return close - select(previous < low, previous, low)


def share_of(part: float, whole: float) -> float:
    """Return a part of a whole; 0 where there is none."""
    none = whole == 0.0
    return select(none, 0.0, part / select(none, 1.0, whole))


@indicator(
    inputs={
        "first": "close",
        "first_whole": "high",
        "second": "close",
        "second_whole": "high",
        "third": "close",
        "third_whole": "high",
    },
    warmup_bars=1,
)
def three_shares(
    first: float,
    first_whole: float,
    second: float,
    second_whole: float,
    third: float,
    third_whole: float,
) -> float:
    """Mean of three shares with weights 4, 2 and 1, in percent; a share of 0 is 0.

    A building block of `ultimate_oscillator`. First valid bar: 1.
    """
    total = 4.0 * share_of(first, first_whole) + 2.0 * share_of(second, second_whole)
    return 100.0 * (total + share_of(third, third_whole)) / 7.0


@composite(params=Params, inputs={"high": "high", "low": "low", "close": "close"})
def ultimate_oscillator(p: Params, high: Any, low: Any, close: Any) -> Any:
    """Share of buying pressure in the true range over three windows, 0 to 100.

    ``100 * (4 * a + 2 * b + c) / 7``, each the sum of `buying_pressure` by the sum of
    `true_range`, over `fast`, `middle` and `slow` bars; a window that does not move counts
    as 0. Source: TA-Lib ULTOSC (Larry Williams). First valid bar: the longest window + 1.
    """
    pressure = buying_pressure(of=(low, close))
    span = true_range(of=(high, low, close))
    periods = (p.fast, p.middle, p.slow)
    return three_shares(of=[rolling_sum(n, of=f) for n in periods for f in (pressure, span)])
