"""The largest and the smallest of a value and an earlier one: the steps of `rolling_max`.

A window of 2n is two windows of n. So the extreme of any window takes a few of these,
each one comparison a bar, without state and therefore vectorised over time; windows of
different lengths share them.
"""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between, Indicator, lag
from admf_kernels.numeric import select
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    lag: Annotated[int, Between(0, 100_000)] = 1


def _pairwise(step: Callable[..., Any]) -> Indicator:
    return indicator(
        params=Params,
        inputs={"value": "close", "past": lag("value", "lag")},
        warmup_bars=lambda p: p.lag + 1,
    )(step)


@_pairwise
def larger_of_lag(value: float, past: float) -> float:
    """The larger of the value and the one `lag` bars ago, in the unit of the input.

    First valid bar: ``lag + 1``.
    """
    return select(past > value, past, value)


@_pairwise
def smaller_of_lag(value: float, past: float) -> float:
    """The smaller of the value and the one `lag` bars ago, in the unit of the input.

    First valid bar: ``lag + 1``.
    """
    return select(past < value, past, value)


def over_window(pair: Indicator, period: int, source: Any) -> Any:
    """Return the extreme of the last `period` values as a tree of pairs."""
    covered = 1
    while 2 * covered < period:
        source = pair(covered, of=source)
        covered *= 2
    # Two windows of a power of two that overlap, or, for period 1, the value with itself.
    return pair(period - covered, of=source)
