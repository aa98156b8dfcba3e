"""Eight bars of a lane at a time, one register of the widest for each column.

A lane's account is its position's value at eight closes, for as long as the position stays. A bar
on which something happens is taken alone, in the run driver's own lines, which may change the
position for the bars after it; what the eight equities are is known then, and they are marked
together. They stand beside the parts of the curve's sums that they add to
(`execution.metrics.Sums`), so that eight at once leave the bits of eight one after the other. The
functions that decide a bar are those the run driver calls, compiled for eight numbers.

Names in the source: ``base`` is the first of the eight rows; ``row`` and ``last`` count among
them; `loose` is the first row of which records do not know yet, `unseen` the first of which the
position's extremes do not.
"""

from collections.abc import Callable
from typing import Any

from admf_kernels.codegen import engine, marks, stops
from admf_kernels.codegen.asking import asked_ahead
from admf_kernels.codegen.eight import NAMES, WIDTH
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.text import indent
from admf_kernels.contract import Strategy
from admf_kernels.execution import metrics
from admf_kernels.execution.brackets import distance, rounded
from admf_kernels.execution.following import even_level, trail_level
from admf_kernels.numeric import inf, select

CALLED: tuple[Callable[..., Any], ...] = (
    distance, rounded, even_level, trail_level, metrics.per, metrics.gain_of, metrics.gain_on,
    metrics.loss_of,
)  # fmt: skip
ALL = (1 << WIDTH) - 1
# What may be traded with, and what may not; neither is infinite or NaN.
SOUND = "((equities > 0.0) & (equities < inf))"
OWED = "((equities <= 0.0) & (equities > -inf))"
ROWS = "row_highs, row_lows = load_eight(high_col, base), load_eight(low_col, base)"
EXTREMES = "highs, lows = eight_of(span.highest), eight_of(span.lowest)"
SEEN = "span.highest, span.lowest = highest_of(highs), lowest_of(lows)"


def may_be_quiet(form: Form) -> bool:
    """Return whether there are bars on which a lane does not need the engine."""
    u = form.uses
    return not (u.financing or u.venue or u.limits or form.general)


def names() -> dict[str, object]:
    """Return what the lines call that the run driver does not."""
    functions = {f.__name__: f for f in (*CALLED, *NAMES, select)}
    return {**functions, "inf": inf}


