"""The engine driver, and the pieces of driver source that go with it.

The engine is everything between a signal and a trade (`admf_kernels.execution`), compiled
once for each edition. It works on one bar of one instrument; run, lane and panel drivers call
it by address, and only on bars on which something can happen: what a run does not use costs it
nothing.

Table: addresses of the constants, of the state groups, of the notes, of the working orders,
the log, the bar, the requests, a spare order and the news; then one column of each input
of the bar, 0 where a run has none.
"""

import functools
from typing import NamedTuple

from admf_kernels.codegen.text import class_name, hash_terms, indent
from admf_kernels.contract import ADJUSTMENT, Strategy
from admf_kernels.execution import log, metrics, orders, records
from admf_kernels.execution.terms import CONSTANTS, Uses
from admf_kernels.execution.uses import EDITIONS, edition_of
from admf_kernels.layout import fields_of

# What the engine is called for; `SETTLE` is `DECIDE` and then, with orders working, `CLOSE`. The
# row is in the bits above.
OPEN, DECIDE, CLOSE, NEWS, SETTLE = range(5)
STAGE_BITS = 3
# The engine's table: constants, desk, then the rest, then the columns.
DESK = (*records.SHARED, *records.OWN, "now", "exposure")
TABLE = (*CONSTANTS, *DESK, "slots", "log", "bar", "asked", "spare", "news")
CLASSES: dict[str, type] = {
    **CONSTANTS, **records.SHARED, **records.OWN, "now": records.Now, "exposure": records.Exposure,
    "log": log.Log, "bar": records.Bar, "spare": records.Order,
    "news": records.News,
}  # fmt: skip
PRICES = ("open", "high", "low", "close", "volume")
REQUESTED_PRICES = ("limit", "stop", "trail", "stop_loss", "take_profit")
# What the engine reads besides the bar, one column each where a run uses it.
EXTRAS = ("session", "minutes_left", "atr", "atr_before", "deviation", "split", "dividend")
COLUMNS = ("ts_ns", *PRICES, *EXTRAS)
EVENT_TABLES = tuple(log.TABLES)
ORDER_WORDS = len(records.Order._fields)
# State groups that change on every bar; the engine's others change only when it is called.
EVERY_BAR: dict[str, type] = {
    "curve": metrics.Curve, "book": records.Book, "span": records.Span, "sums": metrics.Sums,
}  # fmt: skip
SUMS = len(metrics.Sums._fields)
ON_CALL: dict[str, type] = {
    n: cls for n, cls in {**records.SHARED, **records.OWN}.items() if n not in EVERY_BAR
}


class Form(NamedTuple):
    """Which calls of the engine a driver leaves out: those its uses never need, or none."""

    uses: Uses
    general: bool = False

    @property
    def edition(self) -> Uses:
        """What the engine of these runs is compiled with at most."""
        return EDITIONS[-1] if self.general else edition_of(self.uses)


@functools.cache
def source(edition: Uses) -> str:
    """Return the source of the engine's driver, for runs that use no more than `edition`."""
    at = {name: k for k, name in enumerate((*TABLE, *COLUMNS))}

    def record(name: str) -> str:
        return f"at_{CLASSES[name].__name__}(table[{at[name]}])"

    absent = {"split": "1.0"}
    if edition.sessions:
        absent["session"] = "float((bar.ts_ns - 1) // 86400000000000)"
    given = extras(edition)
    fill = [
        f"bar.{n} = floats_at(table[{at[n]}])[row] if table[{at[n]}] != 0 "
        f"else {absent.get(n, '0.0')}" if n in given else f"bar.{n} = {absent.get(n, '0.0')}"
        for n in EXTRAS
    ]  # fmt: skip
    body = [
        f"op, row, word = start & {(1 << STAGE_BITS) - 1}, start >> {STAGE_BITS}, stop",
        f"terms = Terms({', '.join(record(n) for n in CONSTANTS)}, fee_of, size_of)",
        f"d = Desk({', '.join(record(n) for n in DESK)}, table[{at['slots']}], {record('log')})",
        f"bar = {record('bar')}",
        f"bar.ts_ns = words_at(table[{at['ts_ns']}])[row]",
        *(f"bar.{n} = floats_at(table[{at[n]}])[row]" for n in PRICES),
        *fill,
        f"if op == {NEWS}:",
        f"    return take_news(terms, d, bar, {record('news')}, {record('spare')})",
        f"if op == {OPEN}:",
        "    open_bar(terms, d, bar)",
        f"if op == {DECIDE} or op == {SETTLE}:",
        "    decide(terms, d, bar, from_bits(word))",
        f"    take_requests(terms, d, bar, table[{at['asked']}], {record('spare')})",
        f"if op == {CLOSE} or (op == {SETTLE} and d.intent.working != 0):",
        "    close_bar(terms, d, bar)",
        "heed(terms, d)",
        "return 4 if d.now.illegal else 0",
    ]
    return "\n".join(["def drive(table, start, stop):", *indent(body)]) + "\n"


