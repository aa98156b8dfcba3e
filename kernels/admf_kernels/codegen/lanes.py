"""The lane driver: `LANES` parameter sets of one strategy, side by side, bar after bar.

What changes on every bar is kept as ``[field][lane]`` (`hot`) while the driver runs, and two
passes over all lanes take a bar: one finds the lanes whose orders meet it, left out while there
are no orders; one counts the bar, asks the strategies and marks the accounts. The compiler makes
packed arithmetic of them, since the lane count is a literal and all they write lies in one block.
Only lanes on which something happens call the engine, one at a time, on state that lies as that
of a run alone; they are marked after it. The lines of a bar are the run driver's own, so a lane
is the stand-alone run.

One lane, the tap, may also write what the run driver writes: per-bar outputs, events,
checksum. The others write those tables of events that are kept, with times where the tap has
rows; the events of other tables go nowhere. What a lane does after a number that cannot be used
means nothing: its status says which, and on which bar.

Table: as that of the run driver, without constants; then `EXTRA`. Columns of features are given
by where they begin after the first column, by lane; then come the memory in which a few rows of
them lie side by side, `hot`, and the constants by lane.
"""

import re
from collections.abc import Sequence

from admf_kernels.codegen import engine, run
from admf_kernels.codegen.engine import CLOSE, DECIDE, OPEN, Form
from admf_kernels.codegen.lane_memory import CLASSES, LANES, MIRRORED, ROWS, LaneMemory
from admf_kernels.codegen.text import indent
from admf_kernels.contract import ADJUSTMENT, Strategy
from admf_kernels.execution import bar, log, metrics, records, terms
from admf_kernels.layout import fields_of

# `tap` is -1 for none; `keeps` has a bit for each table of events that the lanes keep.
EXTRA = ("tap", "keeps", "columns", "feature_columns", "values", "hot", "fixed")
NO_TAP = -1
MARKED = "wallet.cash + q.lots * n.lot_value * close"


