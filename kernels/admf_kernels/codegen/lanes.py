"""The lane driver: parameter sets of one strategy, one after the other over some bars.

Each lane is a run of its own: its state lies as that of a run alone, and its bars are taken in
the run driver's own lines, or eight at a time (`eights`). It is called for a tile at a time, as
all drivers of a program are: the bars and the distinct features stay in the caches for lane after
lane.

One lane, the tap, may also write what the run driver writes: per-bar outputs, events,
checksum. The others write those tables of events that they have memory for, with times where the
tap has rows. What a lane does after a number that cannot be used
means nothing: its status says which, and on which bar.

Table: as that of the run driver, state and first ready bar those of the first lane, and in place
of the engine's table one address for each lane; then `EXTRA`. Columns of features are given by
where they begin after the first column, by lane; then come the constants and the notes by lane.
"""

from collections.abc import Sequence

from admf_kernels.codegen import desk, eights, engine, run, run_state
from admf_kernels.codegen.asking import Asking, asked_ahead, asked_together, wishes_of
from admf_kernels.codegen.eight import WIDTH
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.text import indent, load, store
from admf_kernels.contract import ADJUSTMENT, Strategy
from admf_kernels.layout import fields_of

# `tap` is -1 for none.
EXTRA = (
    "lanes", "tap", "columns", "feature_columns", "constants", "notes", "wishes", "stride",
    "brief_engine",
)  # fmt: skip
NO_TAP = -1
# What the strategy wanted last, and why and on which bar a number could not be used.
NOTES = ("wanted", "status")


def source(kernel: Strategy, features: Sequence[str], form: Form) -> str:
    """Return the source of the lane driver of `kernel`, reading `features` in that order."""
    setup = _setup(form)
    asking = Asking(kernel, features, form, setup) if asked_ahead(kernel) else None
    together = asked_together(kernel)
    words = run_state.lane_words(kernel, form.uses)
    body = [
        *setup,
        *("tables = words_at(table[7])", "near = near_floats()"),
        f"for group in range(0, lanes, {together}):",
        f"    last_lane = group + {together} if group + {together} < lanes else lanes",
        *indent(asking.group_lines() if asking else []),
        "    for k in range(group, last_lane):",
        *indent(_lane(kernel, features, form, asking), 2),
        "if tap >= 0:",
        f"    status = notes[{len(NOTES)} * tap + {NOTES.index('status')}]",
        "    if status != 0:",
        f"        seen = words_at(table[1] + 8 * {words} * tap)[0]",
        "        return (status & 15) + 16 * (stop - 1 - (seen - (status >> 4)))",
        "return 0",
    ]
    parts = asking.parts() if asking else []
    return "\n".join([*parts, "def drive(table, start, stop):", *indent(body)]) + "\n"


def _setup(form: Form) -> list[str]:
    """Return the lines that read what all lanes share."""
    first = len(run.PRELUDE) + len(desk.extras(form.uses))
    at = {name: first + k for k, name in enumerate(EXTRA)}
    return [
        *run.setup_lines(form, ()),
        *(
            f"{n} = table[{at[n]}]"
            for n in ("lanes", "tap", "columns", "constants", "wishes", "stride", "brief_engine")
        ),
        *(f"{n} = words_at(table[{at[n]}])" for n in ("feature_columns", "notes")),
        f"notes_f = floats_at(table[{at['notes']}])",
    ]


def _lane(
    kernel: Strategy, features: Sequence[str], form: Form, asking: Asking | None
) -> list[str]:
    """Return the lines that take lane ``k`` over its bars."""
    adjusted = ADJUSTMENT in features
    alone = [
        *(asking.tap_lines() if asking else []),
        "seen += 1",
        *_loud(kernel, form, "curve.last_close", adjusted=adjusted),
        run.mark_line(adjusted=adjusted),
        "t += 1",
        "if k == tap:",
        *indent(_tapped(kernel, form)),
    ]
    steps = alone
    if eights.may_be_quiet(form):
        loud = _loud(kernel, form, "(close_col[t - 1] if t > start else last_close)",
                     adjusted=adjusted)  # fmt: skip
        together = eights.Eights(kernel, form, loud, adjusted=adjusted)
        fits = f"seen & {WIDTH - 1} == 0 and t + {WIDTH} <= stop"
        steps = [
            f"if k != tap and seen >= ready and {fits}:",
            *indent(together.lines()),
            "else:",
            *indent(alone),
        ]
    return [
        *_lane_setup(kernel, features, form),
        "t = start",
        "while t < stop:",
        *indent(steps),
        *_lane_end(kernel),
    ]


