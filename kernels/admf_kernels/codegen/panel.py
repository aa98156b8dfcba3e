"""The panel driver: one strategy on several instruments that share one account.

It goes from moment to moment, a moment being a close at which at least one instrument has a
bar. At each: the first stage of every instrument's bar in order; then the strategy and its
orders for each; then fills at the close, where a run does that; then the mark. Instruments
without a bar at a moment keep their last price.

The driver's table points at the shared state, at one table per instrument (a *leg*), and at
what is written per moment and per bar. A leg's state is the groups of `leg_groups`, then the
places of its working orders. A rotation ranks the legs by the strategy's value instead of
taking it as a signal.
"""

from collections.abc import Sequence

from admf_kernels.codegen import engine
from admf_kernels.codegen.engine import CLOSE, DECIDE, OPEN, PRICES, TABLE, Form
from admf_kernels.codegen.panel_layout import (
    LEG,
    NOTES,
    SHARED,
    SHARED_ON_CALL,
    TABLE_NAMES,
    leg_groups,
    leg_words,
    offsets,
)
from admf_kernels.codegen.rotation import due_lines, rank_lines
from admf_kernels.codegen.text import SEEN_KEY, hash_terms, indent, load, store
from admf_kernels.contract import Strategy
from admf_kernels.execution import metrics
from admf_kernels.layout import fields_of


def source(
    kernel: Strategy, features: Sequence[str], form: Form, *, rotates: bool, converts: bool
) -> str:
    """Return the source of the panel driver of `kernel`."""
    at = {name: k for k, name in enumerate(TABLE_NAMES)}
    shared = offsets(SHARED, 1)
    body = [
        *(f"{n} = words_at(table[{at[n]}])" for n in
          ("shared_keys", "leg_keys", "leg_tables", "moments", "rows", "checksum",
           "out_sequence", "positions", "position_count", "notes", "rotation")),
        *(f"{n} = floats_at(table[{at[n]}])" for n in ("out_cash", "out_equity", "out_market")),
        f"positions_f = floats_at(table[{at['positions']}])",
        f"notes_f = floats_at(table[{at['notes']}])",
        *(f"{n} = table[{at[n]}]" for n in ("slot", "legs", "stride", "engine",
                                            "position_capacity")),
        f"c_f, c_i = floats_at(table[{at['strategy']}]), words_at(table[{at['strategy']}])",
        f"state_f, state_i = floats_at(table[{at['state']}]), words_at(table[{at['state']}])",
        *([f"c = {load(kernel.constants, 'c')}"] if "c" in kernel.arguments else []),
        *(f"{n} = at_{cls.__name__}(table[{at['state']}] + {8 * shared[n]})"
          for n, cls in SHARED.items() if n != "curve"),
        f"curve = {load(metrics.Curve, 'state', '{i} + ' + str(shared['curve']))}",
        "status = 0",
        "shared_kept = 0",
        "for i in range(legs):",
        f"    notes[{len(NOTES)} * i + 1] = 0",
        *_worth_lines(),
        "for t in range(start, stop):",
        *indent(_moment(kernel, features, form, rotates, converts)),
        *store(metrics.Curve, "curve", "state", "{i} + " + str(shared["curve"])),
        "return status",
    ]  # fmt: skip
    text = "\n".join(["def drive(table, start, stop):", *indent(body)]) + "\n"
    groups = offsets(leg_groups(kernel))
    places = {"POSITION_AT": "q", "INTENT_AT": "intent", "SLOTS_AT": "slots"}
    for name, group in places.items():
        text = text.replace(name, str(8 * groups[group]))
    return text


