"""The equity curve, advanced bar by bar; what the figures mean is said in `summary`."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from admf_kernels.numeric import select

LEAST = 1e-300  # equity that anything can be measured by
PARTS = 8
SUMMED = ("returns", "return_squares", "downside_squares", "drawdowns")


class Curve(NamedTuple):
    """The equity curve and the market beside it after a bar; its `Sums` lie behind it."""

    bars: int = 0
    first_ts_ns: int = 0
    last_ts_ns: int = 0
    first_close: float = 0.0
    last_close: float = 0.0
    equity: float = 0.0
    equity_peak: float = 0.0
    drawdown_max: float = 0.0  # fraction of the peak
    drawdown_bars: int = 0  # bars since the peak
    drawdown_bars_max: int = 0
    bars_in_market: int = 0


# Sums over the bars: simple returns per bar, their squares, those of losses, and drawdowns. Each
# is kept in eight parts, by the bar's number modulo 8: eight bars at once add to one part each,
# so that any number of bars at a time leaves the same bits.
Sums = NamedTuple(  # type: ignore[misc]
    "Sums", [(f"{name}_{part}", float) for name in SUMMED for part in range(PARTS)]
)
NO_SUMS = Sums(*(0.0,) * (PARTS * len(SUMMED)))
RETURNS, RETURN_SQUARES, DOWNSIDE_SQUARES, DRAWDOWNS = (PARTS * k for k in range(len(SUMMED)))


def total(sums: Sequence[float], first: int) -> float:
    """Return one of the sums, of which `first` is the place of the first part."""
    found = 0.0
    for part in range(PARTS):
        found += sums[first + part]
    return found


# Compiled, eight parts are read and written as one: who reads them as one soon after need not
# wait until the one part has reached the memory.
def add_to_part(sums: Any, first: int, part: int, value: float) -> int:
    """Add to one part of the sum whose first part is at `first`; no part is ever -0.0."""
    sums[first + part] += value
    return 0


def mark_bar(
    m: Curve, sums: Any, cash_start: float, ts_ns: int, close: float, equity: float,
    in_market: bool,
) -> Curve:  # fmt: skip
    """Return the curve after a bar that closed at `close` with `equity`; adds to its sums.

    Parameters
    ----------
    sums : float64 (32,)
        The words of `Sums`, changed in place.
    """
    if m.bars == 0:
        m = _begun(cash_start, ts_ns, close)
    gain = gain_of(m.equity, equity)
    loss = loss_of(gain)
    higher = equity >= m.equity_peak
    peak = equity if higher else m.equity_peak
    drawdown = (peak - equity) * per(peak)
    drawdown_bars = 0 if higher else m.drawdown_bars + 1
    part = m.bars & (PARTS - 1)
    add_to_part(sums, RETURNS, part, gain)
    add_to_part(sums, RETURN_SQUARES, part, gain * gain)
    add_to_part(sums, DOWNSIDE_SQUARES, part, loss * loss)
    add_to_part(sums, DRAWDOWNS, part, drawdown)
    return Curve(
        m.bars + 1,
        m.first_ts_ns,
        ts_ns,
        m.first_close,
        close,
        equity,
        peak,
        select(drawdown > m.drawdown_max, drawdown, m.drawdown_max),
        drawdown_bars,
        select(drawdown_bars > m.drawdown_bars_max, drawdown_bars, m.drawdown_bars_max),
        m.bars_in_market + select(in_market, 1, 0),
    )


# The functions from here on are compiled for eight numbers at once as well, see `codegen.eight`.
def per(equity: float) -> float:
    """Return 1 over an equity, 0 for nothing and for debt."""
    sound = equity > LEAST
    return select(sound, 1.0, 0.0) / select(sound, equity, 1.0)


def gain_of(before: float, equity: float) -> float:
    """Return the simple return of a bar; on nothing, or on debt, it has no meaning and is 0."""
    sound = before > LEAST
    return gain_on(select(sound, before, 1.0), select(sound, equity, 1.0))


def gain_on(before: float, equity: float) -> float:
    """Return the simple return of a bar on an equity above `LEAST`."""
    return (equity - before) / before


def loss_of(gain: float) -> float:
    """Return a return below 0, else 0."""
    return select(gain < 0.0, gain, 0.0)


def _begun(cash: float, ts_ns: int, close: float) -> Curve:
    """Return the curve before the first bar, which has this time and close."""
    return Curve(0, ts_ns, ts_ns, close, close, cash, cash, 0.0, 0, 0, 0)
