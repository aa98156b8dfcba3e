"""The panel driver: one strategy on several instruments that share one account.

It goes from moment to moment, a moment being a close at which at least one instrument has a
bar. At each: the first stage of every instrument's bar in order; then the closes; then the
strategy and its orders for each; then fills at the close, where a run does that; then the
mark. Instruments without a bar at a moment keep their last price. Features come first, of
all instruments for some moments at a time.

The driver's table points at the shared state, at one table per instrument (a *leg*), and at
what is written per moment and per bar. A leg's state is the groups of `leg_groups`, then the
places of its working orders. A rotation ranks the legs by the strategy's value instead of
taking it as a signal.
"""

from collections.abc import Sequence

from admf_kernels.codegen import desk, engine, run_state
from admf_kernels.codegen.desk import PRICES
from admf_kernels.codegen.engine import CLOSE, DECIDE, OPEN, Form
from admf_kernels.codegen.panel_account import (
    Panel,
    expose_lines,
    mark_lines,
    value_lines,
    worth_lines,
)
from admf_kernels.codegen.panel_layout import (
    LEG,
    SHARED,
    TABLE_NAMES,
    TILE_MOMENTS,
    leg_words,
    offsets,
    real,
    word,
)
from admf_kernels.codegen.rotation import due_lines, rank_lines
from admf_kernels.codegen.text import SEEN_KEY, hash_terms, indent, load, store
from admf_kernels.contract import ADJUSTMENT, Strategy
from admf_kernels.execution import metrics
from admf_kernels.layout import fields_of

ASIDE = ("exposure", "log", "bar")  # what only a call of the engine needs
WORDS = (
    "shared_keys", "leg_keys", "moments", "rows", "checksum", "out_sequence", "positions",
    "progress", "rotation",
)  # fmt: skip
VALUES = ("slot", "legs", "leg_tables", "stride", "execute", "engine", "position_capacity")


def source(
    kernel: Strategy, features: Sequence[str], form: Form, *, rotates: bool, converts: bool
) -> str:
    """Return the source of the panel driver of `kernel`."""
    p = Panel(kernel, features, form, rotates=rotates, converts=converts)
    at = {name: k for k, name in enumerate(TABLE_NAMES)}
    shared = offsets(SHARED, 1)
    body = [
        *(f"{n} = words_at(table[{at[n]}])" for n in WORDS),
        *(f"{n} = floats_at(table[{at[n]}])" for n in ("out_cash", "out_equity", "out_market")),
        f"positions_f = floats_at(table[{at['positions']}])",
        *(f"{n} = table[{at[n]}]" for n in VALUES),
        f"c_f, c_i = floats_at(table[{at['strategy']}]), words_at(table[{at['strategy']}])",
        f"state_f, state_i = floats_at(table[{at['state']}]), words_at(table[{at['state']}])",
        *([f"c = {load(kernel.constants, 'c')}"] if "c" in kernel.arguments else []),
        *(f"{n} = at_{cls.__name__}(table[{at['state']}] + {8 * shared[n]})"
          for n, cls in SHARED.items() if n not in ("curve", "sums")),
        *run_state.sums_lines(f"table[{at['state']}] + {8 * shared['sums']}"),
        f"curve = {load(metrics.Curve, 'state', '{i} + ' + str(shared['curve']))}",
        "status = 0",
        "shared_kept = 0",
        *run_state.summed_lines("shared_keys"),
        "filled = progress[0]",
        *p.each([f"{word('kept')} = 0"]),
        *worth_lines(p),
        *p.leg_lines("0"),
        f"words = words_at({word('engine_table')})",
        f"start_cash = {desk.record_of('a', 'words')}.cash",
        "first = start",
        "while first < stop:",
        *indent([f"edge = first + {TILE_MOMENTS}", "edge = edge if edge < stop else stop"]),
        *indent(_tile_lines(p)),
        "    for t in range(first, edge):",
        *indent(_moment(p), 2),
        "    first = edge",
        "progress[0] = filled",
        *store(metrics.Curve, "curve", "state", "{i} + " + str(shared["curve"])),
        "return status",
    ]  # fmt: skip
    return "\n".join(["def drive(table, start, stop):", *indent(body)]) + "\n"


def _tile_lines(p: Panel) -> list[str]:
    """Return the lines that make all legs' features of the moments of a tile."""
    made = [
        f"failed = invoke(execute, {word('program')}, next_row, next_row + count)",
        "if failed < 0:",
        "    progress[1] = i",
        "    return failed",
        f"{word('next')} = next_row + count",
    ]
    return p.each([
        "count = 0",
        "for t in range(first, edge):",
        "    if rows[i * stride + t] >= 0:",
        "        count += 1",
        f"next_row = {word('next')}",
        f"{word('dense')} = 1 if count == edge - first else 0",
        f"{word('lead')} = next_row - first if count == edge - first else {word('first')}",
        "if count > 0:",
        *indent(made),
    ])  # fmt: skip


