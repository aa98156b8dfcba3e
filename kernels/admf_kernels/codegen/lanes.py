"""The lane driver: `LANES` parameter sets of one strategy, side by side, bar after bar.

State, constants and accounts lie as ``[field][lane]`` with a compile-time lane count (row 0
of the state holds the bar counter). One lane, the tap, also writes what the run driver
writes: per-bar outputs, events, checksum. The lines of a bar are the run driver's own, so a
lane is the stand-alone run.
"""

from collections.abc import Sequence

from admf_kernels.codegen import run
from admf_kernels.codegen.text import indent, load, store
from admf_kernels.contract import Strategy
from admf_kernels.execution import account, bar, portfolio
from admf_kernels.layout import fields_of

LANES = 64
# What the bar's lines leave behind besides the state, kept for the tap.
SCRATCH: dict[str, type] = {
    "made": bar.Decision,
    "fill_open": bar.Fill,
    "trade_open": portfolio.Trade,
    "fill_close": bar.Fill,
    "trade_close": portfolio.Trade,
}
SCRATCH_WORDS = LANES * sum(len(fields_of(c)) for c in SCRATCH.values())
EXTRA = ("scratch", "tap", "row_stride", "columns", "feature_columns")


def source(kernel: Strategy, features: Sequence[str]) -> str:
    """Return the source of the lane driver of `kernel`, reading `features` in that order."""
    body = [
        *_setup(kernel),
        "seen = state_i[0]",
        "status = 0",
        "traded = 0",
        "for t in range(start, stop):",
        *indent(["seen += 1", "for k in range(LANES):", *indent(_lane(kernel, features))]),
        *indent([*_tap(kernel), *run.status_lines("t")]),
        *indent([*run.record_lines("t"), *run.hash_lines(kernel, "t")]),
        "state_i[0] = seen",
        "return status",
    ]
    constants = {"LANES": LANES}
    head = [f"{name} = {value}" for name, value in constants.items()]
    return "\n".join([*head, "", "", "def drive(table, start, stop):", *indent(body)]) + "\n"


def _setup(kernel: Strategy) -> list[str]:
    first = len(run.PRELUDE)
    at = {name: first + k for k, name in enumerate(EXTRA)}
    return [
        *run.setup_lines(),
        f"scratch_f = floats_at(table[{at['scratch']}])",
        f"scratch_i = words_at(table[{at['scratch']}])",
        f"tap = table[{at['tap']}]",
        f"row_stride = table[{at['row_stride']}]",
        f"columns = floats_at(table[{at['columns']}])",
        f"feature_columns = words_at(table[{at['feature_columns']}])",
    ]


def _lane(kernel: Strategy, features: Sequence[str]) -> list[str]:
    """Return the lines of one lane on one bar."""
    lines = [f"a = {load(account.Account, 'a', '{i} * LANES + k')}"]
    if "c" in kernel.arguments:
        lines.append(f"c = {load(kernel.constants, 'c', '{i} * LANES + k')}")
    lines += [
        f"value_{n} = columns[feature_columns[{j} * LANES + k] * row_stride + t]"
        for j, n in enumerate(features)
    ]
    lines.append("ready = ready_lanes[k]")
    state = run.state_classes(kernel)
    lines += [f"{n} = {load(c, 'state', _at(f))}" for n, c, f in _offsets(state, 1)]
    lines += run.bar_lines(kernel, "t", "value_{name}")
    for n, c, f in _offsets(state, 1):
        lines += store(c, n, "state", _at(f))
    for n, c, f in _offsets(SCRATCH, 0):
        lines += store(c, n, "scratch", _at(f))
    return lines


def _tap(kernel: Strategy) -> list[str]:
    """Return the lines that read the tap lane's state and outcome back."""
    lines = [f"{n} = {load(c, 'scratch', _at(f, 'tap'))}" for n, c, f in _offsets(SCRATCH, 0)]
    state = run.state_classes(kernel)
    return lines + [f"{n} = {load(c, 'state', _at(f, 'tap'))}" for n, c, f in _offsets(state, 1)]


def _at(first: int, lane: str = "k") -> str:
    return "({i} + " + str(first) + ") * LANES + " + lane


def _offsets(groups: dict[str, type], first: int) -> list[tuple[str, type, int]]:
    found = []
    for name, cls in groups.items():
        found.append((name, cls, first))
        first += len(fields_of(cls))
    return found