class _Source(LaneMemory):
    """The source of the lane driver of one strategy, put together."""

    # The passes.

    def passes(self) -> list[str]:
        """Return the functions of the passes."""
        bodies = {
            "pass_open": self._open_pass(),
            "pass_warm": self._bar_pass("if seen >= ready[k]:"),
            "pass_bar": self._bar_pass(""),
        }
        lines = self._values_pass()
        for name, inside in bodies.items():
            lines += ["", "", f"def {name}({self.arguments('ready')}):", "    found = 0"]
            lines += indent(["for k in range(LANES):", *indent(inside), "return found"])
        return lines

    def arguments(self, ready: str) -> str:
        """Return the arguments of the passes over a bar."""
        return f"hot, fixed, values, {ready}, {', '.join(self.scalars)}"

    def _values_pass(self) -> list[str]:
        """Return the function that puts the features of some rows beside each other by lane."""
        count = len(self.features)
        return [
            *("", "", "def pass_values(values, columns, feature_columns, t, rows):"),
            f"    if rows == {ROWS}:",
            f"        for k in range(0, {count} * LANES, {ROWS}):",
            f"            transpose(values, {count} * LANES, columns, feature_columns, k, t)",
            "    else:",
            f"        for k in range({count} * LANES):",
            "            at = feature_columns[k] + t",
            "            for r in range(rows):",
            f"                values[r * {count} * LANES + k] = columns[at + r]",
            "    return 0",
        ]

    def _open_pass(self) -> list[str]:
        lines = [
            f"meets = {engine.open_condition(self.form)}",
            self.write("", "flag", "select(meets, 1, 0)"),
            "found |= select(meets, 1, 0) + select(intent.working != 0, 2, 0)",
        ]
        # The row's split and dividend are at hand; the run driver reads their columns.
        lines = [re.sub(r"\b(split|dividend)_col\[t\]", r"\1", line) for line in lines]
        return self.with_reads(lines)

    def _bar_pass(self, condition: str) -> list[str]:
        """Return the lines that count a bar, ask the strategy, and mark the account.

        A lane that needs the engine is marked after it.
        """
        lines = [
            f"met = {self.read('', 'flag')} != 0",
            *self._counting_lines(),
            f"equity = {MARKED}",
            *self._strategy_lines(condition),
            f"decides = {engine.decide_condition(self.kernel, self.form)}",
            f"closes = {engine.close_condition(self.form)}",
            "busy = decides or closes",
            "ends = select(decides, 1, 0) + select(closes, 2, 0)",
            "found |= ends",
            self.write("", "flag", "ends"),
            self.write("", "signal", "signal"),
            *self.mark_lines(),
            *(self._unless_busy("curve", f.name) for f in fields_of(metrics.Curve)),
            self._note_status(),
        ]
        return [*self.values(), *self.with_reads(lines)]

    def _counting_lines(self) -> list[str]:
        """Return the lines of the first stage of a lane whose orders the bar does not meet."""
        return [
            "held = (q.lots != 0.0) and not met",
            self.write("book", "sequence", "book.sequence + select(met, 0, 1)"),
            self.write("book", "bar_sequence", "select(met, book.bar_sequence, book.sequence + 1)"),
            "higher, lower = held and high > span.highest, held and low < span.lowest",
            self.write("span", "highest", "select(higher, high, span.highest)"),
            self.write("span", "lowest", "select(lower, low, span.lowest)"),
            # Whoever asks how old the position is counts this bar.
            "span.bars = span.bars + select(held, 1, 0)",
            self.write("span", "bars", "span.bars"),
        ]  # fmt: skip

    def _strategy_lines(self, condition: str) -> list[str]:
        kernel = self.kernel
        step = engine.strategy_lines(kernel, "value_{name}", adjusted=self.adjusted)
        lines = ["wanted = 0.0"]
        if "c" in kernel.arguments:
            lines.append(f"c = {self.value(kernel.constants, 'c')}")
        if kernel.stateful:
            lines.append(f"s = {self.value(kernel.state, 's')}")
        if kernel.orders and condition:
            lines.append(f"asked = ({'keep(), ' * kernel.orders})")
        lines += [condition, *indent(step)] if condition else step
        lines.append(f"signal = wanted_signal({self.value(terms.Account, 'a')}, wanted, equity)")
        if kernel.stateful:
            lines += [self.write("s", f.name, f"s.{f.name}") for f in fields_of(kernel.state)]
        for k in range(kernel.orders):
            names = [f.name for f in fields_of(records.Request)]
            lines += [self.write(f"asked{k}", n, f"asked[{k}].{n}") for n in names]
        return lines

    def values(self) -> list[str]:
        """Return the lines that read the features of lane ``k``."""
        at = f"values[(row * {len(self.features)} + {{j}}) * LANES + k]"
        return [f"value_{name} = {at.format(j=j)}" for j, name in enumerate(self.features)]

    def mark_lines(self) -> list[str]:
        """Return the lines that mark the account of lane ``k`` at the close."""
        market = "value_close" if self.adjusted else "close"
        return [
            f"equity = {MARKED}",
            f"curve = mark_bar({self.value(metrics.Curve, 'curve')}, a.cash, ts_ns, {market}, "
            "equity, q.lots != 0.0)",
        ]

    def _unless_busy(self, group: str, field: str) -> str:
        before = self.read(group, field)
        return self.write(group, field, f"select(busy, {before}, {group}.{field})")

    def _note_status(self) -> str:
        """Return the line that keeps the first bar on which a number could not be used."""
        before = self.read("", "status")
        bad_signal = f"{bar.BAD_SIGNAL} + 16 * seen"
        bad_equity = f"{bar.BAD_EQUITY} + 16 * seen"
        found = f"select(not busy and curve.equity - curve.equity != 0.0, {bad_equity}, 0)"
        found = f"select(not (wanted >= -1.0 and wanted <= 1.0), {bad_signal}, {found})"
        return self.write("", "status", f"select({before} != 0, {before}, {found})")

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
        at = engine.TABLE.index("log")
        return [
            "for k in range(LANES):",
            f"    flag = {self.read('', 'flag')}",
            "    if flag != 0:",
            *indent([*self.lane_records(), *self.down()], 2),
            f"        status = {self.read('', 'status')}",
            "        place = t",
            "        if k != tap:",
            "            place = ts_ns",
            f"            counts = words_at(words[{at}] + {8 * log.COUNTS_AT})",
            f"            for j in range({len(log.TABLES)}):",
            "                if keeps >> j & 1 == 0:",
            "                    counts[j] = 0",
            *indent([*lines, *self.up(), self.write("", "status", "status")], 2),
            "        if intent.working != 0:",
            "            waiting = 1",
        ]

    def open_lanes(self) -> list[str]:
        """Return the lines that take the first stage of the flagged lanes."""
        last = "(close_col[t - 1] if seen > 1 else 0.0)"
        if not self.adjusted:
            last = self.read("curve", "last_close")
        return self.busy_lanes(_engine_call(OPEN, "0", last))

    def decide_lanes(self) -> list[str]:
        """Return the lines that take the last stages of the flagged lanes."""
        asked = [f.name for f in fields_of(records.Request)]
        requests = []
        for k in range(self.kernel.orders):
            requests.append(f"request = at_Request(asked_at + {8 * len(asked) * k})")
            requests += [f"request.{n} = {self._asked(k, n)}" for n in asked]
        decide = [
            f"signal = {self.read('', 'signal')}",
            "if flag & 1 != 0:",
            *indent([*self.values(), *requests]),
            *indent(_engine_call(DECIDE, "bits_of(signal)", "close")),
        ]
        close = engine.close_lines(self.form, _engine_call(CLOSE, "0", "close"))
        marked = [
            *self.values()[: 0 if not self.adjusted else None],
            *self.mark_lines(),
            *(self.write("curve", f.name, f"curve.{f.name}") for f in fields_of(metrics.Curve)),
            "if status == 0 and curve.equity - curve.equity != 0.0:",
            f"    status = {bar.BAD_EQUITY} + 16 * seen",
            self.write("", "flag", "0"),
        ]
        return self.busy_lanes([*decide, *close, *marked])

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
        loads, stores = self.moves()
        body = [
            *self._setup(),
            *("for k in range(LANES):", *indent(loads)),
            "for first in range(start, stop, ROWS):",
            "    last = first + ROWS if first + ROWS < stop else stop",
            "    pass_values(values, columns, feature_columns, first, last - first)",
            "    for t in range(first, last):",
            *indent(self._bar(), 2),
            *("for k in range(LANES):", *indent(stores)),
            "state_i[0] = seen",
            "if tap >= 0:",
            "    k = tap",
            f"    status = {self.read('', 'status')}",
            "    if status != 0:",
            "        return (status & 15) + 16 * (stop - 1 - (seen - (status >> 4)))",
            "return 0",
        ]
        return ["", "", "def drive(table, start, stop):", *indent(body)]

    def _setup(self) -> list[str]:
        first = len(run.PRELUDE) + len(engine.extras(self.form.uses))
        at = {name: first + k for k, name in enumerate(EXTRA)}
        words = ("feature_columns", "hot", "fixed")
        return [
            *run.setup_lines(self.form, ()),
            *(f"{n} = words_at(table[{at[n]}])" for n in words),
            *(f"{n} = floats_at(table[{at[n]}])" for n in ("columns", "values")),
            *(f"{n} = table[{at[n]}]" for n in ("tap", "keeps")),
            "tables = words_at(table[7])",
            "seen = state_i[0]",
            "waiting = 1",
            "last_ready = 0",
            "for k in range(LANES):",
            "    if ready_lanes[k] > last_ready:",
            "        last_ready = ready_lanes[k]",
        ]

    def _bar(self) -> list[str]:
        """Return the lines of one bar of all lanes."""
        arguments = self.arguments("ready_lanes")
        corporate = ("split", "dividend") if self.form.uses.actions else ()
        u = self.form.uses
        always = u.sessions or u.actions or u.financing or u.venue or self.form.general
        return [
            *("seen += 1", "row = t - first", *run.bar_columns(self.form, "t")),
            *(f"{n} = {n}_col[t]" for n in corporate),
            # Without a working order no bar can meet any.
            f"if {'True' if always else 'waiting != 0'}:",
            f"    found = pass_open({arguments})",
            "    waiting = found & 2",
            "    if found & 1 != 0:",
            *indent(self.open_lanes(), 2),
            "if seen >= last_ready:",
            f"    found = pass_bar({arguments})",
            "else:",
            f"    found = pass_warm({arguments})",
            "if found != 0:",
            *indent(self.decide_lanes()),
            "if tap >= 0:",
            "    k = tap",
            *indent(self.tap_lines()),
        ]


def source(kernel: Strategy, features: Sequence[str], form: Form) -> str:
    """Return the source of the lane driver of `kernel`, reading `features` in that order."""
    made = _Source(kernel, features, form)
    head = [f"LANES, ROWS = {LANES}, {ROWS}"]
    return "\n".join([*head, *made.passes(), *made.drive()]) + "\n"


def _engine_call(stage: int, word: str, price: str) -> list[str]:
    """Return the lines that call the engine; a status here has the bar's number for its row."""
    lines = run.call_lines(stage, word, price, "place")
    return [line.replace("+ 16 * t", "+ 16 * seen") for line in lines]


def _place(cls: type, field: str) -> int:
    return [f.name for f in fields_of(cls)].index(field)
