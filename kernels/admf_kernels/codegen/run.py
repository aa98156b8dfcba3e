"""The run driver: one strategy and its account over consecutive rows.

Table: strategy constants, state, checksum column, slot key, keys of the words that only the
engine changes, first ready bar, the engine's address and its table, the bar columns, the
per-bar outputs, then one column per extra input and per feature. The state is a bar counter,
the groups of `run_state.groups`, and the places of the working orders.
"""

from collections.abc import Sequence

from admf_kernels.codegen import desk, engine, run_state
from admf_kernels.codegen.desk import PRICES
from admf_kernels.codegen.engine import CLOSE, DECIDE, OPEN, SETTLE, Form
from admf_kernels.codegen.text import SEEN_KEY, indent, load, pointers, store
from admf_kernels.contract import ADJUSTMENT, Strategy
from admf_kernels.execution import bar

# Per-bar outputs: column name, and i for int64 or f for float64.
PER_BAR = (("sequence", "i"), ("signal", "f"), ("lots", "i"), ("cash", "f"), ("equity", "f"))
HEADER = ("strategy", "state", "checksum", "slot", "keys", "ready", "engine", "engine_table")
PRELUDE = (*HEADER, "ts_ns", *PRICES, *(f"out_{n}" for n, _ in PER_BAR))
COUNTED = f"seen * (slot + {SEEN_KEY})"


def source(kernel: Strategy, features: Sequence[str], form: Form) -> str:
    """Return the source of the run driver of `kernel`, reading `features` in that order."""
    own = {n: cls for n, cls in run_state.groups(kernel).items() if n in ("s", "curve")}
    at = run_state.offsets(kernel)
    body = [
        *setup_lines(form, features),
        "engine_table = table[7]",
        *engine_records("engine_table"),
        *run_state.record_lines(kernel, "table[1]"),
        "ready = ready_lanes[0]",
        *([f"c = {load(kernel.constants, 'c')}"] if "c" in kernel.arguments else []),
        "seen = state_i[0]",
        *(f"{n} = {load(cls, 'state', '{i} + ' + str(at[n]))}" for n, cls in own.items()),
        "status = 0",
        "kept = 0",
        *run_state.summed_lines(),
        "for t in range(start, stop):",
        *indent(["seen += 1", *bar_columns(form, "t")]),
        *indent(bar_lines(kernel, form, "feature_{name}[t]", adjusted=ADJUSTMENT in features)),
        *indent(run_state.mark_lines(mark_line(adjusted=ADJUSTMENT in features))),
        *indent([*status_lines("t"), *output_lines("t")]),
        *indent(run_state.hash_lines(kernel, form.uses, "state", COUNTED)),
        *indent(["checksum[t] += share"]),
        "state_i[0] = seen",
        *(line for n, cls in own.items() for line in store(cls, n, "state", "{i} + " + str(at[n]))),
        "return status",
    ]
    return "\n".join(["def drive(table, start, stop):", *indent(body)]) + "\n"


def setup_lines(form: Form, features: Sequence[str]) -> list[str]:
    """Return the lines that read the table's prelude and the columns after it."""
    at = {name: k for k, name in enumerate(PRELUDE)}
    lines = [
        f"{short}_{side} = {kind}(table[{at[name]}])"
        for name, short in (("strategy", "c"), ("state", "state"))
        for side, kind in (("f", "floats_at"), ("i", "words_at"))
    ]
    lines += [f"{name} = words_at(table[{at[name]}])" for name in ("checksum", "keys")]
    lines += [f"ready_lanes = words_at(table[{at['ready']}])"]
    lines += [f"slot = table[{at['slot']}]", f"engine = table[{at['engine']}]"]
    lines += [f"ts_ns_col = words_at(table[{at['ts_ns']}])"]
    lines += [f"{n}_col = floats_at(table[{at[n]}])" for n in PRICES]
    for name, side in PER_BAR:
        kind = "words_at" if side == "i" else "floats_at"
        lines.append(f"out_{name} = {kind}(table[{at['out_' + name]}])")
    more = [f"{n}_col" for n in desk.extras(form.uses)] + [f"feature_{n}" for n in features]
    return [*lines, *pointers([(n, "floats_at") for n in more], len(PRELUDE))]


def engine_records(table: str) -> list[str]:
    """Return the lines that make records of what the engine's table holds besides state."""
    names = ("a", "n", "x", "exposure", "log", "bar")
    return [
        f"words = words_at({table})",
        *(f"{n} = {desk.record_of(n, 'words')}" for n in names),
        f"asked_at = {desk.address_of('asked', 'words')}",
    ]


