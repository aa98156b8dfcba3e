"""The scan driver: one indicator over consecutive rows of its columns.

Table: constants, state, checksum column, slot key, then one pointer per output and one
per input. A lagged input is the same column with its address moved back, so the loop reads
every input at row ``t``. State word 0 is the driver's own: bars seen so far, negative
while the indicator's inputs are not valid yet.
"""

from collections.abc import Iterable

from admf_kernels.codegen.text import SEEN_KEY, coerce, hash_terms, indent, load, pointers, store
from admf_kernels.contract import Indicator, WindowOf

HEADER = 4


def table_names(kernel: Indicator) -> list[str]:
    """Return what each table entry after the header points at."""
    return [f"out_{o}" for o in kernel.outputs] + [f"in_{n}" for n in kernel.inputs]


def source(kernel: Indicator, *, hashed: bool, waits: bool = False) -> str:
    """Return the source of the driver of `kernel`; `hashed` adds the state checksum.

    One that `waits` makes its first step on the first row on which all columns have values.
    """
    body = [
        *pointers([("c_f", "floats_at"), ("s_f", "floats_at"), ("checksum", "words_at")], 0),
        "c_i = words_at(table[0])",
        "s_i = words_at(table[1])",
        "slot = table[3]",
        *pointers([(n, "floats_at") for n in table_names(kernel)], HEADER),
        *([f"c = {load(kernel.constants, 'c')}"] if "c" in kernel.arguments else []),
        f"warmup_bars = c_i[{_words(kernel.constants)}]",
        f"renew_bars = c_i[{_words(kernel.constants) + 1}]",
        *(
            f"bars_{name} = c_i[{_words(kernel.constants) + 2 + k}]"
            for k, name in enumerate(kernel.windows)
        ),
        "seen = s_i[0]",
        *([f"s = {load(kernel.state, 's', '{i} + 1')}"] if kernel.stateful else []),
        "t = start",
        *(_wait(kernel, hashed) if waits else _idle(kernel, hashed)),
        *_warm(kernel, hashed),
        *_steady(kernel, hashed),
        "s_i[0] = seen",
        *store(kernel.state, "s", "s", "{i} + 1"),
        "return 0",
    ]
    return "\n".join(["def drive(table, start, stop):", *indent(body)]) + "\n"


def _words(cls: type) -> int:
    return len(getattr(cls, "_fields", ()))


def _idle(kernel: Indicator, hashed: bool) -> list[str]:
    """Rows before the inputs are valid: no step, outputs NaN."""
    return [
        "while t < stop and seen < 0:",
        *indent([*_outputs(kernel, "nan"), *_hash(kernel, hashed, "t", "seen"), "seen += 1"]),
        *indent(["t += 1"]),
    ]


def _wait(kernel: Indicator, hashed: bool) -> list[str]:
    """Rows before the columns have values, however many."""
    columns = [f"in_{name}[t]" for name in kernel.sources]
    return [
        "while t < stop and seen < 0:",
        *indent([f"if {' and '.join(f'{c} == {c}' for c in columns)}:", "    seen = 0", "else:"]),
        *indent([*_outputs(kernel, "nan"), *_hash(kernel, hashed, "t", "seen"), "t += 1"], 2),
    ]


def _warm(kernel: Indicator, hashed: bool) -> list[str]:
    """The warm-up, bar by bar: outputs NaN until the last of its bars."""
    return [
        "while t < stop and seen < warmup_bars:",
        *indent(["seen += 1", *_call(kernel, "t", "seen", "False")]),
        *indent(
            [
                f"out_{o}[t] = {_output(kernel, k)} if seen >= warmup_bars else nan"
                for k, o in enumerate(kernel.outputs)
            ]
        ),
        *indent([*_hash(kernel, hashed, "t", "seen"), "t += 1"]),
    ]


def _steady(kernel: Indicator, hashed: bool) -> list[str]:
    """All later bars; between two renewals the loop has nothing left to decide."""
    run = [
        "for u in range(t, edge):",
        *indent([*_call(kernel, "u", "warmup_bars + 1", "False"), *_outputs(kernel, None, "u")]),
        *indent(_hash(kernel, hashed, "u", "(base + u)")),
        "seen += edge - t",
        "t = edge",
    ]
    if kernel.renewal is None:
        return ["edge = stop", "base = seen + 1 - t", "if t < edge:", *indent(run)]
    return [
        "while t < stop:",
        *indent(["edge = t + renew_bars - 1 - seen % renew_bars"]),
        *indent(["edge = edge if edge < stop else stop", "base = seen + 1 - t", *run]),
        *indent(["if t < stop:"]),
        *indent(["seen += 1", *_call(kernel, "t", "warmup_bars + 1", "True")], 2),
        *indent([*_outputs(kernel, None), *_hash(kernel, hashed, "t", "seen"), "t += 1"], 2),
    ]


def _call(kernel: Indicator, row: str, bars: str, renew: str) -> list[str]:
    """Return the lines that call the step once."""
    values = {"c": "c", "s": "s", "bars": bars, "renew": renew}
    for name, declared in kernel.inputs.items():
        window = isinstance(declared, WindowOf)
        values[name] = f"Window(in_{name}, {row}, bars_{name})" if window else f"in_{name}[{row}]"
    call = f"step({', '.join(values[a] for a in kernel.arguments)})"
    if not kernel.stateful:
        return [f"y = {call}"]
    return [f"moved, y = {call}", f"s = {coerce(kernel.state, 'moved')}"]


def _output(kernel: Indicator, index: int) -> str:
    return "y" if len(kernel.outputs) == 1 else f"y[{index}]"


def _outputs(kernel: Indicator, value: str | None, row: str = "t") -> Iterable[str]:
    return [f"out_{o}[{row}] = {value or _output(kernel, k)}" for k, o in enumerate(kernel.outputs)]


def _hash(kernel: Indicator, hashed: bool, row: str, seen: str) -> list[str]:
    """Return the line that adds this kernel's share of the state checksum."""
    if not hashed:
        return []
    terms = [f"{seen} * (slot + {SEEN_KEY})", *hash_terms(kernel.state, "s", "slot").values()]
    return [f"checksum[{row}] += {' + '.join(terms)}"]