def _moment(
    kernel: Strategy, features: Sequence[str], form: Form, rotates: bool, converts: bool
) -> list[str]:
    """Return the lines of one moment."""
    n = len(NOTES)
    each = ["for i in range(legs):", "    r = rows[i * stride + t]", "    if r >= 0:"]
    ranked = rank_lines() if rotates else []
    return [
        "ts_ns = moments[t]",
        "state_i[0] += 1",
        "shared_called = 0",
        *each,
        *indent([*_leg(kernel, form), *_open(form)], 2),
        "    else:",
        f"        notes[{n} * i + 2] = 0",
        # Only now: nothing filled at an open knows a close of the same moment.
        *_mark_lines(converts),
        *([] if not rotates else ["due = 0", *due_lines()]),
        *each,
        *indent([*_leg(kernel, form), *_feature_lines(features, form)], 2),
        *indent(_strategy(kernel, form, rotates), 2),
        *ranked,
        *([] if not rotates else each),
        *([] if not rotates else indent([*_leg(kernel, form), *_decide(kernel, form)], 2)),
        *_close(kernel, form, each),
        "curve = mark_bar(curve, start_cash, ts_ns, index, equity, held != 0)",
        "if status == 0 and curve.equity - curve.equity != 0.0:",
        "    status = 2 + 16 * t",
        "out_sequence[t] = book.sequence",
        "out_cash[t] = wallet.cash",
        "out_equity[t] = curve.equity",
        "out_market[t] = index",
        *_hash(kernel, form),
    ]


def _leg(kernel: Strategy, form: Form) -> list[str]:
    """Return the lines that reach state, constants and bar of leg ``i`` at row ``r``."""
    at = {name: k for k, name in enumerate(LEG)}
    groups = offsets(leg_groups(kernel))
    table = {name: k for k, name in enumerate(TABLE)}
    more = [f"{n}_col" for n in engine.extras(form.uses)]
    lines = [
        "leg = words_at(leg_tables[i])",
        f"engine_table = leg[{at['engine_table']}]",
        "words = words_at(engine_table)",
        *(
            f"{n} = at_{engine.CLASSES[n].__name__}(words[{table[n]}])"
            for n in ("a", "n", "x", "exposure", "log", "bar")
        ),
        f"asked_at = words[{table['asked']}]",
        "start_cash = a.cash",
        f"own = leg[{at['state']}]",
        *(
            f"{name} = at_{cls.__name__}(own + {8 * groups[name]})"
            for name, cls in leg_groups(kernel).items()
            if name != "s"
        ),
        *(f"{p} = floats_at(leg[{at[p]}])[r]" for p in PRICES),
        *(f"{name} = floats_at(leg[{len(LEG) + k}])" for k, name in enumerate(more)),
        f"worth = notes_f[{len(NOTES)} * i]",
    ]
    if form.uses.sessions:
        day = "float((ts_ns - 1) // 86400000000000)"
        clock = form.uses.clock
        lines.append("session = session_col[r]" if clock else f"session = {day}")
        lines.append("minutes_left = minutes_left_col[r]" if clock else "minutes_left = 0.0")
    return lines


def _feature_lines(features: Sequence[str], form: Form) -> list[str]:
    first = len(LEG) + len(engine.extras(form.uses))
    return [f"feature_{n} = floats_at(leg[{first + k}])[r]" for k, n in enumerate(features)]


def _expose() -> list[str]:
    """Return the lines that write the exposure of the whole account for leg ``i``.

    What orders of signals still work towards counts as held, so that limits cannot be passed
    by several orders of one moment.
    """
    at = {name: k for k, name in enumerate(LEG)}
    return [
        "exposure.equity = wallet.cash",
        "exposure.gross = 0.0",
        "exposure.net = 0.0",
        "exposure.sector = 0.0",
        "exposure.price = mark.price",
        "for j in range(legs):",
        "    other = words_at(leg_tables[j])",
        f"    base = other[{at['state']}]",
        f"    price = at_Mark(base).price * notes_f[{len(NOTES)} * j]",
        "    there = at_Position(base + POSITION_AT)",
        "    entry = at_Order(base + SLOTS_AT)",
        "    exposure.equity += there.lots * price",
        "    lots = there.lots if j == i or entry.id == 0 or entry.to_goal == 0 else entry.goal",
        "    exposure.net += lots * price",
        "    exposure.gross += abs(lots * price)",
        f"    if other[{at['sector']}] == leg[{at['sector']}]:",
        "        exposure.sector += abs(lots * price)",
    ]


def _call(stage: int, word: str) -> list[str]:
    """Return the lines that call the engine for one stage of leg ``i``'s bar."""
    return [
        *_expose(),
        "bar.number = mark.bars",
        "bar.worth = worth",
        "log.row = t",
        "log.instrument = i",
        f"failed = invoke(engine, engine_table, {stage} + 4 * r, {word})",
        "shared_called = 1",
        "if status == 0 and failed != 0:",
        "    status = (failed & 15) + 16 * t",
    ]


