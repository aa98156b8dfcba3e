"""The equity curve, advanced bar by bar; what the figures mean is said in `summary`."""

from typing import NamedTuple

from admf_kernels.numeric import select


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


def mark_bar(
    m: Curve, cash_start: float, ts_ns: int, close: float, equity: float, in_market: bool
) -> Curve:
    """Return the curve after a bar that closed at `close` with `equity`."""
    first = m.bars == 0
    before = select(first, cash_start, m.equity)
    peak_before = select(first, cash_start, m.equity_peak)
    # A return on nothing, or on debt, has no meaning: it counts as zero.
    gain = select(before > 0.0, equity / select(before > 0.0, before, 1.0) - 1.0, 0.0)
    loss = select(gain < 0.0, gain, 0.0)
    higher = equity >= peak_before
    peak = select(higher, equity, peak_before)
    drawdown = select(peak > 0.0, 1.0 - equity / select(peak > 0.0, peak, 1.0), 0.0)
    drawdown_bars = select(higher, 0, m.drawdown_bars + 1)
    return Curve(
        m.bars + 1,
        select(first, ts_ns, m.first_ts_ns),
        ts_ns,
        select(first, close, m.first_close),
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
    )