def _moment(p: Panel) -> list[str]:
    """Return the lines of one moment."""
    stages = _strategy(p), _decide(p) if p.rotates else None, _close(p)
    passes = [lines for lines in stages if lines is not None]
    lines = [
        "ts_ns = moments[t]",
        "state_i[0] += 1",
        "shared_called = 0",
        "total = 0",
        "place = filled",
        *p.each(_open(p)),
        # Only now: nothing filled at an open knows a close of the same moment.
        *mark_lines(p),
        *(["due = 0", *due_lines()] if p.rotates else []),
    ]
    for k, stage in enumerate(passes):
        last = k == len(passes) - 1
        lines += p.each([
            f"r = {word('row')}",
            f"own = {word('state')}",
            "if r >= 0:",
            *indent([*_bar_lines(p), *stage, *(_position_lines(p) if last else [])]),
            *(_hash_leg(p) if last else []),
        ])  # fmt: skip
        lines += rank_lines(p) if p.rotates and k == 0 else []
    if stages[2] is not None:
        lines += ["equity = wallet.cash", *value_lines(p)]
    return [
        *lines,
        *run_state.mark_lines(
            "curve = mark_bar(curve, sums, start_cash, ts_ns, index, equity, held != 0)",
            "shared_keys",
        ),
        "if status == 0 and curve.equity - curve.equity != 0.0:",
        "    status = 2 + 16 * t",
        "out_sequence[t] = book.sequence",
        "out_cash[t] = wallet.cash",
        "out_equity[t] = curve.equity",
        "out_market[t] = index",
        *_hash_shared(),
    ]


def _bar_lines(p: Panel) -> list[str]:
    """Return the lines that reach state, constants and bar of leg ``i`` at row ``r``."""
    more = [f"{n}_col" for n in desk.extras(p.form.uses)]
    lines = [
        f"words = words_at({word('engine_table')})",
        *(f"{n} = {desk.record_of(n, 'words')}" for n in ("a", "n", "x")),
        *(
            f"{name} = at_{cls.__name__}(own + {p.at[name]})"
            for name, cls in p.groups.items()
            if name != "s"
        ),
        *(f"{n} = floats_at({word(n)})[r]" for n in PRICES),
        *(f"{name} = floats_at(leg[{len(LEG) + k}])" for k, name in enumerate(more)),
        "called = 0",
    ]
    if p.form.uses.sessions:
        day = "float((ts_ns - 1) // 86400000000000)"
        clock = p.form.uses.clock
        lines.append("session = session_col[r]" if clock else f"session = {day}")
        lines.append("minutes_left = minutes_left_col[r]" if clock else "minutes_left = 0.0")
    return lines


def _call(p: Panel, stage: int, data: str) -> list[str]:
    """Return the lines that call the engine for one stage of leg ``i``'s bar."""
    return [
        *(f"{n} = {desk.record_of(n, 'words')}" for n in ASIDE),
        *expose_lines(p),
        "bar.number = mark.bars",
        f"bar.worth = {real('worth')}",
        "log.row = t",
        "log.instrument = i",
        f"stage = {stage} + {1 << engine.STAGE_BITS} * r",
        f"failed = invoke(engine, {word('engine_table')}, stage, {data})",
        "shared_called = 1",
        "if status == 0 and failed != 0:",
        "    status = (failed & 15) + 16 * t",
    ]


def _open(p: Panel) -> list[str]:
    """Return the lines that find leg ``i``'s bar, if it has one, and go through its first stage."""
    return [
        f"r = {word('lead')} + t",
        f"if {word('dense')} == 0:",
        "    r = rows[i * stride + t]",
        "    if r >= 0:",
        f"        r += {word('lead')}",
        f"{word('row')} = r",
        f"{word('called')} = 0",
        "if r >= 0:",
        *indent([
            f"own = {word('state')}",
            *_bar_lines(p),
            "mark.bars += 1",
            *engine.open_lines(p.form, _call(p, OPEN, "0"), "r"),
            f"{word('called')} = called",
            *(_restate_lines() if p.form.uses.actions else []),
            "positions[position_capacity + place] = book.bar_sequence",
            "place += 1",
        ]),
    ]  # fmt: skip


def _restate_lines() -> list[str]:
    """Return the lines that bring the last price into new units, with the dividend paid.

    The account of the legs after it is as large as before.
    """
    return [
        "if split_col[r] != 1.0 or dividend_col[r] != 0.0:",
        "    mark.price = price_after(mark.price, split_col[r], dividend_col[r])",
    ]


