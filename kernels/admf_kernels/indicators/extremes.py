"""The largest and smallest of four values: the steps of `rolling_max` and `rolling_min`.

A window of 4n bars is four windows of n. So the extreme of any window takes a few of
these, each three comparisons a bar, without state and therefore vectorised over time;
windows of different lengths share them.
"""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between, Indicator, lag
from admf_kernels.numeric import select
from admf_kernels.parameters import Rule
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    step: Annotated[int, Between(0, 100_000)] = 1
    last: Annotated[int, Between(0, 100_000)] = 3


def _of_four(kernel: Callable[..., Any]) -> Indicator:
    return indicator(
        params=Params,
        inputs={
            "value": "close",
            "second": lag("value", "step"),
            "third": lag("value", lambda p: 2 * p.step),
            "fourth": lag("value", "last"),
        },
        warmup_bars=lambda p: p.last + 1,
        rules=(Rule("2 * step <= last", lambda p: 2 * p.step <= p.last),),
    )(kernel)


@_of_four
def largest_of_four(value: float, second: float, third: float, fourth: float) -> float:
    """Largest of the values 0, `step`, 2 `step` and `last` bars ago, in the input's unit.

    A building block of `rolling_max`. First valid bar: ``last + 1``.
    """
    new = select(second > value, second, value)
    old = select(fourth > third, fourth, third)
    return select(old > new, old, new)


@_of_four
def smallest_of_four(value: float, second: float, third: float, fourth: float) -> float:
    """Smallest of the values 0, `step`, 2 `step` and `last` bars ago, in the input's unit.

    A building block of `rolling_min`. First valid bar: ``last + 1``.
    """
    new = select(second < value, second, value)
    old = select(fourth < third, fourth, third)
    return select(old < new, old, new)


def over_window(of_four: Indicator, period: int, source: Any) -> Any:
    """Return the extreme of the last `period` values as a chain of windows of 4**k bars."""
    covered = 1
    while 4 * covered < period:
        source = of_four(covered, 3 * covered, of=source)
        covered *= 4
    # Four windows of `covered` bars, which may overlap, ending at lags spread evenly from 0
    # to `last`: no two are further apart than `covered`, so `period` bars have no gap.
    last = period - covered
    step = min((last + 2) // 3, last // 2)
    return of_four(step, last, of=source)