def _open(form: Form) -> list[str]:
    n = len(NOTES)
    return [
        "mark.bars += 1",
        *engine.open_lines(form, _call(OPEN, "0"), "r"),
        f"notes[{n} * i + 2] = called",
        "at = position_count[0]",
        "position_count[0] = at + 1",
        "positions[at] = t",
        "positions[position_capacity + at] = book.bar_sequence",
        "positions[2 * position_capacity + at] = i",
    ]


def _strategy(kernel: Strategy, form: Form, rotates: bool) -> list[str]:
    """Return the lines that ask the strategy about leg ``i``, and those that follow it."""
    n = len(NOTES)
    lines = ["wanted = 0.0" if not rotates else "wanted = nan"]
    if kernel.orders:
        lines.append(f"asked = ({'keep(), ' * kernel.orders})")
    own = offsets(leg_groups(kernel))
    load_s = [f"s = {load(kernel.state, 's', '{i}')}"] if kernel.stateful else []
    store_s = store(kernel.state, "s", "s", "{i}") if kernel.stateful else []
    lines += [
        "ready = words_at(leg[0])[0]",
        "if mark.bars >= ready:",
        *indent([
            *([f"s_f, s_i = floats_at(own + {8 * own['s']}), words_at(own + {8 * own['s']})"]
              if kernel.stateful else []),
            *load_s, *engine.strategy_lines(kernel, "feature_{name}"), *store_s,
        ]),
    ]  # fmt: skip
    if rotates:
        return [*lines, f"notes_f[{n} * i + 3] = wanted"]
    return [
        *lines,
        "if status == 0 and not (wanted >= -1.0 and wanted <= 1.0):",
        "    status = 1 + 16 * t",
        "signal = wanted_signal(a, wanted, equity)",
        f"notes_f[{n} * i + 3] = signal",
        *_follow(kernel, form),
    ]


def _follow(kernel: Strategy, form: Form) -> list[str]:
    n = len(NOTES)
    call = [*engine.request_lines(kernel), *_call(DECIDE, "bits_of(signal)")]
    return [
        "called = 0",
        *engine.decide_lines(kernel, form, call, "q.lots != 0.0"),
        f"notes[{n} * i + 2] += called",
    ]


def _decide(kernel: Strategy, form: Form) -> list[str]:
    """Return the lines that follow the signal a rotation gave leg ``i``."""
    n = len(NOTES)
    return [
        f"signal = wanted_signal(a, notes_f[{n} * i + 4], equity)",
        f"notes_f[{n} * i + 3] = signal",
        "if due != 0:",
        "    intent.again = 1",
        *_follow(kernel, form),
    ]


def _close(kernel: Strategy, form: Form, each: list[str]) -> list[str]:
    lines = engine.close_lines(form, _call(CLOSE, "0"))
    if not lines:
        return []
    n = len(NOTES)
    body = ["called = 0", *lines, f"notes[{n} * i + 2] += called"]
    return [
        *each,
        *indent([*_leg(kernel, form), *body], 2),
        "equity = wallet.cash",
        *_value_lines(),
    ]


def _worth_lines() -> list[str]:
    """Return the lines that convert each leg's lot into account currency at the last rates."""
    at = {name: k for k, name in enumerate(LEG)}
    instrument = f"words_at(leg[{at['engine_table']}])[{TABLE.index('n')}]"
    return [
        "for i in range(legs):",
        "    leg = words_at(leg_tables[i])",
        f"    worth = at_Instrument({instrument}).lot_value",
        f"    if leg[{at['fx']}] >= 0:",
        f"        rate = at_Mark(words_at(leg_tables[leg[{at['fx']}]])[{at['state']}]).price",
        "        worth = worth * rate",
        f"    notes_f[{len(NOTES)} * i] = worth",
    ]


def _value_lines() -> list[str]:
    """Return the lines that add the value of all positions to ``equity``; ``held`` counts them."""
    return [
        "held = 0",
        "for j in range(legs):",
        f"    base = words_at(leg_tables[j])[{LEG.index('state')}]",
        "    there = at_Position(base + POSITION_AT)",
        f"    equity += there.lots * notes_f[{len(NOTES)} * j] * at_Mark(base).price",
        "    if there.lots != 0.0:",
        "        held += 1",
    ]


