"""The run driver: one strategy and its account over consecutive rows.

Table: strategy constants, account, state, checksum column, slot key, first ready bar, the
bar columns, the per-bar outputs, the event tables with their counters, then one pointer
per feature. The state is the strategy's words followed by book, portfolio, ledger, curve.
"""

from collections.abc import Sequence

from admf_kernels.codegen.text import SEEN_KEY, coerce, hash_terms, indent, load, pointers, store
from admf_kernels.contract import Strategy
from admf_kernels.execution import account, bar, metrics, portfolio
from admf_kernels.layout import fields_of

GROUPS: dict[str, type] = {
    "book": bar.Book,
    "p": portfolio.Portfolio,
    "ledger": metrics.Ledger,
    "curve": metrics.Curve,
}
# Fields that change only with a signal, an order or a fill, or on the first bar.
ON_EVENTS: dict[str, tuple[str, ...]] = {
    "p": portfolio.Portfolio._fields,
    "ledger": metrics.Ledger._fields,
    "book": ("signal", "order_lots", "order_id"),
    "curve": ("first_ts_ns", "first_close"),
}
# Per-bar outputs and event tables: column name, and i for int64 or f for float64.
PER_BAR = (("sequence", "i"), ("signal", "f"), ("lots", "i"), ("cash", "f"), ("equity", "f"))
EVENTS: dict[str, tuple[tuple[str, str], ...]] = {
    "signals": (("row", "i"), ("sequence", "i"), ("signal", "f")),
    "orders": (("row", "i"), ("sequence", "i"), ("order_id", "i"), ("status", "i"), ("lots", "i")),
    "fills": (
        ("row", "i"),
        ("sequence", "i"),
        ("order_id", "i"),
        ("lots", "i"),
        ("price", "f"),
        ("fee", "f"),
    ),
    "trades": (
        ("row", "i"),
        ("sequence", "i"),
        ("entry_ts_ns", "i"),
        ("lots", "i"),
        ("entry_price", "f"),
        ("exit_price", "f"),
        ("pnl", "f"),
        ("fees", "f"),
    ),
}
# The most rows one bar can add to an event table.
EVENTS_PER_BAR = 2
ACCEPTED, CANCELED = 0, 1
PRICES = ("open", "high", "low", "close", "volume")
HEADER = ("strategy", "account", "state", "checksum", "slot", "ready", "capacity", "counts")
OUTPUTS = (*(f"out_{n}" for n, _ in PER_BAR), *(f"ev_{n}" for n in EVENTS))
PRELUDE = (*HEADER, "ts_ns", *PRICES, *OUTPUTS)


def state_classes(kernel: Strategy) -> dict[str, type]:
    """Return the state groups in memory order, by the name the driver gives them."""
    own = {"s": kernel.state} if kernel.stateful else {}
    return {**own, **GROUPS}


def state_words(kernel: Strategy) -> int:
    """Return how many words the state takes, the driver's own bar counter included."""
    return 1 + sum(len(fields_of(c)) for c in state_classes(kernel).values())


def source(kernel: Strategy, features: Sequence[str]) -> str:
    """Return the source of the run driver of `kernel`, reading `features` in that order."""
    body = [
        *setup_lines(),
        "ready = ready_lanes[0]",
        *pointers([(f"feature_{n}", "floats_at") for n in features], len(PRELUDE)),
        f"a = {load(account.Account, 'a')}",
        *([f"c = {load(kernel.constants, 'c')}"] if "c" in kernel.arguments else []),
        "seen = state_i[0]",
        *_load_state(kernel),
        "status = 0",
        "traded = 0",
        "for t in range(start, stop):",
        *indent(["seen += 1", *bar_lines(kernel, "t", "feature_{name}[t]")]),
        *indent([*status_lines("t"), *record_lines("t"), *hash_lines(kernel, "t")]),
        "state_i[0] = seen",
        *_store_state(kernel),
        "return status",
    ]
    return "\n".join(["def drive(table, start, stop):", *indent(body)]) + "\n"


def setup_lines() -> list[str]:
    """Return the lines that read the table's prelude."""
    at = {name: k for k, name in enumerate(PRELUDE)}
    both = [("strategy", "c"), ("account", "a"), ("state", "state")]
    lines = [
        f"{short}_{side} = {kind}(table[{at[name]}])"
        for name, short in both
        for side, kind in (("f", "floats_at"), ("i", "words_at"))
    ]
    lines += [f"checksum = words_at(table[{at['checksum']}])", f"slot = table[{at['slot']}]"]
    lines += [f"ready_lanes = words_at(table[{at['ready']}])"]
    lines += [f"capacity = table[{at['capacity']}]"]
    lines += [f"counts = words_at(table[{at['counts']}])"]
    lines += [f"ts_ns_col = words_at(table[{at['ts_ns']}])"]
    lines += [f"{n}_col = floats_at(table[{at[n]}])" for n in PRICES]
    for name, side in PER_BAR:
        kind = "words_at" if side == "i" else "floats_at"
        lines.append(f"out_{name} = {kind}(table[{at['out_' + name]}])")
    for name in EVENTS:
        lines.append(f"{name}_f = floats_at(table[{at['ev_' + name]}])")
        lines.append(f"{name}_i = words_at(table[{at['ev_' + name]}])")
    return lines


def _load_state(kernel: Strategy) -> list[str]:
    lines, first = [], 1
    for name, cls in state_classes(kernel).items():
        lines.append(f"{name} = {load(cls, 'state', '{i} + ' + str(first))}")
        first += len(fields_of(cls))
    return lines