def events_per_bar(uses: Uses) -> int:
    """Return the most rows that one bar of one instrument adds to an event table."""
    return 6 * orders.places(uses) + 8


def extras(uses: Uses) -> tuple[str, ...]:
    """Return the extra columns that a run with these uses reads, in order."""
    wanted = {
        "session": uses.sessions and uses.clock,
        "minutes_left": uses.sessions and uses.clock,
        "atr": uses.atr,
        "atr_before": uses.atr,
        "deviation": uses.deviation,
        "split": uses.actions,
        "dividend": uses.actions,
    }
    return tuple(name for name in EXTRAS if wanted[name])


def groups(kernel: Strategy) -> dict[str, type]:
    """Return the state groups of one run in memory order; the working orders follow them."""
    own = {"s": kernel.state} if kernel.stateful else {}
    return {**own, **EVERY_BAR, **ON_CALL}


def words_of(classes: dict[str, type]) -> int:
    """Return how many words state groups take."""
    return sum(len(fields_of(cls)) for cls in classes.values())


def offsets(kernel: Strategy) -> dict[str, int]:
    """Return the word of the state at which each group begins, ``slots`` for the orders."""
    found, at = {}, 1
    for name, cls in groups(kernel).items():
        found[name] = at
        at += len(fields_of(cls))
    return {**found, "slots": at}


def state_words(kernel: Strategy, uses: Uses) -> int:
    """Return how many words the state of one run takes, its bar counter included."""
    return offsets(kernel)["slots"] + orders.places(uses) * ORDER_WORDS


def record_lines(kernel: Strategy, base: str) -> list[str]:
    """Return the lines that make a record of each group from the state's address `base`."""
    at = offsets(kernel)
    named = {**EVERY_BAR, **ON_CALL}
    return [
        f"{name} = at_{cls.__name__}({base} + {8 * at[name]})"
        for name, cls in named.items()
        if name not in ("curve", "sums")
    ] + sums_lines(f"{base} + {8 * at['sums']}")


def sums_lines(address: str) -> list[str]:
    """Return the lines that reach the sums of the curve, as numbers and as words."""
    return [f"sums = floats_at({address})", f"sum_words = words_at({address})"]


def open_condition(form: Form, row: str = "t") -> str:
    """Return when the engine is called for the first stage of a bar."""
    u = form.uses
    quiet = ["low > intent.below", "high < intent.above"]
    if u.following:
        quiet.append(
            "(q.lots == 0.0 or (high <= span.highest if q.lots > 0.0 else low >= span.lowest))"
        )
    when = [f"(intent.working != 0 and not ({' and '.join(quiet)}))"]
    if u.sessions:
        when.append("session + 1.0 != guard.day")
    if u.session_end:
        when.append("(q.lots != 0.0 and minutes_left <= x.session_minutes)")
    if u.actions:
        when.append(f"(split_col[{row}] != 1.0 or dividend_col[{row}] != 0.0)")
    if u.financing or u.venue or form.general:
        when = ["True"]
    return " or ".join(when)


def open_lines(form: Form, call: list[str], row: str = "t") -> list[str]:
    """Return the lines of the first stage of a bar: call the engine, or count."""
    return [
        "called = 0",
        f"if {open_condition(form, row)}:",
        *indent([*call, "called = 1"]),
        "else:",
        "    book.sequence += 1",
        "    book.bar_sequence = book.sequence",
        "    if q.lots != 0.0:",
        "        span.bars += 1",
        "        if high > span.highest:",
        "            span.highest = high",
        "        if low < span.lowest:",
        "            span.lowest = low",
    ]


# Of an account with one instrument; of several, each with a position is looked at.
SHORT_OF_MARGIN = (
    "(q.lots != 0.0 and a.maintenance > 0.0 "
    "and equity < a.maintenance * abs(q.lots * n.lot_value * close))"
)


# What asks for a decision whatever the bar holds.
UNSETTLED = (
    "signal != intent.signal",
    "intent.again != 0",
    "(intent.blocked != 0.0 and intent.blocked * signal <= 0.0)",
)


def decide_condition(kernel: Strategy, form: Form, short: str = SHORT_OF_MARGIN) -> str:
    """Return when the engine is called to decide: signal, margin, or the position's age ask it."""
    u = form.uses
    when = [*UNSETTLED, *(f"asked[{k}].action != 0" for k in range(kernel.orders))]
    if u.margin:
        when.append(short)
    if u.max_bars:
        when.append("(q.lots != 0.0 and span.bars >= x.max_bars)")
    if u.limits or form.general:
        when = ["True"]
    return " or ".join(when)


def decide_lines(
    kernel: Strategy, form: Form, call: list[str], short: str = SHORT_OF_MARGIN
) -> list[str]:
    """Return the lines that call the engine when something asks for a decision."""
    return [f"if {decide_condition(kernel, form, short)}:", *indent([*call, "called = 1"])]


