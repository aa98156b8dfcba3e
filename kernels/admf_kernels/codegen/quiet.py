"""Quiet bars, eight at a time: those on which a lane does not need the engine.

A lane goes through its bars eight rows at a time, one register of the widest for each column.
Rows on which something happens end the run of quiet ones; the driver takes these bar by bar, in
the run driver's own lines. Rows stand beside the parts of the curve's sums that they add to
(`execution.metrics.Sums`), so that eight at once leave the bits of eight one after the other.
Lines of a row ask the functions that the run driver asks, compiled for eight numbers.
"""

from collections.abc import Callable
from typing import Any

from admf_kernels.codegen import engine
from admf_kernels.codegen.asking import asked_ahead
from admf_kernels.codegen.eight import NAMES, WIDTH
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.text import class_name, indent
from admf_kernels.contract import Strategy
from admf_kernels.execution import metrics
from admf_kernels.execution.brackets import distance, rounded
from admf_kernels.execution.following import even_level, trail_level
from admf_kernels.execution.reasons import TRAILING
from admf_kernels.execution.terms import FOLLOWS_EVEN, FOLLOWS_TRAIL, NO_DISTANCE
from admf_kernels.numeric import inf, select

CALLED: tuple[Callable[..., Any], ...] = (
    distance, rounded, even_level, trail_level, metrics.per, metrics.gain_of, metrics.loss_of,
)  # fmt: skip
SUMS = dict(zip(metrics.SUMMED, range(0, engine.SUMS, metrics.PARTS), strict=True))


def may_be_quiet(form: Form) -> bool:
    """Return whether there are bars on which no lane needs the engine."""
    u = form.uses
    return not (u.financing or u.venue or u.limits or form.general)


def names() -> dict[str, object]:
    """Return what the lines call that the run driver does not."""
    functions = {f.__name__: f for f in (*CALLED, *NAMES, select)}
    return {**functions, "inf": inf}


def lines(kernel: Strategy, form: Form, *, adjusted: bool) -> list[str]:
    """Return the lines that take quiet rows from ``t`` to `limit` at most.

    ``t``, ``seen``, the curve, the strategy's state and the records are as after them; nothing
    is changed where the first row is not quiet.
    """
    market = "feature_close" if adjusted else "close_col"
    return [
        "units = q.lots * n.lot_value",
        "signal = wanted_signal(a, wanted, curve.anchor)",
        f"base = t - (curve.bars & {WIDTH - 1})",
        f"if seen >= ready and base >= start and not ({' or '.join(engine.UNSETTLED)}):",
        *indent([
            "begun = t",
            *_hoisted(form),
            "if units == 0.0 and equity_before == wallet.cash and anchor > 0.0:",
            *indent(_flat(kernel, form, adjusted=adjusted)),
            "else:",
            *indent(_held(kernel, form, adjusted=adjusted)),
            "if t > begun:",
            *indent(_written_back(form, market)),
        ]),
    ]  # fmt: skip


def _hoisted(form: Form) -> list[str]:
    """Return the lines that read what does not change on quiet rows, and what is carried."""
    held = [
        *(f"sum_{name} = load_eight(sums, {at})" for name, at in SUMS.items()),
        "worst = eight_of(curve.drawdown_max)",
        "anchor, equity_before = curve.anchor, curve.equity",
        "peak, per_peak = curve.equity_peak, curve.per_peak",
        "drawdown_bars, drawdown_bars_max = curve.drawdown_bars, curve.drawdown_bars_max",
        "below = intent.below if intent.working != 0 else -inf",
        "above = intent.above if intent.working != 0 else inf",
        "highs, lows = eight_of(span.highest), eight_of(span.lowest)",
    ]
    if form.uses.max_bars:
        held += ["edge = t + int(x.max_bars) - span.bars - 1 if units != 0.0 else limit",
                 "edge = edge if edge < limit else limit"]  # fmt: skip
    else:
        held.append("edge = limit")
    held.append("whole_edge = edge if edge < stop else stop")
    if form.uses.following:
        held += _guard_lines(form)
    return held


