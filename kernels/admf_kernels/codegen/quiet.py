"""The pass over quiet bars: those on which a lane does not need the engine.

It takes bar after bar as long as all lanes are quiet, with what changes on every bar in
registers. The first bar on which something happens to some lanes is taken for the others; these
are flagged, nothing of the bar done. `near` is memory of the pass alone, of which the compiler
makes registers: the values before the bar, and behind them those after it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from admf_kernels.codegen import engine, run
from admf_kernels.codegen.engine import EXTRAS, PRICES, Form
from admf_kernels.codegen.lane_memory import FIXED, LaneMemory, follows
from admf_kernels.codegen.text import class_name, indent
from admf_kernels.contract import Strategy
from admf_kernels.execution import metrics, terms
from admf_kernels.execution.following import Guarded, evened, trailed
from admf_kernels.execution.terms import FOLLOWS_EVEN, FOLLOWS_TRAIL
from admf_kernels.layout import fields_of

CALLED: tuple[Callable[..., Any], ...] = (evened, trailed, metrics.marked, metrics.strays)
# What is only counted: brought up to date when the pass stops.
COUNTED = (
    ("curve", "bars"), ("curve", "first_ts_ns"), ("curve", "first_close"),
    ("curve", "last_ts_ns"), ("curve", "last_close"),
)  # fmt: skip
COUNTS = (
    ("curve", "bars"), ("curve", "last_ts_ns"), ("curve", "last_close"),
    ("book", "sequence"), ("book", "bar_sequence"),
)  # fmt: skip
ANCHOR = ("curve", "anchor")  # which stays on quiet bars
PER_LANE = ("atr", "atr_before", "deviation")  # columns of the engine's alone


def may_be_quiet(form: Form) -> bool:
    """Return whether there are bars on which no lane needs the engine."""
    u = form.uses
    return not (u.financing or u.venue or u.limits or form.general)


class QuietPass(LaneMemory):
    """The source of the pass over quiet bars."""

    def __init__(self, kernel: Strategy, features: Sequence[str], form: Form) -> None:
        super().__init__(kernel, features, form)
        self._read: dict[tuple[str, str], None] = {}
        self._written: dict[tuple[str, str], None] = {}

    def word(self, group: str, field: str) -> str:
        """Return where a field of lane ``k`` is read: as it was before the bar."""
        if (group, field) not in self.hot:
            return super().word(group, field)
        self._read[group, field] = None
        return f"near[{self.hot[group, field]} * LANES + k]"

    def target(self, group: str, field: str) -> str:
        """Return where a field of lane ``k`` is written: as it is after the bar."""
        self._written[group, field] = None
        return f"near[{len(self.hot) + self.hot[group, field]} * LANES + k]"

    @property
    def arguments(self) -> list[str]:
        """The arguments of the pass, the last row excluded."""
        more = engine.extras(self.form.uses)
        wanted = [n for n in EXTRAS if n in more and n not in PER_LANE]
        columns = [f"{n}_col" for n in ("ts_ns", *PRICES, *wanted)]
        return ["hot", "fixed", "values", *columns, "seen", "t", "first", "end"]

    def lines(self) -> list[str]:
        """Return the function of the pass.

        It returns the first row that not all lanes have taken: `end`, or one of which the
        lanes are flagged that still have to.
        """
        body = self._body()
        written = [self.hot[key] for key in self._written]
        held = [self.hot[key] for key in {**self._read, **self._written}]
        after = len(self.hot)
        return [
            "", "", f"def pass_quiet({', '.join(self.arguments)}):",
            *indent([
                "near = near_words()",
                *(f"move_lanes(near, {f} * LANES, hot, {f} * LANES)" for f in held),
                "begun, some = t, 0",
                "while t < end:",
                *indent(["seen += 1", "row = t - first", *run.bar_columns(self.form, "t")]),
                *indent(["found = 0", "for k in range(LANES):", *indent(body)]),
                "    if found != 0:",
                "        some = 1",
                "        break",
                *indent([
                    f"move_lanes(near, {f} * LANES, near, {after + f} * LANES)" for f in written
                ]),
                "    t += 1",
                *self._end(),
                "return t",
            ]),
        ]  # fmt: skip

    def _body(self) -> list[str]:
        """Return the lines of one bar of lane ``k``."""
        moves = follows(self.form)
        lines = [
            f"met = {engine.open_condition(self.form, follows=moves)}",
            "held = q.lots != 0.0",
            "higher, lower = held and high > span.highest, held and low < span.lowest",
            "span.highest = select(higher, high, span.highest)",
            "span.lowest = select(lower, low, span.lowest)",
            "span.bars = span.bars + select(held, 1, 0)",
            *(self.write("span", n, f"span.{n}") for n in ("highest", "lowest", "bars")),
            *(self._following() if moves else ()),
            "equity = wallet.cash + q.lots * n.lot_value * close",
            *self._mark_lines(),
            *self._strategy_lines(),
            f"decides = {engine.decide_condition(self.kernel, self.form)}",
            f"wrong = {self.read('', 'status')} == 0 and equity - equity != 0.0",
            "loud = met or decides or not same or far or wrong",
            self.write("", "flag", "select(loud, 1, 0)"),
            "found |= select(loud, 1, 0)",
        ]
        return [*self.values(), *self.with_reads(lines)]

    def _mark_lines(self) -> list[str]:
        """Return the lines that mark the account at the close."""
        fields = fields_of(metrics.Curve)
        # What is only counted is not known here; nothing comes of these values.
        known = {n: "0.0" if "close" in n else "0" for g, n in COUNTED if g == "curve"}
        parts = [known.get(f.name) or self.read("curve", f.name) for f in fields]
        counted = [n for g, n in (*COUNTED, ANCHOR) if g == "curve"]
        return [
            f"before = {class_name(metrics.Curve)}({', '.join(parts)})",
            "far = strays(before.anchor, equity)",
            "curve = marked(before, before.anchor, 0, 0.0, equity, held)",
            *(
                self.write("curve", f.name, f"curve.{f.name}")
                for f in fields
                if f.name not in counted
            ),
        ]

    def _strategy_lines(self) -> list[str]:
        """Return the lines that ask the strategy: is what it wants the `same` as before?

        The signal is that of the bar before, then: `far` tells whether there is equity as well.
        """
        kernel = self.kernel
        lines = ["wanted = 0.0", f"noted = {self.read('', 'wanted')}"]
        if "c" in kernel.arguments:
            lines.append(f"c = {self.value(kernel.constants, 'c')}")
        if kernel.stateful:
            lines.append(f"s = {self.value(kernel.state, 's')}")
        lines += engine.strategy_lines(kernel, "value_{name}", adjusted=self.adjusted)
        if kernel.stateful:
            lines += [self.write("s", f.name, f"s.{f.name}") for f in fields_of(kernel.state)]
        account = self.value(terms.Account, "a")
        return [
            *lines,
            f"signal = wanted_signal({account}, noted, before.anchor)",
            "same = wanted == noted",
        ]

    def _following(self) -> list[str]:
        """Return the lines that move the stop, and what `matching.heed` has noted of it."""
        exits, instrument = self.value(terms.Exits, "x"), self.value(FIXED["n"], "n")
        held = f"{class_name(Guarded)}(q.lots, q.entry_price, q.entry_atr, q.stop, q.stop_role)"
        lines = [f"guarded = {held}"]
        if self.form.uses.following & FOLLOWS_EVEN:
            best = "select(q.lots > 0.0, span.highest, span.lowest)"
            lines.append(f"guarded = evened({exits}, {instrument}, guarded, {best})")
        if self.form.uses.following & FOLLOWS_TRAIL:
            seen = "select(q.lots > 0.0, high, low)"
            lines.append(f"guarded = trailed({exits}, {instrument}, guarded, {seen})")
        long = "held and q.lots > 0.0 and guarded.stop > intent.below"
        short = "held and q.lots < 0.0 and guarded.stop > 0.0 and guarded.stop < intent.above"
        return [
            *lines,
            self.write("q", "stop", "select(held, guarded.stop, q.stop)"),
            self.write("q", "stop_role", "select(held, guarded.stop_role, q.stop_role)"),
            self.write("intent", "below", f"select({long}, guarded.stop, intent.below)"),
            self.write("intent", "above", f"select({short}, guarded.stop, intent.above)"),
        ]

    def _end(self) -> list[str]:
        """Return the lines that bring memory up to date when the pass stops.

        A lane that is not flagged has taken the last bar as well. All is done in `near`, lane
        beside lane and without a choice that is the same for all: else it would stay memory.
        """
        after = len(self.hot)
        flag = self.hot["", "flag"]
        kept = [self.hot[key] for key in self._written if key != ("", "flag")]
        counted = [self.hot[key] for key in COUNTS]
        close = "close_col[{row}]"
        if self.adjusted:
            at = f"({{row}} - first) * {len(self.features)} + {self.features.index('close')}"
            close = f"values[({at}) * LANES]"
        bars, ts_ns, last_close, sequence, bar_sequence = (
            f"near[{self.hot[key]} * LANES + k]" for key in COUNTS
        )
        return [
            *(f"move_lanes(near, {f} * LANES, hot, {f} * LANES)" for f in counted),
            "here = t - 1 + some",
            f"ts_here, close_here = ts_ns_col[here], {close.format(row='here')}",
            f"ts_before = hot[{self.hot[COUNTS[1]]} * LANES]",
            f"close_before = from_bits(hot[{self.hot[COUNTS[2]]} * LANES])",
            "if t > begun:",
            f"    ts_before, close_before = ts_ns_col[t - 1], {close.format(row='(t - 1)')}",
            "done = here - begun",
            "for k in range(LANES):",
            *indent([
                f"goes = near[{after + flag} * LANES + k] == 0",
                *(
                    f"near[{f} * LANES + k] = "
                    f"select(goes, near[{after + f} * LANES + k], near[{f} * LANES + k])"
                    for f in kept
                ),
                f"near[{flag} * LANES + k] = near[{after + flag} * LANES + k]",
                "taken = done + select(goes, 1, 0)",
                f"{bars} += taken",
                f"{sequence} += taken",
                f"{ts_ns} = select(goes, ts_here, ts_before)",
                f"{last_close} = bits_of(select(goes, close_here, close_before))",
                f"{bar_sequence} = select(taken > 0, {sequence}, {bar_sequence})",
            ]),
            *(f"move_lanes(hot, {f} * LANES, near, {f} * LANES)" for f in (*kept, flag, *counted)),
        ]  # fmt: skip


def names() -> dict[str, object]:
    """Return what the source of the pass calls that the run driver does not."""
    classes = {class_name(cls): cls for cls in (Guarded, terms.Exits, FIXED["n"])}
    return {**classes, **{f.__name__: f for f in CALLED}}
