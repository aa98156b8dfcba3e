"""The lane driver: `LANES` parameter sets of one strategy, side by side, bar after bar.

What changes on every bar is kept as ``[field][lane]`` (`hot`) while the driver runs, and three
passes over all lanes take a bar: one counts and finds the lanes whose orders meet it, one asks
the strategies, one marks the accounts. The compiler makes packed arithmetic of them, since the
lane count is a literal and nothing they write is anything they read. Only lanes on which
something happens call the engine, one at a time, on state that lies as that of a run alone.
The lines of a bar are the run driver's own, so a lane is the stand-alone run.

One lane, the tap, can also write what the run driver writes: per-bar outputs, events, checksum;
the events of the others go nowhere.

Table: as that of the run driver; then the tap (-1 for none), the first column, where that of
each feature begins after it by lane, the event counters of the lanes whose events go nowhere,
`hot`, and the constants by lane.
"""

import re
from collections.abc import Sequence

from admf_kernels.codegen import engine, run
from admf_kernels.codegen.engine import CLOSE, DECIDE, OPEN, Form
from admf_kernels.codegen.text import class_name, indent
from admf_kernels.contract import ADJUSTMENT, Strategy
from admf_kernels.execution import bar, metrics, records, terms
from admf_kernels.layout import fields_of

LANES = 64
EXTRA = ("tap", "columns", "feature_columns", "void_counts", "hot", "fixed")
# What the passes read of the groups that only the engine changes.
MIRRORED: dict[str, tuple[str, ...]] = {
    "q": ("lots", "entry_price"),
    "wallet": ("cash",),
    "intent": ("signal", "blocked", "again", "working", "below", "above"),
    "guard": ("day",),
}
CLASSES: dict[str, type] = {**records.SHARED, **records.OWN, "curve": metrics.Curve}
# What a pass leaves for the engine, and what is kept of each lane: the first bar on which a
# number could not be used, and a hash over all changes of its signal.
NOTES = ("flag", "signal")
KEPT = ("status", "digest")
FIXED: dict[str, type] = {n: terms.CONSTANTS[n] for n in ("a", "n", "x")}
# Of the hash over signals; odd, from the fractional part of the golden ratio.
DIGEST_KEY = -7046029254386353131


def hot_fields(kernel: Strategy) -> list[tuple[str, str]]:
    """Return what `hot` holds, in order: group or "" and field."""
    held = [("s", f.name) for f in fields_of(kernel.state)] if kernel.stateful else []
    held += [(n, f.name) for n, cls in engine.EVERY_BAR.items() for f in fields_of(cls)]
    held += [(n, f) for n, names in MIRRORED.items() for f in names]
    asked = [f.name for f in fields_of(records.Request)]
    held += [(f"asked{k}", f) for k in range(kernel.orders) for f in asked]
    return [*held, *(("", n) for n in (*NOTES, *KEPT))]


def fixed_fields(kernel: Strategy) -> list[tuple[str, str]]:
    """Return the constants by lane, in order: group and field."""
    classes = {"c": kernel.constants, **FIXED} if "c" in kernel.arguments else FIXED
    return [(n, f.name) for n, cls in classes.items() for f in fields_of(cls)]