def _lane_setup(kernel: Strategy, features: Sequence[str], form: Form) -> list[str]:
    """Return the lines that reach what is the lane's own."""
    words = run_state.lane_words(kernel, form.uses)
    width = len(fields_of(kernel.constants))
    constants = f"constants + {8 * width} * k"
    return [
        f"state = table[1] + {8 * words} * k",
        "lane_f, lane_i = floats_at(state), words_at(state)",
        "engine_table = tables[k]",
        *run.engine_records("engine_table"),
        *run_state.record_lines(kernel, "state"),
        *(["brief = log.orders == 0 and log.fills == 0 and log.trades == 0"]
          if engine.is_brief(form) else []),
        "ready = ready_lanes[k]",
        *(
            [f"c_f, c_i = floats_at({constants}), words_at({constants})",
             f"c = {load(kernel.constants, 'c')}"]
            if "c" in kernel.arguments else []
        ),
        *(
            f"feature_{name} = floats_at(columns + 8 * feature_columns[{len(features)} * k + {j}])"
            for j, name in enumerate(features)
        ),
        "seen = lane_i[0]",
        *(f"{n} = {load(cls, 'lane', '{i} + ' + str(at))}" for n, cls, at in _own(kernel)),
        *([f"wishes_here = {wishes_of('wishes', '(k - group)')}"] if asked_ahead(kernel) else []),
        f"wanted = notes_f[{len(NOTES)} * k]",
        f"status = notes[{len(NOTES)} * k + 1]",
    ]  # fmt: skip


def _own(kernel: Strategy) -> list[tuple[str, type, int]]:
    """Return the groups that the driver has as values, and where they lie."""
    at = run_state.offsets(kernel)
    names = ("curve",) if asked_ahead(kernel) else ("s", "curve")
    return [(n, cls, at[n]) for n, cls in run_state.groups(kernel).items() if n in names]


def _lane_end(kernel: Strategy) -> list[str]:
    return [
        "lane_i[0] = seen",
        *(
            line
            for n, cls, at in _own(kernel)
            for line in store(cls, n, "lane", "{i} + " + str(at))
        ),
        f"notes_f[{len(NOTES)} * k] = wanted",
        f"notes[{len(NOTES)} * k + 1] = status",
    ]


def _loud(kernel: Strategy, form: Form, last: str, *, adjusted: bool) -> list[str]:
    """Return the lines that take a bar of lane ``k`` as the run driver does, but for its mark.

    `last` is the price before the bar.
    """
    lines = [
        *run.bar_lines(
            kernel, form, "feature_{name}[t]", adjusted=adjusted, place="place", last=last,
            strategy=["wanted = wishes_here[t]"] if asked_ahead(kernel) else None,
            brief="brief and intent.working == 0" if engine.is_brief(form) else "",
        ),
        *run.status_lines("t", "equity"),
    ]  # fmt: skip
    return [
        *run.bar_columns(form, "t"),
        "place = t if k == tap else ts_ns",
        # A status has the bar's number for its row.
        *(line.replace("+ 16 * t", "+ 16 * seen") for line in lines),
    ]


def _tapped(kernel: Strategy, form: Form) -> list[str]:
    """Return the lines that record the tap's bar, the last one taken."""
    s_at = f"{{i}} + {run_state.offsets(kernel)['s']}" if kernel.stateful else ""
    return [
        "row = t - 1",
        *([f"s = {load(kernel.state, 'lane', s_at)}"] if kernel.stateful and asked_ahead(kernel)
          else []),
        "signal = intent.signal",
        *run.output_lines("row"),
        "kept, called = 0, 1",
        *run_state.summed_lines(),
        *run_state.hash_lines(kernel, form.uses, "lane", run.COUNTED),
        "checksum[row] += share",
    ]  # fmt: skip