def _guard_lines(form: Form) -> list[str]:
    """Return the lines that hoist how the stop of the open position follows the price."""
    held = [
        "side = 1.0 if units > 0.0 else -1.0",
        "guarding = q.stop * side if q.stop != 0.0 else -inf",
    ]
    if form.uses.following & FOLLOWS_EVEN:
        held += [
            "level = even_level(x, n, q.entry_price, q.entry_atr, side)",
            f"evens = x.even != {NO_DISTANCE} and level > 0.0 and level * side > guarding",
            "even_away = distance(x.even, x.even_value, q.entry_price, q.entry_atr)",
        ]
    if form.uses.following & FOLLOWS_TRAIL:
        held += [
            f"trails = x.trail != {NO_DISTANCE}",
            f"begins = x.trail_start != 0.0 and q.stop_role != {TRAILING}",
            "start_away = distance(x.trail, x.trail_start, q.entry_price, q.entry_atr)",
        ]
    return held


def _flat(kernel: Strategy, form: Form, *, adjusted: bool) -> list[str]:
    """Return the lines that take rows without a position: the equity is the cash."""
    whole = ["sum_drawdowns = sum_drawdowns + drawdown"]
    return [
        "still = equity_before >= peak",
        "per_peak = per(anchor, equity_before) if still else per_peak",
        "drawdown = 0.0 if still else (peak - equity_before) * per_peak",
        f"while base + {WIDTH} <= stop and t < edge:",
        *indent([
            *(_whole_rows(form, [], [], whole, held=False) if asked_ahead(kernel) else []),
            *_bounds(),
            *_quiet_rows(kernel, form, "", held=False, adjusted=adjusted),
            "sum_drawdowns = sum_drawdowns + select(active, drawdown, 0.0)",
            *_onward(),
        ]),
        "if t > begun:",
        "    worst = select(drawdown > worst, drawdown, worst)",
        "    drawdown_bars = 0 if still else drawdown_bars + t - begun",
    ]  # fmt: skip


def _held(kernel: Strategy, form: Form, *, adjusted: bool) -> list[str]:
    """Return the lines that take rows with a position."""
    near = f"(abs(equities * anchor - 1.0) <= {metrics.STRAY})"
    owed = f"(equities <= {metrics.LEAST})"
    trails = form.uses.following & FOLLOWS_TRAIL
    read = [
        "high, low = load_eight(high_col, base), load_eight(low_col, base)",
        "equities = wallet.cash + units * load_eight(close_col, base)",
        f"solvent = {near} if anchor != 0.0 else {owed}",
    ]
    return [
        f"while base + {WIDTH} <= stop and t < edge:",
        *indent([
            *(
                _whole_rows(form, read, ["solvent", "(equities < peak)"], _whole_marks(form),
                            held=True)
                if asked_ahead(kernel) else []
            ),
            *_bounds(),
            *read,
            *_quiet_rows(kernel, form, "solvent", held=True, adjusted=adjusted),
            *_mark_rows(),
            "highs = select(active & (high > highs), high, highs)",
            "lows = select(active & (low < lows), low, lows)",
            *(["guarding = element(stops, last - 1)"] if trails else []),
            *_onward(),
        ]),
    ]  # fmt: skip


def _whole_rows(
    form: Form, read: list[str], when: list[str], taken: list[str], *, held: bool
) -> list[str]:
    """Return the lines that take eight rows at a time for as long as all of them are quiet."""
    before, more = _conditions(form, held=held)
    conditions = [*when, *more, "(load_eight(wishes_here, base) == wanted)"]
    return [
        "if t == base:",
        "    first = 0",
        f"    while base + {WIDTH} <= whole_edge:",
        *indent([
            *read,
            *before,
            f"if bits_in({' & '.join(conditions)}) != {(1 << WIDTH) - 1}:",
            "    break",
            *taken,
            f"base += {WIDTH}",
        ], 2),
        "    t = base",
        f"    if base + {WIDTH} > stop or t >= edge:",
        "        break",
    ]  # fmt: skip


def _whole_marks(form: Form) -> list[str]:
    """Return the lines that mark eight quiet rows below the peak."""
    trails = form.uses.following & FOLLOWS_TRAIL
    return [
        "gains = gain_of(anchor, shifted(equities, equity_before), equities)",
        *_gain_lines(),
        "drawdowns = (peak - equities) * per_peak",
        "sum_drawdowns = sum_drawdowns + drawdowns",
        "worst = select(drawdowns > worst, drawdowns, worst)",
        f"drawdown_bars += {WIDTH}",
        f"equity_before = element(equities, {WIDTH - 1})",
        "highs = select(high > highs, high, highs)",
        "lows = select(low < lows, low, lows)",
        *([f"guarding = element(stops, {WIDTH - 1})"] if trails else []),
    ]


def _gain_lines() -> list[str]:
    return [
        "losses = loss_of(gains)",
        "sum_returns = sum_returns + gains",
        "sum_return_squares = sum_return_squares + gains * gains",
        "sum_downside_squares = sum_downside_squares + losses * losses",
    ]