class _Source:
    """The source of the lane driver of one strategy, put together."""

    def __init__(self, kernel: Strategy, features: Sequence[str], form: Form) -> None:
        self.kernel = kernel
        self.features = list(features)
        self.form = form
        self.hot = {key: k for k, key in enumerate(hot_fields(kernel))}
        self.fixed = {key: k for k, key in enumerate(fixed_fields(kernel))}
        self.words = engine.state_words(kernel, form.uses)
        self.adjusted = ADJUSTMENT in features
        session = ("session", "minutes_left") if form.uses.sessions else ()
        corporate = ("split", "dividend") if form.uses.actions else ()
        self.scalars = ("t", "seen", "ts_ns", *engine.PRICES, *session, *corporate)

    # Where things are.

    def kind(self, group: str, field: str) -> str:
        """Return the kind of a field of a group: float, int or bool."""
        if group == "":
            return "float" if field == "signal" else "int"
        if group == "s":
            cls: type = self.kernel.state
        elif group == "c":
            cls = self.kernel.constants
        elif group.startswith("asked"):
            cls = records.Request
        else:
            cls = FIXED.get(group) or CLASSES[group]
        return {f.name: f.kind for f in fields_of(cls)}[field]

    def read(self, group: str, field: str) -> str:
        """Return the expression of a field of lane ``k``."""
        held, memory = (self.hot, "hot") if (group, field) in self.hot else (self.fixed, "fixed")
        word = f"{memory}[{held[group, field]} * LANES + k]"
        kind = self.kind(group, field)
        if kind == "float":
            return f"from_bits({word})"
        return f"{word} != 0" if kind == "bool" else word

    def write(self, group: str, field: str, value: str) -> str:
        """Return the line that writes a field of lane ``k``."""
        kind = self.kind(group, field)
        word = f"bits_of({value})" if kind == "float" else f"int({value})"
        return f"hot[{self.hot[group, field]} * LANES + k] = {word}"

    def value(self, cls: type, group: str) -> str:
        """Return the expression of a whole group of lane ``k`` as its class."""
        return f"{class_name(cls)}({', '.join(self.read(group, f.name) for f in fields_of(cls))})"

    def with_reads(self, lines: list[str]) -> list[str]:
        """Return lines about records as lines about lane ``k``, preceded by what they read."""
        groups = "|".join((*MIRRORED, "book", "span", *FIXED))
        found: dict[str, str] = {}

        def local(match: re.Match[str]) -> str:
            group, field = match.groups()
            name = f"{group}_{field}"
            found[name] = f"{name} = {self.read(group, field)}"
            return name

        changed = [re.sub(rf"(?<![\w.])({groups})\.(\w+)\b", local, line) for line in lines]
        return [*found.values(), *changed]

    # The passes.

    def passes(self) -> list[str]:
        """Return the functions of the three passes."""
        memory = "hot, fixed, columns, feature_columns, ready"
        arguments = f"{memory}, {', '.join(self.scalars)}"
        body = {
            "pass_open": self._open_pass(),
            "pass_warm": self._decide_pass("if seen >= ready[k]:"),
            "pass_decide": self._decide_pass(""),
            "pass_mark": self._mark_pass(),
        }
        lines = []
        for name, inside in body.items():
            lines += ["", "", f"def {name}({arguments}):", "    busy = 0"]
            lines += indent(["for k in range(LANES):", *indent(inside), "return busy"])
        return lines

    def _open_pass(self) -> list[str]:
        counted = [
            f"meets = {engine.open_condition(self.form)}",
            "held = (q.lots != 0.0) and not meets",
            self.write("", "flag", "select(meets, 1, 0)"),
            self.write("book", "sequence", "book.sequence + select(meets, 0, 1)"),
            self.write(
                "book", "bar_sequence", "select(meets, book.bar_sequence, book.sequence + 1)"
            ),
            self.write("span", "bars", "span.bars + select(held, 1, 0)"),
            self.write(
                "span", "highest", "select(held and high > span.highest, high, span.highest)"
            ),
            self.write("span", "lowest", "select(held and low < span.lowest, low, span.lowest)"),
            "busy |= select(meets, 1, 0)",
        ]
        return self.with_reads(self._scalars_of_splits(counted))

    def _scalars_of_splits(self, lines: list[str]) -> list[str]:
        """Return the lines with the row's split and dividend instead of their columns."""
        return [re.sub(r"\b(split|dividend)_col\[t\]", r"\1", line) for line in lines]

    def _decide_pass(self, condition: str) -> list[str]:
        kernel, form = self.kernel, self.form
        step = engine.strategy_lines(kernel, "value_{name}", adjusted=self.adjusted)
        lines = [
            "equity = wallet.cash + q.lots * n.lot_value * close",
            "wanted = 0.0",
            *([f"asked = ({'keep(), ' * kernel.orders})"] if kernel.orders and condition else []),
            *([condition, *indent(step)] if condition else step),
            f"signal = wanted_signal({self.value(terms.Account, 'a')}, wanted, equity)",
            f"decides = {engine.decide_condition(kernel, form)}",
            f"closes = {engine.close_condition(form)}",
            "ends = select(decides, 1, 0) + select(closes, 2, 0)",
            "bad = not (wanted >= -1.0 and wanted <= 1.0)",
            self._note_status("bad", bar.BAD_SIGNAL),
            self.write("", "flag", "ends"),
            self.write("", "signal", "signal"),
        ]
        if kernel.stateful:
            lines += [self.write("s", f.name, f"s.{f.name}") for f in fields_of(kernel.state)]
        for k in range(kernel.orders):
            names = [f.name for f in fields_of(records.Request)]
            lines += [self.write(f"asked{k}", n, f"asked[{k}].{n}") for n in names]
        first = self._values()
        if "c" in kernel.arguments:
            first.append(f"c = {self.value(kernel.constants, 'c')}")
        if kernel.stateful:
            first.append(f"s = {self.value(kernel.state, 's')}")
        return [*first, *self.with_reads([*lines, "busy |= ends"])]

    def _values(self) -> list[str]:
        return [
            f"value_{name} = columns[feature_columns[{j} * LANES + k] + t]"
            for j, name in enumerate(self.features)
        ]

    def _mark_pass(self) -> list[str]:
        market = "close"
        first = []
        if self.adjusted:
            j = self.features.index("close")
            first = [f"market = columns[feature_columns[{j} * LANES + k] + t]"]
            market = "market"
        marked = [
            "equity = wallet.cash + q.lots * n.lot_value * close",
            f"curve = mark_bar({self.value(metrics.Curve, 'curve')}, a.cash, ts_ns, {market}, "
            "equity, q.lots != 0.0)",
            *(self.write("curve", f.name, f"curve.{f.name}") for f in fields_of(metrics.Curve)),
            self._note_status("(curve.equity - curve.equity != 0.0)", bar.BAD_EQUITY),
        ]
        return [*first, *self.with_reads(marked)]

    def _note_status(self, condition: str, code: int) -> str:
        """Return the line that keeps the first bar on which a number could not be used."""
        before = self.read("", "status")
        noted = f"select({before} == 0 and {condition}, {code} + 16 * t, {before})"
        return self.write("", "status", noted)

    # The lanes on which something happens.

    def lane_records(self) -> list[str]:
        """Return the lines that make the records of lane ``k``, as the run driver has them."""
        return [
            "engine_table = tables[k]",
            *run.engine_records("engine_table"),
            *engine.record_lines(self.kernel, f"table[1] + 8 * {self.words} * k"),
        ]

    def down(self) -> list[str]:
        """Return the lines that bring the engine's state of lane ``k`` up to date."""
        return [
            f"{group}.{f.name} = {self.read(group, f.name)}"
            for group in ("book", "span")
            for f in fields_of(CLASSES[group])
        ]

    def up(self) -> list[str]:
        """Return the lines that bring `hot` up to date after the engine was called."""
        changed = [(g, f.name) for g in ("book", "span") for f in fields_of(CLASSES[g])]
        changed += [(g, f) for g, names in MIRRORED.items() for f in names]
        return [self.write(g, f, f"{g}.{f}") for g, f in changed]

    def busy_lanes(self, lines: list[str]) -> list[str]:
        """Return the loop over the lanes that a pass has flagged."""
        voids = [f"void_counts[{j}] = 0" for j in range(len(engine.EVENT_TABLES))]
        return [
            "for k in range(LANES):",
            f"    flag = {self.read('', 'flag')}",
            "    if flag != 0:",
            *indent([*self.lane_records(), *self.down(), *voids], 2),
            f"        status = {self.read('', 'status')}",
            *indent([*lines, *self.up(), self.write("", "status", "status")], 2),
        ]

    def open_lanes(self) -> list[str]:
        """Return the lines that take the first stage of the flagged lanes."""
        last = "(close_col[t - 1] if seen > 1 else 0.0)"
        if not self.adjusted:
            last = self.read("curve", "last_close")
        return self.busy_lanes(run.call_lines(OPEN, "0", last))

    def decide_lanes(self) -> list[str]:
        """Return the lines that take the last stages of the flagged lanes."""
        key = f"({DIGEST_KEY})"
        digest = f"({self.read('', 'digest')} * {key} ^ ts_ns) * {key} ^ bits_of(signal)"
        asked = [f.name for f in fields_of(records.Request)]
        requests = []
        for k in range(self.kernel.orders):
            requests.append(f"request = at_Request(asked_at + {8 * len(asked) * k})")
            requests += [f"request.{n} = {self._asked(k, n)}" for n in asked]
        decide = [
            f"signal = {self.read('', 'signal')}",
            "if flag & 1 != 0:",
            "    if signal != intent.signal:",
            f"        {self.write('', 'digest', digest)}",
            *indent([*self._values(), *requests]),
            *indent(run.call_lines(DECIDE, "bits_of(signal)", "close")),
        ]
        close = engine.close_lines(self.form, run.call_lines(CLOSE, "0", "close"))
        return self.busy_lanes([*decide, *close])

    def _asked(self, k: int, name: str) -> str:
        value = self.read(f"asked{k}", name)
        if self.adjusted and name in engine.REQUESTED_PRICES:
            return f"{value} / value_{ADJUSTMENT}"
        return value

    # The driver.

    def moves(self) -> tuple[list[str], list[str]]:
        """Return the lines that fill `hot` from the state of lane ``k``, and those back."""
        at = engine.offsets(self.kernel)
        loads, stores = [], []
        for group, field in self.hot:
            if group == "" or group.startswith("asked"):
                continue
            cls = self.kernel.state if group == "s" else CLASSES[group]
            word = f"state_i[{self.words} * k + {at[group] + _place(cls, field)}]"
            memory = f"hot[{self.hot[group, field]} * LANES + k]"
            loads.append(f"{memory} = {word}")
            if group not in MIRRORED:
                stores.append(f"{word} = {memory}")
        return loads, stores

    def tap_lines(self) -> list[str]:
        """Return the lines that record the tap's bar."""
        own = {"s": self.kernel.state} if self.kernel.stateful else {}
        groups = {**own, "curve": metrics.Curve}
        return [
            *self.lane_records(),
            *self.down(),
            *(f"{n} = {self.value(cls, n)}" for n, cls in groups.items()),
            f"signal = {self.read('', 'signal')}",
            *run.output_lines("t"),
            f"lane_i = words_at(table[1] + 8 * {self.words} * k)",
            "kept, called = 0, 1",
            *engine.hash_lines(self.kernel, self.form, "lane", run.COUNTED),
            "checksum[t] += share",
        ]

    def drive(self) -> list[str]:
        """Return the driver itself."""
        first = len(run.PRELUDE) + len(engine.extras(self.form.uses))
        at = {name: first + k for k, name in enumerate(EXTRA)}
        words = ("feature_columns", "void_counts", "hot", "fixed")
        loads, stores = self.moves()
        memory = "hot, fixed, columns, feature_columns, ready_lanes"
        arguments = f"{memory}, {', '.join(self.scalars)}"
        corporate = ("split", "dividend") if self.form.uses.actions else ()
        body = [
            *run.setup_lines(self.form, ()),
            *(f"{n} = words_at(table[{at[n]}])" for n in words),
            f"tap = table[{at['tap']}]",
            f"columns = floats_at(table[{at['columns']}])",
            "tables = words_at(table[7])",
            "seen = state_i[0]",
            "last_ready = 0",
            "for k in range(LANES):",
            "    if ready_lanes[k] > last_ready:",
            "        last_ready = ready_lanes[k]",
            *indent(loads),
            "for t in range(start, stop):",
            *indent(["seen += 1", *run.bar_columns(self.form, "t")]),
            *indent([f"{n} = {n}_col[t]" for n in corporate]),
            *indent([f"if pass_open({arguments}) != 0:", *indent(self.open_lanes())]),
            "    if seen >= last_ready:",
            f"        busy = pass_decide({arguments})",
            "    else:",
            f"        busy = pass_warm({arguments})",
            "    if busy != 0:",
            *indent(self.decide_lanes(), 2),
            f"    pass_mark({arguments})",
            "    if tap >= 0:",
            "        k = tap",
            *indent(self.tap_lines(), 2),
            "for k in range(LANES):",
            *indent(stores),
            "state_i[0] = seen",
            "if tap >= 0:",
            "    k = tap",
            f"    return {self.read('', 'status')}",
            "return 0",
        ]
        return ["", "", "def drive(table, start, stop):", *indent(body)]


def source(kernel: Strategy, features: Sequence[str], form: Form) -> str:
    """Return the source of the lane driver of `kernel`, reading `features` in that order."""
    made = _Source(kernel, features, form)
    return "\n".join([f"LANES = {LANES}", *made.passes(), *made.drive()]) + "\n"


def _place(cls: type, field: str) -> int:
    return [f.name for f in fields_of(cls)].index(field)