def _further(row_highs: str, row_lows: str, rows: str = "") -> list[str]:
    """Return the lines that take highs and lows of eight rows, or some of them, into extremes."""
    return [
        f"highs = select({rows}({row_highs} > highs), {row_highs}, highs)",
        f"lows = select({rows}({row_lows} < lows), {row_lows}, lows)",
    ]


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
        self.follows = form.uses.following != 0
        self.trails = stops.trails(form)
        # Most positions are closed before anybody asks for their extremes.
        self.late = not (self.follows or form.uses.actions)
        # Otherwise an order fills, or ends, at the close that made it.
        self.waits = form.uses.resting or not form.uses.same_close
        self.reads = self.waits or not self.late  # highs and lows

    def lines(self) -> list[str]:
        """Return the lines that take all whole eights from row ``t`` to ``stop``."""
        return [
            "base, loose, unseen, lead = t, t, t, seen - t",
            *marks.read_lines(),
            "equity = equity_before",
            *self._read_records(),
            f"while base + {WIDTH} <= stop:",
            *indent([
                *(self._whole() if self.ahead else []),
                *(["wished = load_eight(wishes_here, base)",
                   "changed = bits_in(wished != shifted(wished, wanted))"] if self.ahead else []),
                *([ROWS] if self.reads else []),
                "closes = load_eight(close_col, base)",
                "equities = cash + units * closes",
                "row = 0",
                "while True:",
                *indent([
                    *self._find_loud(),
                    f"if not rarely(last != {WIDTH}):",
                    "    break",
                    "t = base + last",
                    "seen = lead + t + 1",
                    *self._write_records("t"),
                    *self._see_for_trades(),
                    *self.loud,
                    "loose = t + 1",
                    # Of a new position nothing is to be seen yet; one row twice changes nothing.
                    *(["unseen = t + 1 if span.bars < 2 else unseen"] if self.late else []),
                    *self._read_records(),
                    "later = mask_of(-1 << last)",
                    "equities = select(later, cash + units * closes, equities)",
                    "market_bars += 0 if units == 0.0 else 1",
                    "row = last + 1",
                    f"if row == {WIDTH}:",
                    "    break",
                ]),
                *marks.together(),
                f"base += {WIDTH}",
            ]),
            "t = base",
            "seen = lead + t",
            *self._write_records("t"),
            *(self._see("t") if self.late else []),
            *marks.write_lines("t", "ts_ns_col[t - 1]", f"{self.market}[t - 1]"),
        ]  # fmt: skip

    def _read_records(self) -> list[str]:
        """Return the lines that read what a bar taken alone may have changed."""
        prices = [
            "below = intent.below if intent.working != 0 else -inf",
            "above = intent.above if intent.working != 0 else inf",
        ]
        unsettled = [*engine.UNSETTLED, *([] if self.waits else ["intent.working != 0"])]
        lines = [
            "cash, units = wallet.cash, q.lots * n.lot_value",
            *(prices if self.waits else []),
            *([] if self.late else [EXTREMES]),
            # As long as the equity does not come to the other side of 0.
            "sound = equity > 0.0",
            "signal = wanted_signal(a, wanted, equity)",
            f"settled = not ({' or '.join(unsettled)})",
        ]
        return [*lines, *(stops.read_lines(self.form) if self.follows else [])]

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
            *indent([
                *([] if self.late else [SEEN]),
                *(stops.write_lines() if self.trails else []),
            ], 2),
        ]  # fmt: skip

    def _see_for_trades(self) -> list[str]:
        """Return the lines that take all extremes so far where trades are kept, which have them."""
        return ["if rarely(log.trades != 0):", *indent(self._see("t"))] if self.late else []

    def _see(self, row: str) -> list[str]:
        """Return the lines that take the extremes of the rows before a row into the position."""
        return [
            f"if units != 0.0 and unseen < {row}:",
            *indent([
                EXTREMES,
                f"while unseen + {WIDTH} <= {row}:",
                *indent([
                    "more_highs = load_eight(high_col, unseen)",
                    "more_lows = load_eight(low_col, unseen)",
                    *_further("more_highs", "more_lows"),
                    f"unseen += {WIDTH}",
                ]),
                SEEN,
                f"while unseen < {row}:",
                "    high, low = high_col[unseen], low_col[unseen]",
                "    span.highest = high if high > span.highest else span.highest",
                "    span.lowest = low if low < span.lowest else span.lowest",
                "    unseen += 1",
            ]),
        ]  # fmt: skip

    def _whole(self) -> list[str]:
        """Return the lines that take eights of which all rows are quiet, without a new peak."""
        flat = "units == 0.0 and equity_before == cash and equity_before > 0.0 and settled"
        return [
            "row = 0",
            f"if {flat}:",
            *indent([
                "drawdown = (peak - equity_before) * per_peak",
                "begun = base",
                *marks.fetch_lines("drawdowns"),
                *self._whole_flats(),
                *marks.keep_lines("drawdowns"),
                "if base > begun:",
                "    drawdown_max = select(drawdown > drawdown_max, drawdown, drawdown_max)",
                "    drawdown_bars = 0 if equity_before == peak else drawdown_bars + base - begun",
                "    longer = drawdown_bars > drawdown_bars_max",
                "    drawdown_bars_max = drawdown_bars if longer else drawdown_bars_max",
            ]),
            f"elif settled and equity_before > {metrics.LEAST}:",
            *indent(self._whole_held()),
            f"if base + {WIDTH} > stop:",
            "    break",
        ]  # fmt: skip

    def _whole_flats(self) -> list[str]:
        if not self.waits:
            return self._whole_flat(priced=False)
        return [
            "if intent.working == 0:",
            *indent(self._whole_flat(priced=False)),
            "else:",
            *indent(self._whole_flat(priced=True)),
        ]

    def _whole_flat(self, *, priced: bool) -> list[str]:
        before, when = self._conditions(held=False, priced=priced)
        return [
            f"while base + {WIDTH} <= stop:",
            *indent([
                *before,
                f"if rarely(bits_in({' & '.join([*when, self._same()])}) != {ALL}):",
                "    break",
                "sum_drawdowns = sum_drawdowns + drawdown",
                f"base += {WIDTH}",
            ]),
        ]  # fmt: skip

    def _whole_held(self) -> list[str]:
        before, when = self._conditions(held=True, priced=self.waits)
        aged = f" and span.bars + base - loose + {WIDTH} < x.max_bars"
        when = [f"(equities > {metrics.LEAST})", "(equities < peak)", *when]
        return [
            *marks.fetch_lines(),
            "begun, befores = base, eight_of(equity_before)",
            f"while base + {WIDTH} <= stop{aged if self.form.uses.max_bars else ''}:",
            *indent([
                f"if rarely(bits_in({self._same()}) != {ALL}):",
                "    break",
                *([ROWS] if self.reads else []),
                "equities = cash + units * load_eight(close_col, base)",
                *before,
                f"if rarely(bits_in({' & '.join(when)}) != {ALL}):",
                "    break",
                "gains = gain_on(shifted(equities, befores), equities)",
                *marks.gain_lines(),
                *marks.drawdown_lines("peak", "per_peak"),
                "befores = equities",
                *([] if self.late else _further("row_highs", "row_lows")),
                *([f"guarding = element(stops, {WIDTH - 1})"] if self.trails else []),
                f"base += {WIDTH}",
            ]),
            *marks.keep_lines(),
            f"equity_before = element(befores, {WIDTH - 1})",
            "drawdown_bars += base - begun",
            "longer = drawdown_bars > drawdown_bars_max",
            "drawdown_bars_max = drawdown_bars if longer else drawdown_bars_max",
        ]  # fmt: skip

    def _same(self) -> str:
        return "(load_eight(wishes_here, base) == wanted)"

    def _find_loud(self) -> list[str]:
        """Return the lines that find the next row that is not quiet: ``last``, 8 for none."""
        before, when = self._conditions(held=True, priced=self.waits)
        sound = f"({SOUND} if sound else {OWED})"
        rows = "mask_of((1 << last) - (1 << row))"
        return [
            "last = row",
            "if settled:",
            *indent([
                *before,
                *self._loud_rows([sound, *when]),
                f"last = lowest_bit((loud | {1 << WIDTH}) >> row << row)",
                *(self._aged() if self.form.uses.max_bars else []),
                *([] if self.ahead else self._step_rows()),
                *(
                    [] if self.late
                    else [f"rows = {rows}", *_further("row_highs", "row_lows", "rows & ")]
                ),
                *(
                    ["guarding = element(stops, last - 1) if last > row else guarding"]
                    if self.trails else []
                ),
            ]),
        ]  # fmt: skip

    def _loud_rows(self, when: list[str]) -> list[str]:
        """Return the lines that find the rows that are not quiet: ``loud``, a bit for each."""
        felt = f"bits_in(~({' & '.join(when)}))"
        if not self.ahead:
            return [f"loud = {felt}"]
        if self.waits:
            return [f"loud = changed | {felt}"]
        # Almost all are those of another wish. Which row comes next then does not wait for what
        # the last fill has left in cash: a processor is there while it still adds that up.
        return [
            f"loud, felt = changed, {felt}",
            "if rarely(felt >> row != 0):",
            "    loud |= felt",
        ]

    def _aged(self) -> list[str]:
        """Return the lines that end the quiet rows where the position is too old."""
        return [
            "old = loose - base + int(x.max_bars) - span.bars - 1",
            "old = row if old < row else old",
            "last = old if units != 0.0 and old < last else last",
        ]

    def _conditions(self, *, held: bool, priced: bool) -> tuple[list[str], list[str]]:
        """Return what quiet rows are, strategy and equity apart, and the lines before that.

        Not `held`: there is no position. Not `priced`: no order is working, no price is met.
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
            before, more = stops.facing(self.form)
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

    def _step_rows(self) -> list[str]:
        """Return the lines that ask a strategy about its account, up to a row it wants more on."""
        kernel = self.kernel
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
                *engine.bar_reads(kernel, "base + j"),
                *asked,
                f"if {' or '.join([*wants, 'wanted != noted'])}:",
                *indent([*(["s = s_before"] if kernel.stateful else []), "last = j", "break"]),
            ]),
            "wanted = noted",
        ]  # fmt: skip