def _strategy(p: Panel) -> list[str]:
    """Return the lines that ask the strategy about leg ``i``, and those that follow it."""
    kernel = p.kernel
    lines = [f"feature_{n} = {p.column(n)}[r]" for n in p.features]
    lines.append("wanted = nan" if p.rotates else "wanted = 0.0")
    if kernel.orders:
        lines.append(f"asked = ({'keep(), ' * kernel.orders})")
    words = f"floats_at(own + {p.at['s']}), words_at(own + {p.at['s']})" if kernel.stateful else ""
    lines += [
        f"ready = words_at({word('ready')})[0]",
        "if mark.bars >= ready:",
        *indent([
            *([f"s_f, s_i = {words}", f"s = {load(kernel.state, 's', '{i}')}"] if words else []),
            *engine.strategy_lines(kernel, "feature_{name}", adjusted=ADJUSTMENT in p.features),
            *(store(kernel.state, "s", "s", "{i}") if words else []),
        ]),
    ]  # fmt: skip
    if p.rotates:
        return [*lines, f"{real('score')} = wanted"]
    return [
        *lines,
        "if status == 0 and not (wanted >= -1.0 and wanted <= 1.0):",
        "    status = 1 + 16 * t",
        "signal = wanted_signal(a, wanted, equity)",
        *_follow(p),
    ]


def _follow(p: Panel) -> list[str]:
    adjusted = ADJUSTMENT in p.features
    requests = engine.request_lines(p.kernel, "feature_{name}", adjusted=adjusted)
    asked = [f"asked_at = {desk.address_of('asked', 'words')}"] if requests else []
    call = [*asked, *requests, *_call(p, DECIDE, "bits_of(signal)")]
    return [
        f"{real('signal')} = signal",
        *engine.decide_lines(p.kernel, p.form, call, "q.lots != 0.0"),
        f"{word('called')} += called",
    ]


def _decide(p: Panel) -> list[str]:
    """Return the lines that follow the signal a rotation gave leg ``i``."""
    return [
        f"signal = wanted_signal(a, {real('rank')}, equity)",
        "if due != 0:",
        "    intent.again = 1",
        *_follow(p),
    ]


def _close(p: Panel) -> list[str] | None:
    """Return the lines that fill at the close of leg ``i``; None where a run does not."""
    lines = engine.close_lines(p.form, _call(p, CLOSE, "0"))
    return [*lines, f"{word('called')} += called"] if lines else None


def _position_lines(p: Panel) -> list[str]:
    """Return the lines that write the rest of the row of a leg's bar: its end."""
    return [
        f"total += words_at({word('checksum')})[r]",
        "positions[filled] = ts_ns",
        "positions[2 * position_capacity + filled] = i",
        f"positions_f[3 * position_capacity + filled] = {real('signal')}",
        "positions[4 * position_capacity + filled] = int(q.lots)",
        "filled += 1",
    ]


def _hash_leg(p: Panel) -> list[str]:
    """Return the lines that add a leg's state to the checksum of the moment."""
    at, end = offsets(p.groups), leg_words(p.kernel, p.form)
    kept = run_state.on_call(at, end)
    every: list[str] = []
    place = 0
    for name, cls in p.groups.items():
        if name in ("mark", "seen", "s", "span"):
            every += hash_terms(cls, name, "leg_slot", place).values()
        place += len(fields_of(cls))
    found = [n for n in ("mark", "seen", "span") if n in p.groups]
    own = f"own + {p.at['s']}" if p.kernel.stateful else ""
    return [
        f"leg_slot = {word('slot')}",
        *(f"{n} = at_{p.groups[n].__name__}(own + {p.at[n]})" for n in found),
        *([f"s_f, s_i = floats_at({own}), words_at({own})",
           f"s = {load(p.kernel.state, 's', '{i}')}"] if own else []),
        f"if {word('called')} != 0 or {word('kept')} == 0:",
        "    own_i = words_at(own)",
        *indent(run_state.kept_lines("kept", "own_i", kept, "leg_slot", "leg_keys", at["q"])),
        f"    {word('kept')} = kept",
        f"total += {word('kept')} + {' + '.join(every)}",
    ]  # fmt: skip


def _hash_shared() -> list[str]:
    """Return the lines that write the state checksum of the moment."""
    shared = offsets(SHARED, 1)
    ours: list[str] = [f"state_i[0] * (slot + {SEEN_KEY})"]
    place = 0
    for name, cls in SHARED.items():
        if name in ("curve", "turn", "book"):
            ours += hash_terms(cls, name, "slot", place).values()
        place += len(fields_of(cls))
    kept = run_state.on_call(shared, shared["slots"])
    return [
        "if shared_called != 0 or shared_kept == 0:",
        *indent(run_state.kept_lines("shared_kept", "state_i", kept, "slot", "shared_keys",
                                  shared["sums"])),
        f"checksum[t] = total + shared_kept + summed + {' + '.join(ours)}",
    ]  # fmt: skip