def close_lines(form: Form, call: list[str], when: str = "intent.working != 0") -> list[str]:
    """Return the lines that fill at the close, where a run does that."""
    if not (form.uses.same_close or form.general):
        return []
    condition = "True" if form.general else when
    return [f"if {condition}:", *indent([*call, "called = 1"])]


def settles(form: Form) -> bool:
    """Return whether decisions and fills at the close are one call of the engine."""
    return form.uses.same_close and not form.general


def strategy_lines(
    kernel: Strategy, feature: str, equity: str = "equity", *, adjusted: bool = False,
    mark: str = "",
) -> list[str]:  # fmt: skip
    """Return the lines that call the strategy: ``wanted``, and ``asked`` for its requests.

    Where prices are `adjusted`, those of the bar are features, and so is the factor. The names
    of what is the strategy's own end in `mark`.
    """
    factor = feature.format(name=ADJUSTMENT)
    own = {
        "c": f"c{mark}",
        "s": f"s{mark}",
        "ts_ns": "ts_ns",
        "position": "q.lots * n.lot_size",
        "cash": "wallet.cash",
        "equity": equity,
        "entry_price": f"q.entry_price * {factor}" if adjusted else "q.entry_price",
        **({} if adjusted else {name: name for name in PRICES}),
    }
    values = [own.get(name) or feature.format(name=name) for name in kernel.arguments]
    call = f"step({', '.join(values)})"
    result = "asked" if kernel.orders else f"answer{mark}"
    lines = [f"{result} = {call}"]
    if kernel.stateful:
        parts = [f"{f.kind}(moved{mark}.{f.name})" for f in fields_of(kernel.state)]
        lines = [
            f"moved{mark}, {result} = {call}",
            f"s{mark} = {class_name(kernel.state)}({', '.join(parts)})",
        ]
    return lines if kernel.orders else [*lines, f"wanted{mark} = float({result})"]


def bar_reads(kernel: Strategy, row: str) -> list[str]:
    """Return the lines that read what a strategy takes of the bar at a row."""
    return [f"{n} = {n}_col[{row}]" for n in ("ts_ns", *PRICES) if n in kernel.arguments]


def request_lines(kernel: Strategy, feature: str = "", *, adjusted: bool = False) -> list[str]:
    """Return the lines that hand the strategy's requests to the engine, in traded prices."""
    over = {n: f" / {feature.format(name=ADJUSTMENT)}" for n in REQUESTED_PRICES if adjusted}
    names = [f.name for f in fields_of(records.Request)]
    size = 8 * len(names)
    lines = []
    for k in range(kernel.orders):
        lines.append(f"request = at_Request(asked_at + {k * size})")
        lines += [f"request.{n} = asked[{k}].{n}{over.get(n, '')}" for n in names]
    return lines


def hash_lines(kernel: Strategy, form: Form, state: str, counted: str) -> list[str]:
    """Return the lines that make ``share``, the state checksum of one bar.

    What only the engine changes is hashed again only after a call of it; ``summed`` is the
    share of the curve's sums. Words of free places are zero and add nothing.
    """
    at = offsets(kernel)
    every = [counted]
    place = 0
    for name, cls in groups(kernel).items():
        if name != "sums" and (name in EVERY_BAR or name == "s"):
            every += hash_terms(cls, name, "slot", place).values()
        place += len(fields_of(cls))
    first = at[next(iter(ON_CALL))]
    count = state_words(kernel, form.uses) - first
    return [
        "if called != 0 or kept == 0:",
        *indent(kept_lines("kept", f"{state}_i", first, count, "slot", "keys", SUMS)),
        f"share = kept + summed + {' + '.join(every)}",
    ]


def kept_lines(
    name: str, words: str, first: int, count: int, slot: str, keys: str, others: int = 0
) -> list[str]:
    """Return the lines that hash `count` words of state into `name`; the first keys are others'."""
    return [
        f"{name} = 0",
        f"for w in range({count}):",
        f"    {name} += {words}[{first} + w] * ({slot} + {keys}[{others} + w])",
    ]


def summed_lines(keys: str = "keys") -> list[str]:
    """Return the lines that hash all of the curve's sums into ``summed``."""
    return [
        "summed = 0",
        f"for w in range({SUMS}):",
        f"    summed += sum_words[w] * (slot + {keys}[w])",
    ]


def mark_lines(mark: str, keys: str = "keys") -> list[str]:
    """Return the lines that mark a bar and bring ``summed`` up to date: one part of each sum."""
    firsts = range(0, SUMS, metrics.PARTS)
    return [
        f"part = curve.bars & {metrics.PARTS - 1}",
        *(f"before_{k} = sum_words[{k} + part]" for k in firsts),
        mark,
        *(
            f"summed += (sum_words[{k} + part] - before_{k}) * (slot + {keys}[{k} + part])"
            for k in firsts
        ),
    ]


def kept_places(kernel: Strategy, uses: Uses) -> range:
    """Return the places, in the state checksum, of the sums and of what only the engine changes."""
    first = offsets(kernel)["sums"] - 1
    return range(first, state_words(kernel, uses) - 1)
