"""Breakout from a Donchian channel, the rule of the Turtle traders."""

from typing import Annotated, NamedTuple

from admf_kernels.contract import Between, Rule
from admf_kernels.indicators.rolling_max import rolling_max
from admf_kernels.indicators.rolling_min import rolling_min
from admf_kernels.indicators.shift import shift
from admf_kernels.numeric import select
from admf_kernels.registry import strategy
from admf_kernels.strategies.held import Held


class Params(NamedTuple):
    """What the user sets."""

    entry: Annotated[int, Between(1, 100_000)] = 20
    exit: Annotated[int, Between(1, 100_000)] = 10


def channels(p: Params) -> dict[str, object]:
    """Return both channels as they stood before the bar, by argument name."""
    return {
        "entry_high": shift(1, of=rolling_max(p.entry, of="high")),
        "entry_low": shift(1, of=rolling_min(p.entry, of="low")),
        "exit_high": shift(1, of=rolling_max(p.exit, of="high")),
        "exit_low": shift(1, of=rolling_min(p.exit, of="low")),
    }


@strategy(
    params=Params,
    state=Held,
    features=channels,
    rules=(Rule("exit <= entry", lambda p: p.exit <= p.entry),),
)
def donchian_breakout(
    s: Held,
    close: float,
    entry_high: float,
    entry_low: float,
    exit_high: float,
    exit_low: float,
) -> tuple[Held, float]:
    """Long on a close above the last `entry` highs, short on one below as many lows.

    All channels are of the bars before this one. On each bar: the signal is 1 if close >
    highest high of `entry` bars, and -1 if close < lowest low of `entry` bars. Else a long
    signal is kept unless close < lowest low of `exit` bars, a short one unless close >
    highest high of `exit` bars; else it is 0. First signal: bar ``entry + 1``.
    """
    long = (s.signal > 0.0) & (close >= exit_low)
    short = (s.signal < 0.0) & (close <= exit_high)
    kept = select(long, 1.0, select(short, -1.0, 0.0))
    signal = select(close > entry_high, 1.0, select(close < entry_low, -1.0, kept))
    return Held(signal), signal