def _bounds() -> list[str]:
    return [
        "first = t - base",
        f"last = edge - base if edge - base < {WIDTH} else {WIDTH}",
    ]


def _onward() -> list[str]:
    return ["t = base + last", f"base += {WIDTH}", f"if last < {WIDTH}:", "    break"]


def _conditions(form: Form, *, held: bool) -> tuple[list[str], list[str]]:
    """Return what quiet rows are, strategy and equity apart, and the lines before that."""
    u = form.uses
    high, low = ("high", "low") if held else (f"load_eight({n}_col, base)" for n in ("high", "low"))
    when = [f"({low} > below)", f"({high} < above)"]
    if u.sessions:
        when += _session_conditions(form, held=held)
    if u.actions:
        when += ["(load_eight(split_col, base) == 1.0)", "(load_eight(dividend_col, base) == 0.0)"]
    if u.margin and held:
        worth = "a.maintenance * abs(units * load_eight(close_col, base))"
        when.append(f"(mask_of(0 if a.maintenance > 0.0 else -1) | (equities >= {worth}))")
    if u.following and held:
        before, more = _facing(form)
        return before, [*when, *more]
    return [], when


def _quiet_rows(
    kernel: Strategy, form: Form, solvent: str, *, held: bool, adjusted: bool
) -> list[str]:
    """Return the lines that find the quiet rows: ``active``, up to ``last``."""
    before, when = _conditions(form, held=held)
    when = [solvent, *when] if solvent else when
    if asked_ahead(kernel):
        when.append("(load_eight(wishes_here, base) == wanted)")
    return [
        *before,
        f"loud = bits_in(~({' & '.join(when)}))",
        "last = lowest_bit((loud | 1 << last) >> first << first)",
        *([] if asked_ahead(kernel) else _step_rows(kernel, adjusted=adjusted)),
        "if last == first:",
        "    break",
        "active = mask_of((1 << last) - (1 << first))",
    ]


def _session_conditions(form: Form, *, held: bool) -> list[str]:
    if not form.uses.clock:
        # Days come in order: the first and the last row tell of those between them.
        day = "float((ts_ns_col[{row}] - 1) // 86400000000000) + 1.0 == guard.day"
        first, last = (day.format(row=row) for row in ("t", f"base + {WIDTH - 1}"))
        return [f"mask_of(-1 if {first} and {last} else 0)"]
    found = ["(load_eight(session_col, base) + 1.0 == guard.day)"]
    if form.uses.session_end and held:
        found.append("(load_eight(minutes_left_col, base) > x.session_minutes)")
    return found


def _asked_row(kernel: Strategy, row: str, *, adjusted: bool) -> list[str]:
    """Return the lines that ask the strategy about a row."""
    given = {"ts_ns", *engine.PRICES} & set(kernel.arguments)
    reads = [f"{n} = {n}_col[{row}]" for n in ("ts_ns", *engine.PRICES) if n in given]
    equity = f"(wallet.cash + units * close_col[{row}])"
    feature = f"feature_{{name}}[{row}]"
    return [*reads, *engine.strategy_lines(kernel, feature, equity, adjusted=adjusted)]


def _step_rows(kernel: Strategy, *, adjusted: bool) -> list[str]:
    """Return the lines that ask a strategy with a memory row by row, up to one it wants more on."""
    wants = [f"asked[{k}].action != 0" for k in range(kernel.orders)]
    return [
        "stop_at, noted = last, wanted",
        "for j in range(first, stop_at):",
        *indent([
            *(["s_before = s"] if kernel.stateful else []),
            *_asked_row(kernel, "base + j", adjusted=adjusted),
            f"if {' or '.join([*wants, 'wanted != noted'])}:",
            *indent([*(["s = s_before"] if kernel.stateful else []), "last = j", "break"]),
        ]),
        "wanted = noted",
    ]  # fmt: skip