def bar_columns(form: Form, row: str) -> list[str]:
    """Return the lines that read time, prices and session of a row."""
    lines = [f"ts_ns = ts_ns_col[{row}]", *(f"{n} = {n}_col[{row}]" for n in PRICES)]
    if form.uses.sessions:
        day = "float((ts_ns - 1) // 86400000000000)"
        clock = form.uses.clock
        lines.append(f"session = session_col[{row}]" if clock else f"session = {day}")
        lines.append(f"minutes_left = minutes_left_col[{row}]" if clock else "minutes_left = 0.0")
    return lines


def bar_lines(
    kernel: Strategy, form: Form, feature: str, *, adjusted: bool = False, place: str = "t",
    last: str = "curve.last_close", strategy: list[str] | None = None, brief: str = "",
) -> list[str]:  # fmt: skip
    """Return the lines of one bar but for its mark: open, strategy, decide, close.

    `place` is what events are stamped with, `last` the price before the bar; the lines `strategy`
    ask it, if not those that call its kernel; `brief` is when the brief engine settles.
    """
    asked = engine.strategy_lines(kernel, feature, adjusted=adjusted)
    worth = "n.lot_value"
    last = "(close_col[t - 1] if seen > 1 else 0.0)" if adjusted else last
    requests = engine.request_lines(kernel, feature, adjusted=adjusted)
    return [
        *engine.open_lines(form, call_lines(OPEN, "0", last, place)),
        f"equity = wallet.cash + q.lots * {worth} * close",
        "wanted = 0.0",
        *([f"asked = ({'keep(), ' * kernel.orders})"] if kernel.orders else []),
        "if seen >= ready:",
        *indent(asked if strategy is None else strategy),
        "signal = wanted_signal(a, wanted, equity)",
        *_decide_lines(kernel, form, requests, place, brief),
        f"equity = wallet.cash + q.lots * {worth} * close",
    ]


def _decide_lines(
    kernel: Strategy, form: Form, requests: list[str], place: str, brief: str
) -> list[str]:
    """Return the lines that decide, and fill at the close where a run does that.

    What fills there was made on this bar, or could have filled at its open: on a bar on which
    the engine was not called there is nothing to fill.
    """
    close = call_lines(CLOSE, "0", "close", place)
    stage = SETTLE if engine.settles(form) else DECIDE
    decide = [*requests, *call_lines(stage, "bits_of(signal)", "close", place)]
    if brief:
        call = invoke_lines("brief_engine", stage, "bits_of(signal)", place)
        decide = [f"if {brief}:", *indent(call), "else:", *indent(decide)]
    lines = engine.decide_lines(kernel, form, decide)
    if not engine.settles(form):
        return [*lines, *engine.close_lines(form, close)]
    return [*lines, "elif called != 0 and intent.working != 0:", *indent(close)]


def mark_line(feature: str = "feature_{name}[t]", *, adjusted: bool) -> str:
    """Return the line that marks the account at the close.

    The market beside the equity is that of `adjusted` prices, where there are any; what is held
    is worth the traded price.
    """
    market = feature.format(name="close") if adjusted else "close"
    return f"curve = mark_bar(curve, sums, a.cash, ts_ns, {market}, equity, q.lots != 0.0)"


def call_lines(stage: int, word: str, price: str, place: str) -> list[str]:
    """Return the lines that call the engine for one stage of the bar at row ``t``."""
    return [
        f"expose(exposure, wallet, q, n.lot_value, {price})",
        "bar.number = seen",
        "bar.worth = n.lot_value",
        *invoke_lines("engine", stage, word, place),
    ]


def invoke_lines(entry: str, stage: int, word: str, place: str) -> list[str]:
    """Return the lines that call an engine at address `entry`, what it reads being written."""
    return [
        f"log.row = {place}",
        f"failed = invoke({entry}, engine_table, {stage} + {1 << engine.STAGE_BITS} * t, {word})",
        "if status == 0 and failed != 0:",
        "    status = (failed & 15) + 16 * t",
    ]


def status_lines(row: str, equity: str = "curve.equity") -> list[str]:
    """Return the lines that keep the first bar on which a number could not be used."""
    return [
        "if status == 0 and not (wanted >= -1.0 and wanted <= 1.0):",
        f"    status = {bar.BAD_SIGNAL} + 16 * {row}",
        f"if status == 0 and {equity} - {equity} != 0.0:",
        f"    status = {bar.BAD_EQUITY} + 16 * {row}",
    ]


def output_lines(row: str) -> list[str]:
    """Return the lines that write the per-bar outputs."""
    return [
        f"out_sequence[{row}] = book.bar_sequence",
        f"out_signal[{row}] = signal",
        f"out_lots[{row}] = int(q.lots)",
        f"out_cash[{row}] = wallet.cash",
        f"out_equity[{row}] = curve.equity",
    ]
