"""The strategies of `backtesting`'s documentation, written for our engine."""

from typing import NamedTuple

from admf_kernels import orders
from admf_kernels.execution.records import Request
from admf_kernels.indicators.sma import sma
from admf_kernels.registry import strategy


class Crossing(NamedTuple):
    """The averages one bar before, and what was last wanted."""

    seen: bool = False
    fast: float = 0.0
    slow: float = 0.0
    signal: float = 0.0


def crossed(s: Crossing, fast: float, slow: float) -> float:
    """Return 1 where fast has come above slow, -1 where it has come below, else 0."""
    if s.seen and s.fast < s.slow and fast > slow:
        return 1.0
    return -1.0 if s.seen and s.slow < s.fast and slow > fast else 0.0


@strategy(state=Crossing, features=lambda p: {"fast": sma(10), "slow": sma(20)})
def crossing(s: Crossing, fast: float, slow: float) -> tuple[Crossing, float]:
    """The quick start: turn at every crossing, out of the market before the first."""
    turn = crossed(s, fast, slow)
    signal = turn if turn != 0.0 else s.signal
    return Crossing(True, fast, slow, signal), signal


class Kind(NamedTuple):
    """Which order enters: 0 a market order with a bracket, 1 a limit, 2 a stop with a stop-loss."""

    kind: int = 0
    units: float = 10.0


@strategy(
    params=Kind, state=Crossing, features=lambda p: {"fast": sma(10), "slow": sma(20)}, orders=2
)
def crossing_orders(
    c: Kind, s: Crossing, position: float, close: float, fast: float, slow: float
) -> tuple[Crossing, tuple[Request, Request]]:
    """Leave and enter anew at every crossing, by orders around the last close."""
    turn = crossed(s, fast, slow)
    leave, enter = orders.keep(), orders.keep()
    if turn != 0.0:
        if position != 0.0:
            leave = orders.market(-position, 0.0, 0.0, True)
        units = c.units if turn > 0.0 else -c.units
        if c.kind == 0:
            loss, gain = (0.95, 1.1) if turn > 0.0 else (1.05, 0.9)
            enter = orders.market(units, loss * close, gain * close)
        elif c.kind == 1:
            enter = orders.limit(units, (0.99 if turn > 0.0 else 1.01) * close)
        else:
            beyond, loss = (1.01, 0.97) if turn > 0.0 else (0.99, 1.03)
            enter = orders.stop(units, beyond * close, loss * close)
    return Crossing(True, fast, slow, turn), (leave, enter)


class Before(NamedTuple):
    """The last bar's close and averages."""

    seen: bool = False
    close: float = 0.0
    enter: float = 0.0
    leave: float = 0.0


@strategy(
    state=Before,
    features=lambda p: {
        "trend_fast": sma(50), "trend_slow": sma(100), "enter": sma(20), "leave": sma(10),
    },
)  # fmt: skip
def four_averages(
    s: Before, position: float, close: float, trend_fast: float, trend_slow: float,
    enter: float, leave: float,
) -> tuple[Before, float]:  # fmt: skip
    """The parameter heatmap's: one pair of averages says which way, another when."""
    signal = 1.0 if position > 0.0 else (-1.0 if position < 0.0 else 0.0)
    if s.seen and position == 0.0:
        if trend_fast > trend_slow:
            signal = 1.0 if s.close < s.enter and close > enter else 0.0
        else:
            signal = -1.0 if s.enter < s.close and enter > close else 0.0
    elif (s.seen and position > 0.0 and s.leave < s.close and leave > close) or (
        s.seen and position < 0.0 and s.close < s.leave and close > leave
    ):
        signal = 0.0
    return Before(True, close, enter, leave), signal