def _mark_lines(converts: bool) -> list[str]:
    """Return the lines that take the closes of a moment: each leg's mark, equity, and the market.

    The market's level is the mean of prices over first prices. Where no leg `converts` its
    currency by another's price, what a lot is worth does not change.
    """
    at = {name: k for k, name in enumerate(LEG)}
    value = [
        "there = at_Position(own + POSITION_AT)",
        f"equity += there.lots * notes_f[{len(NOTES)} * i] * mark.price",
        "if there.lots != 0.0:",
        "    held += 1",
    ]
    return [
        "equity, index, held, priced = wallet.cash, 0.0, 0, 0",
        "for i in range(legs):",
        "    leg = words_at(leg_tables[i])",
        f"    own = leg[{at['state']}]",
        "    mark = at_Mark(own)",
        "    r = rows[i * stride + t]",
        "    if r >= 0:",
        f"        mark.price = floats_at(leg[{at['close']}])[r]",
        "        if mark.bars == 1:",
        "            mark.first_price = mark.price",
        "    if mark.bars > 0:",
        "        priced += 1",
        "        index += mark.price / mark.first_price",
        *([] if converts else indent(value)),
        "index = index / priced if priced > 0 else 1.0",
        *([*_worth_lines(), *_value_lines()] if converts else []),
    ]


def _hash(kernel: Strategy, form: Form) -> list[str]:
    """Return the lines that write positions' ends and the state checksum of the moment."""
    n = len(NOTES)
    groups = leg_groups(kernel)
    at, shared = offsets(groups), offsets(SHARED, 1)
    first = at["q"]
    count = leg_words(kernel, form) - first
    every: list[str] = []
    place = 0
    for name, cls in groups.items():
        if name in ("mark", "s", "span"):
            every += hash_terms(cls, name, "leg_slot", place).values()
        place += len(fields_of(cls))
    ours: list[str] = [f"state_i[0] * (slot + {SEEN_KEY})"]
    place = 0
    for name, cls in SHARED.items():
        if name not in SHARED_ON_CALL:
            ours += hash_terms(cls, name, "slot", place).values()
        place += len(fields_of(cls))
    on_call = shared[SHARED_ON_CALL[0]]
    load_s = (
        [f"s_f, s_i = floats_at(own + {8 * at['s']}), words_at(own + {8 * at['s']})",
         f"s = {load(kernel.state, 's', '{i}')}"] if kernel.stateful else []
    )  # fmt: skip
    return [
        "total = 0",
        "place_at = position_count[0]",
        "for back in range(legs):",
        "    i = legs - 1 - back",
        "    leg = words_at(leg_tables[i])",
        f"    own = leg[{LEG.index('state')}]",
        f"    leg_slot = leg[{LEG.index('slot')}]",
        f"    mark, span = at_Mark(own), at_Span(own + {8 * at['span']})",
        *indent(load_s),
        "    r = rows[i * stride + t]",
        "    if r >= 0:",
        f"        total += words_at(leg[{LEG.index('checksum')}])[r]",
        "        place_at -= 1",
        f"        positions_f[3 * position_capacity + place_at] = notes_f[{n} * i + 3]",
        f"        q = at_Position(own + {8 * at['q']})",
        "        positions[4 * position_capacity + place_at] = int(q.lots)",
        f"    if notes[{n} * i + 2] != 0 or notes[{n} * i + 1] == 0:",
        "        own_i = words_at(own)",
        *indent(engine.kept_lines("kept", "own_i", first, count, "leg_slot", "leg_keys"), 2),
        f"        notes[{n} * i + 1] = kept",
        f"    total += notes[{n} * i + 1] + {' + '.join(every)}",
        "if shared_called != 0 or shared_kept == 0:",
        *indent(engine.kept_lines("shared_kept", "state_i", on_call,
                                  shared["slots"] - on_call, "slot", "shared_keys")),
        f"checksum[t] = total + shared_kept + {' + '.join(ours)}",
    ]  # fmt: skip
