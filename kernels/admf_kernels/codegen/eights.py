"""Eight bars of a lane at a time, one register of the widest for each column.

A lane's account is its position's value at eight closes, for as long as the position stays. A bar
on which something happens is taken alone, in the run driver's own lines, which may change the
position for the bars after it; what the eight equities are is known then, and they are marked
together. They stand beside the parts of the curve's sums that they add to
(`execution.metrics.Sums`), so that eight at once leave the bits of eight one after the other. The
functions that decide a bar are those the run driver calls, compiled for eight numbers.

Names in the source: ``base`` is the first of the eight rows; ``row`` and ``last`` count among
them; `loose` is the first row of which records do not know yet.
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
ALL = (1 << WIDTH) - 1
NEAR = f"(abs(equities * anchor - 1.0) <= {metrics.STRAY})"
OWED = f"(equities <= {metrics.LEAST})"


def may_be_quiet(form: Form) -> bool:
    """Return whether there are bars on which a lane does not need the engine."""
    u = form.uses
    return not (u.financing or u.venue or u.limits or form.general)


def names() -> dict[str, object]:
    """Return what the lines call that the run driver does not."""
    functions = {f.__name__: f for f in (*CALLED, *NAMES, select)}
    return {**functions, "inf": inf}


class Eights:
    """The source that takes eight bars at a time.

    Parameters
    ----------
    loud : sequence of str
        The lines that take the bar at row ``t`` alone, but for its mark.
    adjusted : bool
        Whether the market beside the equity is that of adjusted prices.
    """

    def __init__(self, kernel: Strategy, form: Form, loud: list[str], *, adjusted: bool) -> None:
        self.kernel, self.form, self.loud, self.adjusted = kernel, form, loud, adjusted
        self.market = "feature_close" if adjusted else "close_col"
        self.ahead = asked_ahead(kernel)
        following = form.uses.following
        self.follows = following != 0
        self.trails = following & FOLLOWS_TRAIL != 0
        self.evens = following & FOLLOWS_EVEN != 0

    def lines(self) -> list[str]:
        """Return the lines that take all whole eights from row ``t`` to ``edge_of_tile``."""
        return [
            "base, loose, lead = t, t, seen - t",
            *self._read_curve(),
            *self._read_records(),
            f"while base + {WIDTH} <= edge_of_tile:",
            *indent([
                *(self._whole() if self.ahead else []),
                "row_highs, row_lows = load_eight(high_col, base), load_eight(low_col, base)",
                "closes = load_eight(close_col, base)",
                "equities = cash + units * closes",
                "held_rows = 0 if units == 0.0 else -1",
                "row = 0",
                "while True:",
                *indent([
                    *self._find_loud(),
                    f"if not rarely(last != {WIDTH}):",
                    "    break",
                    "t = base + last",
                    "seen = lead + t + 1",
                    *self._write_records("t"),
                    *self.loud,
                    "loose = t + 1",
                    *self._read_records(),
                    "later = mask_of(-1 << last)",
                    "equities = select(later, cash + units * closes, equities)",
                    "held_rows &= (1 << last) - 1",
                    "held_rows |= 0 if units == 0.0 else -1 << last",
                    "market_bars += 0 if units == 0.0 else 1",
                    "row = last + 1",
                    f"if row == {WIDTH}:",
                    "    break",
                ]),
                f"solvent = {NEAR} if anchor != 0.0 else {OWED}",
                f"if rarely(bits_in(solvent) != {ALL}):",
                *indent(self._mark_alone()),
                "else:",
                *indent(_mark_together()),
                f"base += {WIDTH}",
            ]),
            "t = base",
            "seen = lead + t",
            *self._write_records("t"),
            *self._write_curve("t", "ts_ns_col[t - 1]", f"{self.market}[t - 1]"),
        ]  # fmt: skip

    def _read_curve(self) -> list[str]:
        """Return the lines that read what marking changes."""
        return [
            *(f"sum_{name} = load_eight(sums, {at})" for name, at in SUMS.items()),
            "worst = eight_of(curve.drawdown_max)",
            "anchor, equity_before = curve.anchor, curve.equity",
            "peak, per_peak = curve.equity_peak, curve.per_peak",
            "drawdown_bars, drawdown_bars_max = curve.drawdown_bars, curve.drawdown_bars_max",
            "market_bars, last_close = curve.bars_in_market, curve.last_close",
        ]

    def _write_curve(self, row: str, last_ts_ns: str, last_close: str) -> list[str]:
        """Return the lines that write what marking has changed, up to a row."""
        parts = {
            "bars": f"lead + {row}", "first_ts_ns": "curve.first_ts_ns",
            "last_ts_ns": last_ts_ns, "first_close": "curve.first_close",
            "last_close": last_close, "equity": "equity_before",
            "equity_peak": "peak", "drawdown_max": "highest_of(worst)",
            "drawdown_bars": "drawdown_bars", "drawdown_bars_max": "drawdown_bars_max",
            "bars_in_market": "market_bars", "anchor": "anchor", "per_peak": "per_peak",
        }  # fmt: skip
        return [
            *(f"store_eight(sums, {at}, sum_{name})" for name, at in SUMS.items()),
            f"curve = {class_name(metrics.Curve)}("
            f"{', '.join(parts[name] for name in metrics.Curve._fields)})",
        ]

    def _read_records(self) -> list[str]:
        """Return the lines that read what a bar taken alone may have changed."""
        lines = [
            "cash, units = wallet.cash, q.lots * n.lot_value",
            "below = intent.below if intent.working != 0 else -inf",
            "above = intent.above if intent.working != 0 else inf",
            "highs, lows = eight_of(span.highest), eight_of(span.lowest)",
            # Equity is above 0 where it is near the anchor.
            "signal = wanted_signal(a, wanted, anchor)",
            f"settled = not ({' or '.join(engine.UNSETTLED)})",
        ]
        return [*lines, *(self._read_stop() if self.follows else [])]

    def _read_stop(self) -> list[str]:
        """Return the lines that read how the stop of the open position follows the price."""
        lines = [
            "side = 1.0 if units > 0.0 else -1.0",
            "guarding = q.stop * side if q.stop != 0.0 else -inf",
        ]
        if self.evens:
            lines += [
                "level = even_level(x, n, q.entry_price, q.entry_atr, side)",
                f"evens = x.even != {NO_DISTANCE} and level > 0.0 and level * side > guarding",
                "even_away = distance(x.even, x.even_value, q.entry_price, q.entry_atr)",
            ]
        if self.trails:
            lines += [
                f"trails = x.trail != {NO_DISTANCE}",
                f"begins = x.trail_start != 0.0 and q.stop_role != {TRAILING}",
                "start_away = distance(x.trail, x.trail_start, q.entry_price, q.entry_atr)",
            ]
        return lines

    def _write_records(self, row: str) -> list[str]:
        """Return the lines that tell the records of the quiet rows before a row."""
        return [
            f"quiet_bars = {row} - loose",
            "book.sequence += quiet_bars",
            "if quiet_bars > 0:",
            "    book.bar_sequence = book.sequence",
            "    if units != 0.0:",
            "        span.bars += quiet_bars",
            "        market_bars += quiet_bars",
            "        span.highest, span.lowest = highest_of(highs), lowest_of(lows)",
            *indent(self._write_stop() if self.trails else [], 2),
        ]

    def _write_stop(self) -> list[str]:
        return [
            "moved_to = guarding * side",
            "if guarding > -inf and moved_to != q.stop:",
            f"    q.stop, q.stop_role = moved_to, {TRAILING}",
            "    if units > 0.0 and moved_to > intent.below:",
            "        intent.below = moved_to",
            "    elif units < 0.0 and moved_to < intent.above:",
            "        intent.above = moved_to",
        ]

    def _whole(self) -> list[str]:
        """Return the lines that take eights of which all rows are quiet, below the peak."""
        flat = "units == 0.0 and equity_before == cash and anchor > 0.0 and settled"
        return [
            "row = 0",
            f"if {flat}:",
            *indent([
                "still = equity_before >= peak",
                "per_still = per(anchor, equity_before) if still else per_peak",
                "drawdown = 0.0 if still else (peak - equity_before) * per_peak",
                "begun = base",
                "if intent.working == 0:",
                *indent(self._whole_flat(priced=False)),
                "else:",
                *indent(self._whole_flat(priced=True)),
                "if base > begun:",
                "    per_peak = per_still",
                "    peak = equity_before if still else peak",
                "    worst = select(drawdown > worst, drawdown, worst)",
                "    drawdown_bars = 0 if still else drawdown_bars + base - begun",
                "    longer = drawdown_bars > drawdown_bars_max",
                "    drawdown_bars_max = drawdown_bars if longer else drawdown_bars_max",
            ]),
            "elif settled and anchor != 0.0:",
            *indent(self._whole_held()),
            f"if base + {WIDTH} > edge_of_tile:",
            "    break",
        ]  # fmt: skip

    def _whole_flat(self, *, priced: bool) -> list[str]:
        before, when = self._conditions(held=False, priced=priced)
        return [
            f"while base + {WIDTH} <= edge_of_tile:",
            *indent([
                *before,
                f"if rarely(bits_in({' & '.join([*when, self._same()])}) != {ALL}):",
                "    break",
                "sum_drawdowns = sum_drawdowns + drawdown",
                f"base += {WIDTH}",
            ]),
        ]  # fmt: skip

    def _whole_held(self) -> list[str]:
        before, when = self._conditions(held=True, priced=True)
        aged = f" and span.bars + base - loose + {WIDTH} < x.max_bars"
        when = [NEAR, "(equities < peak)", *when, self._same()]
        return [
            f"while base + {WIDTH} <= edge_of_tile{aged if self.form.uses.max_bars else ''}:",
            *indent([
                "row_highs, row_lows = load_eight(high_col, base), load_eight(low_col, base)",
                "equities = cash + units * load_eight(close_col, base)",
                *before,
                f"if rarely(bits_in({' & '.join(when)}) != {ALL}):",
                "    break",
                *_gain_lines(),
                *_drawdown_lines("peak", "per_peak"),
                f"drawdown_bars += {WIDTH}",
                f"equity_before = element(equities, {WIDTH - 1})",
                "highs = select(row_highs > highs, row_highs, highs)",
                "lows = select(row_lows < lows, row_lows, lows)",
                *([f"guarding = element(stops, {WIDTH - 1})"] if self.trails else []),
                f"base += {WIDTH}",
            ]),
            "longer = drawdown_bars > drawdown_bars_max",
            "drawdown_bars_max = drawdown_bars if longer else drawdown_bars_max",
        ]  # fmt: skip

    def _same(self) -> str:
        return "(load_eight(wishes_here, base) == wanted)"

    def _find_loud(self) -> list[str]:
        """Return the lines that find the next row that is not quiet: ``last``, 8 for none."""
        before, when = self._conditions(held=True, priced=True)
        near = f"({NEAR} if anchor != 0.0 else {OWED})"
        when = [near, *when, *([self._same()] if self.ahead else [])]
        rows = "mask_of((1 << last) - (1 << row))"
        return [
            "last = row",
            "if settled:",
            *indent([
                *before,
                f"loud = bits_in(~({' & '.join(when)}))",
                f"last = lowest_bit((loud | {1 << WIDTH}) >> row << row)",
                *(self._aged() if self.form.uses.max_bars else []),
                *([] if self.ahead else self._step_rows()),
                f"rows = {rows}",
                "highs = select(rows & (row_highs > highs), row_highs, highs)",
                "lows = select(rows & (row_lows < lows), row_lows, lows)",
                *(
                    ["guarding = element(stops, last - 1) if last > row else guarding"]
                    if self.trails else []
                ),
            ]),
        ]  # fmt: skip

    def _aged(self) -> list[str]:
        """Return the lines that end the quiet rows where the position is too old."""
        return [
            "old = loose - base + int(x.max_bars) - span.bars - 1",
            "old = row if old < row else old",
            "last = old if units != 0.0 and old < last else last",
        ]

    def _conditions(self, *, held: bool, priced: bool) -> tuple[list[str], list[str]]:
        """Return what quiet rows are, strategy and equity apart, and the lines before that.

        Not `held`: there is no position. Not `priced`: no order is working, no price matters.
        """
        u = self.form.uses
        when = []
        if priced and held:
            when += ["(row_lows > below)", "(row_highs < above)"]
        elif priced:
            when += ["(load_eight(low_col, base) > below)", "(load_eight(high_col, base) < above)"]
        if u.sessions:
            when += self._session_conditions(held=held)
        if u.actions:
            when += [
                "(load_eight(split_col, base) == 1.0)", "(load_eight(dividend_col, base) == 0.0)",
            ]  # fmt: skip
        if u.margin and held:
            worth = "a.maintenance * abs(units * load_eight(close_col, base))"
            bare = "mask_of(0 if units != 0.0 and a.maintenance > 0.0 else -1)"
            when.append(f"({bare} | (equities >= {worth}))")
        if self.follows and held:
            before, more = self._facing()
            return before, [*when, *more]
        return [], when

    def _session_conditions(self, *, held: bool) -> list[str]:
        if not self.form.uses.clock:
            # Days come in order: the first and the last row tell of those between them.
            day = "float((ts_ns_col[{row}] - 1) // 86400000000000) + 1.0 == guard.day"
            first, last = (day.format(row=r) for r in ("base + row", f"base + {WIDTH - 1}"))
            return [f"mask_of(-1 if {first} and {last} else 0)"]
        found = ["(load_eight(session_col, base) + 1.0 == guard.day)"]
        if self.form.uses.session_end and held:
            left = "(load_eight(minutes_left_col, base) > x.session_minutes)"
            found.append(f"(mask_of(-1 if units == 0.0 else 0) | {left})")
        return found

    def _facing(self) -> tuple[list[str], list[str]]:
        """Return the lines about the stop as it moves, and what quiet rows do not do to it."""
        lines = [
            "best = row_highs if units > 0.0 else row_lows",
            "faced = row_lows if units > 0.0 else row_highs",
        ]
        when = []
        if self.evens:
            gained = "((best - q.entry_price) * side >= even_away)"
            lines.append(f"evened = {gained} if evens and units != 0.0 else mask_of(0)")
            when.append("~evened")
        if self.trails:
            lines += [
                "moves, stops = mask_of(0), eight_of(guarding)",
                "if trails and units != 0.0:",
                *indent([
                    "if n.ticks == 0.0:",
                    "    levels = trail_level(x, best, q.entry_atr, side)",
                    "else:",
                    f"    for j in range({WIDTH}):",
                    "        seen_price = high_col[base + j] if units > 0.0 else low_col[base + j]",
                    "        level = trail_level(x, seen_price, q.entry_atr, side)",
                    "        near[j] = rounded(n, level, side < 0.0)",
                    "    levels = load_eight(near, 0)",
                    "moves = mask_of(-1 << row) & (levels > 0.0) & (levels * side > guarding)",
                    "if bits_in(moves) != 0 and not begins:",
                    "    stops = highest_so_far(select(moves, levels * side, guarding))",
                ]),
            ]  # fmt: skip
            begun = "((best - q.entry_price) * side >= start_away)"
            kept = (
                "(mask_of(-1 if units == 0.0 else 0) | (faced * side > shifted(stops, guarding)))"
            )
            when.append(f"(~(moves & {begun}) if begins else {kept})")
        return lines, when

    def _step_rows(self) -> list[str]:
        """Return the lines that ask a strategy about its account, up to a row it wants more on."""
        kernel = self.kernel
        given = {"ts_ns", *engine.PRICES} & set(kernel.arguments)
        reads = [f"{n} = {n}_col[base + j]" for n in ("ts_ns", *engine.PRICES) if n in given]
        equity = "(cash + units * close_col[base + j])"
        asked = engine.strategy_lines(
            kernel, "feature_{name}[base + j]", equity, adjusted=self.adjusted
        )
        wants = [f"asked[{k}].action != 0" for k in range(kernel.orders)]
        return [
            "stop_at, noted = last, wanted",
            "for j in range(row, stop_at):",
            *indent([
                *(["s_before = s"] if kernel.stateful else []),
                *reads,
                *asked,
                f"if {' or '.join([*wants, 'wanted != noted'])}:",
                *indent([*(["s = s_before"] if kernel.stateful else []), "last = j", "break"]),
            ]),
            "wanted = noted",
        ]  # fmt: skip

    def _mark_alone(self) -> list[str]:
        """Return the lines that mark the rows one by one: one of them is far from the anchor."""
        mark = (
            f"curve = mark_bar(curve, sums, a.cash, ts_ns_col[base + j], {self.market}[base + j], "
            "element(equities, j), held_rows >> j & 1 != 0)"
        )
        return [
            "lost = market_bars",
            *self._write_curve("base", "curve.last_ts_ns", "curve.last_close"),
            f"for j in range({WIDTH}):",
            f"    {mark}",
            *self._read_curve(),
            "market_bars = lost",
        ]


def _gain_lines() -> list[str]:
    return [
        "gains = gain_of(anchor, shifted(equities, equity_before), equities)",
        "losses = loss_of(gains)",
        "sum_returns = sum_returns + gains",
        "sum_return_squares = sum_return_squares + gains * gains",
        "sum_downside_squares = sum_downside_squares + losses * losses",
    ]


def _drawdown_lines(peak: str, per_peak: str) -> list[str]:
    return [
        f"drawdowns = ({peak} - equities) * {per_peak}",
        "sum_drawdowns = sum_drawdowns + drawdowns",
        "worst = select(drawdowns > worst, drawdowns, worst)",
    ]


def _mark_together() -> list[str]:
    """Return the lines that mark the account at the eight closes."""
    return [
        *_gain_lines(),
        "if bits_in(equities >= peak) != 0:",
        *indent([
            "tops = highest_so_far(select(equities > peak, equities, peak))",
            "reached = bits_in(equities >= shifted(tops, peak))",
            "pers = select(mask_of(-1 << lowest_bit(reached)), per(anchor, tops), per_peak)",
            *_drawdown_lines("tops", "pers"),
            f"for j in range({WIDTH}):",
            "    drawdown_bars = 0 if reached >> j & 1 != 0 else drawdown_bars + 1",
            "    longer = drawdown_bars > drawdown_bars_max",
            "    drawdown_bars_max = drawdown_bars if longer else drawdown_bars_max",
            f"peak, per_peak = element(tops, {WIDTH - 1}), element(pers, {WIDTH - 1})",
        ]),
        "else:",
        *indent([
            *_drawdown_lines("peak", "per_peak"),
            f"drawdown_bars += {WIDTH}",
            "longer = drawdown_bars > drawdown_bars_max",
            "drawdown_bars_max = drawdown_bars if longer else drawdown_bars_max",
        ]),
        f"equity_before = element(equities, {WIDTH - 1})",
    ]  # fmt: skip
