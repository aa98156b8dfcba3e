"""The engine driver, and the pieces of driver source that go with it.

The engine is everything between a signal and a trade (`admf_kernels.execution`), compiled
once for each edition. It works on one bar of one instrument; run, lane and panel drivers call
it by address, and only on bars on which something can happen: what a run does not use costs it
nothing.

What lies where in its table is said in `desk`.
"""

import functools
from typing import NamedTuple

from admf_kernels.codegen import desk
from admf_kernels.codegen.text import class_name, indent
from admf_kernels.contract import ADJUSTMENT, Strategy
from admf_kernels.execution import orders, records
from admf_kernels.execution.terms import Uses
from admf_kernels.execution.uses import EDITIONS, edition_of
from admf_kernels.layout import fields_of

# What the engine is called for; `SETTLE` is `DECIDE` and then, with orders working, `CLOSE`. The
# row is in the bits above.
OPEN, DECIDE, CLOSE, NEWS, SETTLE = range(5)
STAGE_BITS = 3
REQUESTED_PRICES = ("limit", "stop", "trail", "stop_loss", "take_profit")


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
    at = desk.columns_at()
    absent = {"split": "1.0"}
    if edition.sessions:
        absent["session"] = "float((bar.ts_ns - 1) // 86400000000000)"
    given = desk.extras(edition)
    fill = [
        f"bar.{n} = floats_at(table[{at[n]}])[row] if table[{at[n]}] != 0 "
        f"else {absent.get(n, '0.0')}" if n in given else f"bar.{n} = {absent.get(n, '0.0')}"
        for n in desk.EXTRAS
    ]  # fmt: skip
    spare = desk.record_of("spare", "table")
    body = [
        f"op, row, word = start & {(1 << STAGE_BITS) - 1}, start >> {STAGE_BITS}, stop",
        f"terms = {desk.terms_of('table')}",
        f"d = {desk.desk_of('table')}",
        f"bar = {desk.record_of('bar', 'table')}",
        f"bar.ts_ns = words_at(table[{at['ts_ns']}])[row]",
        *(f"bar.{n} = floats_at(table[{at[n]}])[row]" for n in desk.PRICES),
        *fill,
        f"if op == {NEWS}:",
        f"    return take_news(terms, d, bar, {desk.record_of('news', 'table')}, {spare})",
        f"if op == {OPEN}:",
        "    open_bar(terms, d, bar)",
        f"if op == {DECIDE} or op == {SETTLE}:",
        "    decide(terms, d, bar, from_bits(word))",
        f"    take_requests(terms, d, bar, {desk.address_of('asked', 'table')}, {spare})",
        f"if op == {CLOSE} or (op == {SETTLE} and d.intent.working != 0):",
        "    close_bar(terms, d, bar)",
        "heed(terms, d)",
        "return 4 if d.now.illegal else 0",
    ]
    return "\n".join(["def drive(table, start, stop):", *indent(body)]) + "\n"


def is_brief(form: Form) -> bool:
    """Return whether runs can decide and fill at once without the rest of the engine."""
    return settles(form) and form.edition == EDITIONS[0]


def brief_source() -> str:
    """Return the source of the driver that is `SETTLE` alone, for market orders at the close.

    No order may be working before, and of the events only signals may be kept. The order is
    filled or ended in the call that makes it, so that neither it nor the bar and the notes about
    it have ever to be in memory.
    """
    at = desk.columns_at()
    near = {n: n for n in ("now", "exposure", "log")}
    kept = ("row", "instrument", "signals", "signal_count")
    body = [
        f"row = start >> {STAGE_BITS}",
        f"terms = {desk.terms_of('table')}",
        "now, exposure, bar, log = near_Now(), near_Exposure(), near_Bar(), near_Log()",
        f"events = {desk.record_of('log', 'table')}",
        *(f"log.{n} = events.{n}" for n in kept),
        f"d = {desk.desk_of('table', {**near, 'slots': 'near_Order()'})}",
        "bar.number = 1",  # not the 0 of the notes: its open was passed over
        "bar.worth = terms.n.lot_value",
        f"bar.ts_ns = words_at(table[{at['ts_ns']}])[row]",
        f"bar.close = floats_at(table[{at['close']}])[row]",
        "expose(exposure, d.wallet, d.q, bar.worth, bar.close)",
        "decide(terms, d, bar, from_bits(stop))",
        "if d.intent.working != 0:",
        "    close_bar(terms, d, bar)",
        "heed(terms, d)",
        "events.signal_count = log.signal_count",
        # Neither can be: a market order never outlives the close that it fills at.
        "return 4 if now.illegal or d.intent.working != 0 else 0",
    ]
    return "\n".join(["def drive(table, start, stop):", *indent(body)]) + "\n"


def events_per_bar(uses: Uses) -> int:
    """Return the most rows that one bar of one instrument adds to an event table."""
    return 6 * orders.places(uses) + 8


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
        **({} if adjusted else {name: name for name in desk.PRICES}),
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
    return [f"{n} = {n}_col[{row}]" for n in ("ts_ns", *desk.PRICES) if n in kernel.arguments]


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
