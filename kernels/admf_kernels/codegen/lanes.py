"""The lane driver: `LANES` parameter sets of one strategy, side by side, bar after bar.

What changes on every bar is kept as ``[field][lane]`` (`hot`) while the driver runs. As long as
no lane needs the engine, bars are taken by one pass over all lanes, whose state stays in
registers (`quiet`). Where something happens on a bar to some lanes, the pass takes the others;
each of those does what the run driver does, in its own lines, on state that lies as that of a run
alone. So a lane is the stand-alone run.

One lane, the tap, may also write what the run driver writes: per-bar outputs, events,
checksum. The others write those tables of events that are kept, with times where the tap has
rows; the events of other tables go nowhere. What a lane does after a number that cannot be used
means nothing: its status says which, and on which bar.

Table: as that of the run driver, without constants; then `EXTRA`. Columns of features are given
by where they begin after the first column, by lane; then come the memory in which a few rows of
them lie side by side, `hot`, and the constants by lane.
"""

from collections.abc import Sequence

from admf_kernels.codegen import engine, run
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.lane_memory import CLASSES, LANES, ROWS, TURNED, LaneMemory
from admf_kernels.codegen.quiet import QuietPass, may_be_quiet
from admf_kernels.codegen.text import indent
from admf_kernels.contract import Strategy
from admf_kernels.execution import log, metrics
from admf_kernels.layout import fields_of

# `tap` is -1 for none; `keeps` has a bit for each table of events that the lanes keep.
EXTRA = ("tap", "keeps", "columns", "feature_columns", "values", "hot", "fixed")
NO_TAP = -1


