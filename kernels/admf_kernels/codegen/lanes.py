"""The lane driver: any number of parameter sets of one strategy over the same rows.

Each lane has the state of a run of its own, lane after lane, and an engine table of its own,
so that its constants are its own. Lanes are taken one after the other over a tile of rows:
the state of one stays in registers and the first-level cache, and the lines of a bar are the
run driver's own, so a lane is the stand-alone run.

One lane, the tap, may also write what the run driver writes: per-bar outputs, events,
checksum. The others write those tables of events that are kept, with times where the tap has
rows; the events of other tables go nowhere. A lane that meets a number that cannot be used
stops on its own: its status says why, and on which bar.
"""

from collections.abc import Sequence

from admf_kernels.codegen import engine, run
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.text import indent, load, store
from admf_kernels.contract import ADJUSTMENT, Strategy
from admf_kernels.execution import log

# `tap` is -1 for none; `keeps` has a bit for each table of events that the lanes keep.
EXTRA = ("lanes", "tap", "keeps", "row_stride", "columns", "feature_columns", "statuses")
NO_TAP = -1


def source(kernel: Strategy, features: Sequence[str], form: Form) -> str:
    """Return the source of the lane driver of `kernel`, reading `features` in that order."""
    first = len(run.PRELUDE) + len(engine.extras(form.uses))
    at = {name: first + k for k, name in enumerate(EXTRA)}
    own = {n: cls for n, cls in engine.groups(kernel).items() if n in ("s", "curve")}
    words, offsets = engine.state_words(kernel, form.uses), engine.offsets(kernel)
    index = {n: f"{words} * k + {{i}} + {offsets[n]}" for n in own}
    body = [
        *run.setup_lines(form, ()),
        *(f"{n} = words_at(table[{at[n]}])" for n in ("feature_columns", "statuses")),
        *(f"{n} = table[{at[n]}]" for n in ("lanes", "tap", "keeps", "row_stride", "columns")),
        "tables = words_at(table[7])",
        "before = state_i[0]",
        "tap_status = 0",
        "for k in range(lanes):",
        "    if statuses[k] != 0:",
        "        continue",
        *indent(_lane_setup(kernel, features, form)),
        *indent([f"{n} = {load(cls, 'state', index[n])}" for n, cls in own.items()]),
        "    for t in range(start, stop):",
        *indent(_bar(kernel, features, form), 2),
        *indent([line for n, cls in own.items() for line in store(cls, n, "state", index[n])]),
        "    if status != 0:",
        "        statuses[k] = (status & 15) + 16 * (before + (status >> 4) - start + 1)",
        "        if k == tap:",
        "            tap_status = status",
        "state_i[0] = before + stop - start",
        "return tap_status",
    ]
    return "\n".join(["def drive(table, start, stop):", *indent(body)]) + "\n"


def _lane_setup(kernel: Strategy, features: Sequence[str], form: Form) -> list[str]:
    """Return the lines that find what belongs to lane ``k``."""
    words = engine.state_words(kernel, form.uses)
    base = f"table[1] + 8 * {words} * k"
    column = "columns + 8 * row_stride * feature_columns[{j} * lanes + k]"
    return [
        "engine_table = tables[k]",
        *run.engine_records("engine_table"),
        *engine.record_lines(kernel, base),
        f"lane_i = words_at({base})",
        f"counts = words_at(words[{engine.TABLE.index('log')}] + {8 * log.COUNTS_AT})",
        *(
            [f"c = {load(kernel.constants, 'c', '{i} * lanes + k')}"]
            if "c" in kernel.arguments
            else []
        ),
        *(f"feature_{n} = floats_at({column.format(j=j)})" for j, n in enumerate(features)),
        "ready = ready_lanes[k]",
        "seen = before",
        "status = 0",
        "kept = 0",
    ]


def _bar(kernel: Strategy, features: Sequence[str], form: Form) -> list[str]:
    """Return the lines of one bar of one lane."""
    adjusted = ADJUSTMENT in features
    place = "place"
    forget = [f"if keeps & {1 << j} == 0:\n    counts[{j}] = 0" for j in range(len(log.TABLES))]
    tapped = [*run.output_lines("t"), *engine.hash_lines(kernel, form, "lane", run.COUNTED)]
    return [
        "seen += 1",
        *run.bar_columns(form, "t"),
        f"{place} = t",
        "if k != tap:",
        f"    {place} = ts_ns",
        *indent([line for text in forget for line in text.split("\n")]),
        *run.bar_lines(kernel, form, "feature_{name}[t]", adjusted=adjusted, place=place),
        *run.status_lines("t"),
        "if k == tap:",
        *indent([*tapped, "checksum[t] += share"]),
    ]
