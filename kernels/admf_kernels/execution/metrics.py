"""The equity curve, advanced bar by bar; what the figures mean is said in `summary`."""

from typing import NamedTuple

from admf_kernels.numeric import select

STRAY = 0.0625
LEAST = 1e-300  # equity that has a reciprocal


class Curve(NamedTuple):
    """Running sums over the bars: the equity curve and the market beside it."""

    bars: int = 0
    first_ts_ns: int = 0
    last_ts_ns: int = 0
    first_close: float = 0.0
    last_close: float = 0.0
    equity: float = 0.0
    equity_peak: float = 0.0
    drawdown_max: float = 0.0  # fraction of the peak
    drawdown_sum: float = 0.0  # of the drawdown on every bar
    drawdown_bars: int = 0  # bars since the peak
    drawdown_bars_max: int = 0
    return_sum: float = 0.0  # simple returns per bar
    return_square_sum: float = 0.0
    downside_square_sum: float = 0.0
    bars_in_market: int = 0
    anchor: float = 0.0  # 1 over an equity not far from the last
    per_equity: float = 0.0  # 1 over the last equity; 0 for nothing, or debt
    per_peak: float = 0.0


def mark_bar(
    m: Curve, cash_start: float, ts_ns: int, close: float, equity: float, in_market: bool
) -> Curve:
    """Return the curve after a bar that closed at `close` with `equity`."""
    if m.bars == 0:
        m = _begun(cash_start, ts_ns, close)
    anchor = m.anchor
    if strays(anchor, equity):
        anchor = _reciprocal(equity)
    return marked(m, anchor, ts_ns, close, equity, in_market)


def marked(
    m: Curve, anchor: float, ts_ns: int, close: float, equity: float, in_market: bool
) -> Curve:
    """Return the curve after a bar, of which `anchor` is near enough to the equity.

    Returns and drawdowns are what they are to the last bits, without a division on every bar: a
    processor takes those of eight lanes, one after the other, for as long as all the rest.
    1 over the equity is ``anchor / (1 + u)``, and ``1 / (1 + u) = (1 - u)(1 + u^2)(1 + u^4)
    (1 + u^8)`` but for ``u^16 <= 2^-64``.
    """
    u = equity * anchor - 1.0
    u_2 = u * u
    u_4 = u_2 * u_2
    per_equity = anchor * ((1.0 - u) * (1.0 + u_2) * ((1.0 + u_4) * (1.0 + u_4 * u_4)))
    # A return on nothing, or on debt, has no meaning: it counts as zero.
    gain = (equity - m.equity) * m.per_equity
    loss = select(gain < 0.0, gain, 0.0)
    higher = equity >= m.equity_peak
    peak = select(higher, equity, m.equity_peak)
    per_peak = select(higher, per_equity, m.per_peak)
    drawdown = (peak - equity) * per_peak
    drawdown_bars = select(higher, 0, m.drawdown_bars + 1)
    return Curve(
        m.bars + 1,
        m.first_ts_ns,
        ts_ns,
        m.first_close,
        close,
        equity,
        peak,
        select(drawdown > m.drawdown_max, drawdown, m.drawdown_max),
        m.drawdown_sum + drawdown,
        drawdown_bars,
        select(drawdown_bars > m.drawdown_bars_max, drawdown_bars, m.drawdown_bars_max),
        m.return_sum + gain,
        m.return_square_sum + gain * gain,
        m.downside_square_sum + loss * loss,
        m.bars_in_market + select(in_market, 1, 0),
        anchor,
        per_equity,
        per_peak,
    )


def strays(anchor: float, equity: float) -> bool:
    """Return whether an equity is too far from the one that `anchor` is the reciprocal of."""
    return abs(equity * anchor - 1.0) > STRAY and (anchor != 0.0 or equity > LEAST)


def _reciprocal(equity: float) -> float:
    return 1.0 / equity if equity > LEAST else 0.0


def _begun(cash: float, ts_ns: int, close: float) -> Curve:
    """Return the curve before the first bar, which has this time and close."""
    per_cash = _reciprocal(cash)
    return Curve(
        0, ts_ns, ts_ns, close, close, cash, cash, 0.0, 0.0, 0, 0, 0.0, 0.0, 0.0, 0,
        per_cash, per_cash, per_cash,
    )  # fmt: skip
