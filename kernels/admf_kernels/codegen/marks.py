"""The marks of eight bars together, in driver source: `execution.metrics.mark_bar` for eight."""

from admf_kernels.codegen import run_state
from admf_kernels.codegen.eight import WIDTH
from admf_kernels.codegen.text import class_name, indent
from admf_kernels.execution import metrics

SUMS = dict(zip(metrics.SUMMED, range(0, run_state.SUMS, metrics.PARTS), strict=True))


def read_lines() -> list[str]:
    """Return the lines that read what marking changes, but for the sums."""
    return [
        "equity_before, drawdown_max = curve.equity, curve.drawdown_max",
        "peak, per_peak = curve.equity_peak, per(curve.equity_peak)",
        "drawdown_bars, drawdown_bars_max = curve.drawdown_bars, curve.drawdown_bars_max",
        "market_bars, last_close = curve.bars_in_market, curve.last_close",
    ]


def write_lines(row: str, last_ts_ns: str, last_close: str) -> list[str]:
    """Return the lines that write what marking has changed, up to a row."""
    parts = {
        "bars": f"lead + {row}", "first_ts_ns": "curve.first_ts_ns",
        "last_ts_ns": last_ts_ns, "first_close": "curve.first_close",
        "last_close": last_close, "equity": "equity_before",
        "equity_peak": "peak", "drawdown_max": "drawdown_max",
        "drawdown_bars": "drawdown_bars", "drawdown_bars_max": "drawdown_bars_max",
        "bars_in_market": "market_bars",
    }  # fmt: skip
    return [
        f"curve = {class_name(metrics.Curve)}("
        f"{', '.join(parts[name] for name in metrics.Curve._fields)})",
    ]


# Between the stretches in which eights follow each other without a pause the sums are in memory:
# values that live across a call of the engine are kept on the stack inside the loops, too, and
# adding to one is then a wait for what was just written.
def fetch_lines(*names: str) -> list[str]:
    """Return the lines that take sums, or all of them and the worst drawdown, from memory."""
    lines = [f"sum_{name} = load_eight(sums, {SUMS[name]})" for name in names or SUMS]
    return lines if names else [*lines, "worst = eight_of(drawdown_max)"]


def keep_lines(*names: str) -> list[str]:
    """Return the lines that bring back what `fetch_lines` took."""
    lines = [f"store_eight(sums, {SUMS[name]}, sum_{name})" for name in names or SUMS]
    return lines if names else [*lines, "drawdown_max = highest_of(worst)"]


def gain_lines() -> list[str]:
    """Return the lines that add the returns ``gains`` of eight bars."""
    return [
        "losses = loss_of(gains)",
        "sum_returns = sum_returns + gains",
        "sum_return_squares = sum_return_squares + gains * gains",
        "sum_downside_squares = sum_downside_squares + losses * losses",
    ]


def drawdown_lines(peak: str, per_peak: str) -> list[str]:
    """Return the lines that add the drawdowns of eight bars from these peaks."""
    return [
        f"drawdowns = ({peak} - equities) * {per_peak}",
        "sum_drawdowns = sum_drawdowns + drawdowns",
        "worst = select(drawdowns > worst, drawdowns, worst)",
    ]


def together() -> list[str]:
    """Return the lines that mark the account at the eight closes."""
    return [
        *fetch_lines(),
        "gains = gain_of(shifted(equities, equity_before), equities)",
        *gain_lines(),
        "if bits_in(equities >= peak) != 0:",
        *indent([
            "tops = highest_so_far(select(equities > peak, equities, peak))",
            "reached = bits_in(equities >= shifted(tops, peak))",
            "pers = per(tops)",
            *drawdown_lines("tops", "pers"),
            f"for j in range({WIDTH}):",
            "    drawdown_bars = 0 if reached >> j & 1 != 0 else drawdown_bars + 1",
            "    longer = drawdown_bars > drawdown_bars_max",
            "    drawdown_bars_max = drawdown_bars if longer else drawdown_bars_max",
            f"peak, per_peak = element(tops, {WIDTH - 1}), element(pers, {WIDTH - 1})",
        ]),
        "else:",
        *indent([
            *drawdown_lines("peak", "per_peak"),
            f"drawdown_bars += {WIDTH}",
            "longer = drawdown_bars > drawdown_bars_max",
            "drawdown_bars_max = drawdown_bars if longer else drawdown_bars_max",
        ]),
        *keep_lines(),
        f"equity_before = element(equities, {WIDTH - 1})",
    ]  # fmt: skip