def _facing(form: Form) -> tuple[list[str], list[str]]:
    """Return the lines about the stop as it moves, and what quiet rows do not do to it."""
    u = form.uses
    lines = ["best, faced = high if units > 0.0 else low, low if units > 0.0 else high"]
    when = []
    if u.following & FOLLOWS_EVEN:
        gained = "((best - q.entry_price) * side >= even_away)"
        lines.append(f"evened = {gained} if evens else mask_of(0)")
        when.append("~evened")
    if u.following & FOLLOWS_TRAIL:
        lines += [
            "moves, stops = mask_of(0), eight_of(guarding)",
            "if trails:",
            *indent([
                "if n.ticks == 0.0:",
                "    levels = trail_level(x, best, q.entry_atr, side)",
                "else:",
                f"    for j in range({WIDTH}):",
                "        seen_price = high_col[base + j] if units > 0.0 else low_col[base + j]",
                "        level = trail_level(x, seen_price, q.entry_atr, side)",
                "        near[j] = rounded(n, level, side < 0.0)",
                "    levels = load_eight(near, 0)",
                "moves = mask_of(-1 << first) & (levels > 0.0) & (levels * side > guarding)",
                "if bits_in(moves) != 0 and not begins:",
                "    stops = highest_so_far(select(moves, levels * side, guarding))",
            ]),
        ]  # fmt: skip
        begun = "((best - q.entry_price) * side >= start_away)"
        kept = "faced * side > shifted(stops, guarding)"
        when.append(f"(~(moves & {begun}) if begins else {kept})")
    return lines, when


def _mark_rows() -> list[str]:
    """Return the lines that mark the account at the close of the active rows."""
    return [
        "befores = select(mask_of(1 << first), equity_before, shifted(equities, equity_before))",
        "gains = select(active, gain_of(anchor, befores, equities), 0.0)",
        *_gain_lines(),
        "if bits_in(active & (equities >= peak)) != 0:",
        *indent(_peak_rows()),
        "else:",
        "    drawdowns = (peak - equities) * per_peak",
        "    drawdown_bars += last - first",
        "drawdowns = select(active, drawdowns, 0.0)",
        "sum_drawdowns = sum_drawdowns + drawdowns",
        "worst = select(drawdowns > worst, drawdowns, worst)",
        "equity_before = element(equities, last - 1)",
    ]


def _peak_rows() -> list[str]:
    """Return the lines of the drawdowns of rows of which some reach the peak."""
    return [
        "tops = highest_so_far(select(active & (equities > peak), equities, peak))",
        "reached = bits_in(active & (equities >= shifted(tops, peak)))",
        "pers = select(mask_of(-1 << lowest_bit(reached)), per(anchor, tops), per_peak)",
        "drawdowns = (tops - equities) * pers",
        "for j in range(first, last):",
        "    longest = drawdown_bars if drawdown_bars > drawdown_bars_max else drawdown_bars_max",
        "    drawdown_bars_max = longest",
        "    drawdown_bars = 0 if reached >> j & 1 != 0 else drawdown_bars + 1",
        "peak, per_peak = element(tops, last - 1), element(pers, last - 1)",
    ]


def _written_back(form: Form, market: str) -> list[str]:
    """Return the lines that bring state and records up to date."""
    parts = {
        "bars": "curve.bars + taken", "first_ts_ns": "curve.first_ts_ns",
        "last_ts_ns": "ts_ns_col[t - 1]", "first_close": "curve.first_close",
        "last_close": f"{market}[t - 1]", "equity": "equity_before",
        "equity_peak": "peak if peak > equity_before else equity_before",
        "drawdown_max": "highest_of(worst)", "drawdown_bars": "drawdown_bars",
        "drawdown_bars_max": "select(drawdown_bars > drawdown_bars_max, drawdown_bars, "
        "drawdown_bars_max)",
        "bars_in_market": "curve.bars_in_market + (taken if q.lots != 0.0 else 0)",
        "anchor": "anchor", "per_peak": "per_peak",
    }  # fmt: skip
    ordered = ", ".join(parts[name] for name in metrics.Curve._fields)
    return [
        "taken = t - begun",
        "seen += taken",
        "book.sequence += taken",
        "book.bar_sequence = book.sequence",
        *(f"store_eight(sums, {at}, sum_{name})" for name, at in SUMS.items()),
        f"curve = {class_name(metrics.Curve)}({ordered})",
        "if q.lots != 0.0:",
        "    span.bars += taken",
        "    span.highest, span.lowest = highest_of(highs), lowest_of(lows)",
        *indent(_stop_back() if form.uses.following & FOLLOWS_TRAIL else []),
    ]


def _stop_back() -> list[str]:
    return [
        "moved_to = guarding * side",
        "if guarding > -inf and moved_to != q.stop:",
        f"    q.stop, q.stop_role = moved_to, {TRAILING}",
        "    if units > 0.0 and moved_to > intent.below:",
        "        intent.below = moved_to",
        "    elif units < 0.0 and moved_to < intent.above:",
        "        intent.above = moved_to",
    ]
