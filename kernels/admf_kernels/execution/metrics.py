"""The equity curve, advanced bar by bar; what the figures mean is said in `summary`."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from admf_kernels.numeric import select

STRAY = 0.0625
LEAST = 1e-300  # equity that has a reciprocal
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
    anchor: float = 0.0  # 1 over an equity not far from the last; 0 for nothing, or debt
    per_peak: float = 0.0  # 1 over the peak


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
    gain = gain_of(m.anchor, m.equity, equity)
    loss = loss_of(gain)
    anchor = m.anchor
    if strays(anchor, equity):
        anchor = 1.0 / equity if equity > LEAST else 0.0
    higher = equity >= m.equity_peak
    peak = equity if higher else m.equity_peak
    per_peak = per(anchor, equity) if higher else m.per_peak
    drawdown = (peak - equity) * per_peak
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
        anchor,
        per_peak,
    )


def per(anchor: float, equity: float) -> float:
    """Return 1 over an equity, to the last bits, given 1 over one not far from it; 0 for 0.

    This and the next two are compiled for eight numbers at once as well, see `codegen.eight`.
    A processor divides eight numbers one after the other, for as long as all else on a bar
    takes. 1 over the equity is ``anchor / (1 + u)``, and ``1 / (1 + u) = (1 - u)(1 + u^2)
    (1 + u^4)(1 + u^8)`` but for ``u^16 <= 2^-64``.
    """
    u = equity * anchor - 1.0
    u_2 = u * u
    u_4 = u_2 * u_2
    return anchor * ((1.0 - u) * (1.0 + u_2) * ((1.0 + u_4) * (1.0 + u_4 * u_4)))


def gain_of(anchor: float, before: float, equity: float) -> float:
    """Return the simple return of a bar; on nothing, or on debt, it has no meaning and is 0."""
    return (equity - before) * per(anchor, before)


def loss_of(gain: float) -> float:
    """Return a return below 0, else 0."""
    return select(gain < 0.0, gain, 0.0)


def strays(anchor: float, equity: float) -> bool:
    """Return whether an equity is too far from the one that `anchor` is the reciprocal of."""
    return abs(equity * anchor - 1.0) > STRAY and (anchor != 0.0 or equity > LEAST)


def _begun(cash: float, ts_ns: int, close: float) -> Curve:
    """Return the curve before the first bar, which has this time and close."""
    per_cash = 1.0 / cash if cash > LEAST else 0.0
    return Curve(
        0, ts_ns, ts_ns, close, close, cash, cash, 0.0, 0, 0, 0, per_cash, per_cash
    )  # fmt: skip
