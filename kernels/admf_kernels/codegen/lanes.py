"""The lane driver: `LANES` parameter sets of one strategy, side by side, bar after bar.

Each lane has the state of a run of its own, lane after lane, and an engine table of its own.
One lane, the tap, also writes what the run driver writes: per-bar outputs, events, checksum;
the events of the others go nowhere. The lines of a bar are the run driver's own, so a lane
is the stand-alone run.
"""

from collections.abc import Sequence

from admf_kernels.codegen import engine, run
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.text import indent, load, store
from admf_kernels.contract import ADJUSTMENT, Strategy

LANES = 64
EXTRA = ("tap", "row_stride", "columns", "feature_columns", "void_counts")


def source(kernel: Strategy, features: Sequence[str], form: Form) -> str:
    """Return the source of the lane driver of `kernel`, reading `features` in that order."""
    first = len(run.PRELUDE) + len(engine.extras(form.uses))
    at = {name: first + k for k, name in enumerate(EXTRA)}
    body = [
        *run.setup_lines(form, ()),
        *(f"{n} = words_at(table[{at[n]}])" for n in ("feature_columns", "void_counts")),
        f"tap = table[{at['tap']}]",
        f"row_stride = table[{at['row_stride']}]",
        f"columns = floats_at(table[{at['columns']}])",
        "tables = words_at(table[7])",
        "seen = state_i[0]",
        "status = 0",
        "for t in range(start, stop):",
        *indent(["seen += 1", *run.bar_columns(form, "t")]),
        *indent(["for k in range(LANES):", *indent(_lane(kernel, features, form))]),
        *indent(["    if k == tap:", *indent(_tap(kernel, form), 2)]),
        "state_i[0] = seen",
        "return status",
    ]
    head = [f"LANES = {LANES}"]
    return "\n".join([*head, "", "", "def drive(table, start, stop):", *indent(body)]) + "\n"


def _lane(kernel: Strategy, features: Sequence[str], form: Form) -> list[str]:
    """Return the lines of one lane on one bar."""
    words = engine.state_words(kernel, form.uses)
    at = engine.offsets(kernel)
    own = {n: cls for n, cls in engine.groups(kernel).items() if n in ("s", "curve")}
    lines = [
        "engine_table = tables[k]",
        *run.engine_records("engine_table"),
        *engine.record_lines(kernel, f"table[1] + 8 * {words} * k"),
    ]
    if "c" in kernel.arguments:
        lines.append(f"c = {load(kernel.constants, 'c', '{i} * LANES + k')}")
    lines += [
        f"value_{n} = columns[feature_columns[{j} * LANES + k] * row_stride + t]"
        for j, n in enumerate(features)
    ]
    index = f"{words} * k + {{i}} + "
    lines += ["ready = ready_lanes[k]"]
    lines += [f"{n} = {load(cls, 'state', index + str(at[n]))}" for n, cls in own.items()]
    lines += [*(f"void_counts[{j}] = 0" for j in range(len(engine.EVENT_TABLES)))]
    adjusted = ADJUSTMENT in features
    lines += run.bar_lines(kernel, form, "value_{name}", adjusted=adjusted)
    for name, cls in own.items():
        lines += store(cls, name, "state", index + str(at[name]))
    return lines


def _tap(kernel: Strategy, form: Form) -> list[str]:
    """Return the lines that record the tap lane's bar."""
    words = engine.state_words(kernel, form.uses)
    return [
        *run.status_lines("t"),
        *run.output_lines("t"),
        "kept = 0",
        f"lane_i = words_at(table[1] + 8 * {words} * k)",
        *engine.hash_lines(kernel, form, "lane", run.COUNTED),
        "checksum[t] += share",
    ]
