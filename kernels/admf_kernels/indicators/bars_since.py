"""How long ago the extreme of a window was."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from admf_kernels.contract import Between, Indicator, window
from admf_kernels.numeric import Window, at
from admf_kernels.registry import indicator


class Params(NamedTuple):
    """What the user sets."""

    period: Annotated[int, Between(1, 100_000)] = 20


class State(NamedTuple):
    """Survives the bar."""

    extreme: float = 0.0
    age: int = 0  # bars since it


def _over_window(kernel: Callable[..., Any]) -> Indicator:
    return indicator(
        params=Params,
        state=State,
        inputs={"value": "close", "values": window("value", "period")},
        warmup_bars="period",
    )(kernel)


@_over_window
def bars_since_highest(
    c: Params, s: State, bars: int, value: float, values: Window
) -> tuple[State, float]:
    """Bars since the largest of the last `period` values; 0 on its own bar.

    The newest of equal ones. Exact. The window is searched only on the bar on which the
    largest value leaves it. Source: TA-Lib MAXINDEX, counted back. First valid bar: `period`.
    """
    if bars == 1 or value >= s.extreme:
        return State(value, 0), 0.0
    moved = State(s.extreme, s.age + 1)
    if moved.age >= c.period:
        moved = State(value, 0)
        for back in range(1, c.period):
            older = at(values, back)
            if older > moved.extreme:
                moved = State(older, back)
    return moved, float(moved.age)


@_over_window
def bars_since_lowest(
    c: Params, s: State, bars: int, value: float, values: Window
) -> tuple[State, float]:
    """Bars since the smallest of the last `period` values; 0 on its own bar.

    The newest of equal ones. Exact. The window is searched only on the bar on which the
    smallest value leaves it. Source: TA-Lib MININDEX, counted back. First valid bar: `period`.
    """
    if bars == 1 or value <= s.extreme:
        return State(value, 0), 0.0
    moved = State(s.extreme, s.age + 1)
    if moved.age >= c.period:
        moved = State(value, 0)
        for back in range(1, c.period):
            older = at(values, back)
            if older < moved.extreme:
                moved = State(older, back)
    return moved, float(moved.age)