def _store_state(kernel: Strategy) -> list[str]:
    lines, first = [], 1
    for name, cls in state_classes(kernel).items():
        lines += store(cls, name, "state", "{i} + " + str(first))
        first += len(fields_of(cls))
    return lines


def hash_lines(kernel: Strategy, row: str) -> list[str]:
    """Return the lines that add this run's share of the state checksum of one bar.

    What only a fill or an order changes is hashed again only then; `traded` starts at 0
    with every block, so the first bar of a block hashes everything.
    """
    every_bar = [f"seen * (slot + {SEEN_KEY})"]
    on_events: list[str] = []
    first = 0
    for name, cls in state_classes(kernel).items():
        for field, term in hash_terms(cls, name, "slot", first).items():
            (on_events if field in ON_EVENTS.get(name, ()) else every_bar).append(term)
        first += len(fields_of(cls))
    happened = ("made.signal_sequence", "made.order_id", "fill_open.order_id")
    return [
        f"if traded == 0 or {' or '.join(f'{h} != 0' for h in happened)}:",
        f"    traded = {' + '.join(on_events)}",
        f"checksum[{row}] += traded + {' + '.join(every_bar)}",
    ]


def bar_lines(kernel: Strategy, row: str, feature: str) -> list[str]:
    """Return the lines of one bar: open, strategy, decide, close, mark.

    `feature` is how a feature's value is written, with ``{name}`` for its name.
    """
    return [
        f"ts_ns = ts_ns_col[{row}]",
        *(f"{n} = {n}_col[{row}]" for n in PRICES),
        "book, p, ledger, fill_open, trade_open = open_bar(a, book, p, ledger, ts_ns, open)",
        "wanted = 0.0",
        "if seen >= ready:",
        *indent(_strategy_lines(kernel, feature)),
        "book, ledger, made = decide(a, book, p, ledger, close, wanted)",
        "book, p, ledger, fill_close, trade_close = close_bar(a, book, p, ledger, ts_ns, close)",
        "curve = mark(a, p, curve, ts_ns, close)",
    ]


def status_lines(row: str) -> list[str]:
    """Return the lines that keep the first bar on which a number could not be used."""
    return [
        "if status == 0 and made.status != 0:",
        f"    status = made.status + 16 * {row}",
        "if status == 0 and curve.equity - curve.equity != 0.0:",
        f"    status = {bar.BAD_EQUITY} + 16 * {row}",
    ]


def _strategy_lines(kernel: Strategy, feature: str) -> list[str]:
    own = {"c": "c", "s": "s", "ts_ns": "ts_ns", "position": "p.lots * a.lot_size"}
    own.update({n: n for n in PRICES})
    values = [own.get(n) or feature.format(name=n) for n in kernel.arguments]
    call = f"step({', '.join(values)})"
    if not kernel.stateful:
        return [f"wanted = float({call})"]
    return [
        f"moved, signal = {call}",
        f"s = {coerce(kernel.state, 'moved')}",
        "wanted = float(signal)",
    ]


def record_lines(row: str) -> list[str]:
    """Return the lines that write the per-bar outputs and append the events, in order."""
    signal = ("made.signal_sequence", "made.signal")
    order = ("made.order_id", "made.order_id", str(ACCEPTED), "int(made.order_lots)")
    return [
        f"out_sequence[{row}] = book.bar_sequence",
        f"out_signal[{row}] = made.signal",
        f"out_lots[{row}] = int(p.lots)",
        f"out_cash[{row}] = p.cash",
        f"out_equity[{row}] = curve.equity",
        *_append_fill("fill_open", "trade_open", row),
        *_append("signals", "made.signal_sequence != 0", row, signal),
        *_append("orders", "made.order_id != 0", row, order),
        *_append_fill("fill_close", "trade_close", row),
    ]


def _append_fill(fill: str, trade: str, row: str) -> list[str]:
    numbers = ("sequence", "order_id", "int({0}.lots)", "price", "fee")
    filled = [n.format(fill) if "{" in n else f"{fill}.{n}" for n in numbers]
    closed = ("entry_ts_ns", "int({0}.lots)", "entry_price", "exit_price", "pnl", "fees")
    traded = [n.format(trade) if "{" in n else f"{trade}.{n}" for n in closed]
    canceled = (
        f"{fill}.canceled_sequence",
        f"{fill}.order_id",
        str(CANCELED),
        f"int({fill}.canceled_lots)",
    )
    return [
        f"if {fill}.order_id != 0:",
        *indent(_append("fills", f"{fill}.lots != 0.0", row, filled)),
        *indent(_append("trades", f"{trade}.lots != 0.0", row, (f"{fill}.sequence", *traded))),
        *indent(_append("orders", f"{fill}.canceled_lots != 0.0", row, canceled)),
    ]


def _append(table: str, condition: str, row: str, values: Sequence[str]) -> list[str]:
    """Return the lines that append one event row where `condition` holds."""
    which = list(EVENTS).index(table)
    columns = EVENTS[table]
    lines = [f"at = counts[{which}]"]
    for k, ((_, side), value) in enumerate(zip(columns, (row, *values), strict=True)):
        lines.append(f"{table}_{side}[{k} * capacity + at] = {value}")
    return [f"if {condition}:", *indent([*lines, f"counts[{which}] = at + 1"])]