class _Source(LaneMemory):
    """The source of the lane driver of one strategy, put together."""

    def values_pass(self) -> list[str]:
        """Return the function that puts the features of some rows beside each other by lane."""
        count = len(self.features)
        return [
            *("", "", "def pass_values(values_at, columns, feature_columns, t, rows):"),
            f"    whole = rows - rows % {TURNED}",
            f"    for r in range(0, whole, {TURNED}):",
            f"        values = floats_at(values_at + {8 * count} * LANES * r)",
            f"        for k in range(0, {count} * LANES, {TURNED}):",
            f"            transpose(values, {count} * LANES, columns, feature_columns, k, t + r)",
            "    values = floats_at(values_at)",
            f"    for k in range({count} * LANES):",
            "        at = feature_columns[k] + t",
            "        for r in range(whole, rows):",
            f"            values[r * {count} * LANES + k] = columns[at + r]",
            "    return 0",
        ]

    def records(self) -> list[str]:
        """Return the lines that make the records of lane ``k``, as the run driver has them."""
        return [
            "engine_table = tables[k]",
            *run.engine_records("engine_table"),
            *engine.record_lines(self.kernel, f"table[1] + 8 * {self.words} * k"),
            *(f"{g}.{f} = {self.read(g, f)}" for g, f in self.changed if g != "curve"),
            *(f"{name} = {self.value(cls, name)}" for name, cls in self.own().items()),
        ]

    def own(self) -> dict[str, type]:
        """Return the groups that the run driver has as values."""
        state = {"s": self.kernel.state} if self.kernel.stateful else {}
        return {**state, "curve": metrics.Curve}

    def loud_lane(self) -> list[str]:
        """Return the lines that take a bar of lane ``k`` as the run driver does."""
        constants = "c" in self.kernel.arguments
        log_at = engine.TABLE.index("log")
        lines = run.bar_lines(
            self.kernel, self.form, "value_{name}", adjusted=self.adjusted, place="place"
        )
        lines = [*self.records(), *lines, *run.status_lines("t")]
        return [
            *([f"c = {self.value(self.kernel.constants, 'c')}"] if constants else []),
            *self.values(),
            "ready = ready_lanes[k]",
            f"status = {self.read('', 'status')}",
            "place = t",
            "if k != tap:",
            "    place = ts_ns",
            f"    counts = words_at(words_at(tables[k])[{log_at}] + {8 * log.COUNTS_AT})",
            f"    for j in range({len(log.TABLES)}):",
            "        if keeps >> j & 1 == 0:",
            "            counts[j] = 0",
            # A status has the bar's number for its row.
            *(line.replace("+ 16 * t", "+ 16 * seen") for line in lines),
            *(self.write(g, f, f"{g}.{f}") for g, f in self.hot if g not in ("", "s", "curve")),
            *(
                self.write(name, f.name, f"{name}.{f.name}")
                for name, cls in self.own().items()
                for f in fields_of(cls)
            ),
            self.write("", "wanted", "wanted"),
            self.write("", "status", "status"),
        ]

    def moves(self) -> tuple[list[str], list[str]]:
        """Return the lines that fill `hot` from the state of lane ``k``, and those back."""
        at = engine.offsets(self.kernel)
        loads, stores = [], []
        for group, field in self.hot:
            if group == "":
                continue
            cls = self.kernel.state if group == "s" else CLASSES[group]
            word = f"state_i[{self.words} * k + {at[group] + _place(cls, field)}]"
            memory = f"hot[{self.hot[group, field]} * LANES + k]"
            loads.append(f"{memory} = {word}")
            if group == "s" or (group, field) in self.changed:
                stores.append(f"{word} = {memory}")
        return loads, stores

    def tap_lines(self, row: str) -> list[str]:
        """Return the lines that record the tap's bar."""
        return [
            "k = tap",
            *self.records(),
            "signal = intent.signal",
            *run.output_lines(row),
            f"lane_i = words_at(table[1] + 8 * {self.words} * k)",
            "kept, called = 0, 1",
            *engine.hash_lines(self.kernel, self.form, "lane", run.COUNTED),
            f"checksum[{row}] += share",
        ]

    def drive(self) -> list[str]:
        """Return the driver itself."""
        loads, stores = self.moves()
        body = [
            *self._setup(),
            *("for k in range(LANES):", *indent(loads)),
            "for first in range(start, stop, ROWS):",
            "    last = first + ROWS if first + ROWS < stop else stop",
            "    pass_values(values_at, columns, feature_columns, first, last - first)",
            "    t = first",
            "    while t < last:",
            *indent([*self._quiet(), *self._loud()], 2),
            "        t += 1",
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
            f"columns = floats_at(table[{at['columns']}])",
            f"values_at = table[{at['values']}]",
            "values = floats_at(values_at)",
            *(f"{n} = table[{at[n]}]" for n in ("tap", "keeps")),
            "tables = words_at(table[7])",
            "seen = state_i[0]",
            "last_ready = 1",  # the first bar begins the curve
            "for k in range(LANES):",
            "    if ready_lanes[k] > last_ready:",
            "        last_ready = ready_lanes[k]",
        ]

    def _quiet(self) -> list[str]:
        """Return the lines that take quiet bars, and the next one of the lanes not flagged."""
        flags = ["for k in range(LANES):", f"    {self.write('', 'flag', '1')}"]
        if not may_be_quiet(self.form):
            return flags
        quiet = QuietPass(self.kernel, self.features, self.form)
        return [
            "if seen >= last_ready:",
            "    end = last if tap < 0 else t + 1",
            "    begun = t",
            f"    t = pass_quiet({', '.join(quiet.arguments)})",
            "    seen += t - begun",
            "    if t == end:",
            "        if tap >= 0:",
            *indent(self.tap_lines("t - 1"), 3),
            "        continue",
            "else:",
            *indent(flags),
        ]

    def _loud(self) -> list[str]:
        """Return the lines that take the bar of the flagged lanes."""
        return [
            *("seen += 1", "row = t - first", *run.bar_columns(self.form, "t")),
            "for k in range(LANES):",
            f"    if {self.read('', 'flag')} != 0:",
            *indent(self.loud_lane(), 2),
            *("if tap >= 0:", *indent(self.tap_lines("t"))),
        ]


def source(kernel: Strategy, features: Sequence[str], form: Form) -> str:
    """Return the source of the lane driver of `kernel`, reading `features` in that order."""
    made = _Source(kernel, features, form)
    head = [f"LANES, ROWS = {LANES}, {ROWS}"]
    quiet = QuietPass(kernel, features, form).lines() if may_be_quiet(form) else []
    return "\n".join([*head, *made.values_pass(), *quiet, *made.drive()]) + "\n"


def _place(cls: type, field: str) -> int:
    return [f.name for f in fields_of(cls)].index(field)
