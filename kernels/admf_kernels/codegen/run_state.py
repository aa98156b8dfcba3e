"""What lies where in the state of one run, and its checksum."""

from collections.abc import Iterable, Mapping

from admf_kernels.codegen.text import hash_terms, indent
from admf_kernels.contract import Strategy
from admf_kernels.execution import metrics, orders, records
from admf_kernels.execution.terms import Uses
from admf_kernels.layout import fields_of
from admf_kernels.memory import whole_lines

ORDER_WORDS = len(records.Order._fields)
STATE: dict[str, type] = {
    "curve": metrics.Curve, "sums": metrics.Sums, **records.SHARED, **records.OWN,
}  # fmt: skip
# Those that change on every bar; the others change only when the engine is called.
EVERY_BAR = ("curve", "sums", "book", "span")
SUMS = len(metrics.Sums._fields)


def groups(kernel: Strategy) -> dict[str, type]:
    """Return the state groups of one run in memory order; the working orders follow them."""
    own = {"s": kernel.state} if kernel.stateful else {}
    return {**own, **STATE}


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


def lane_words(kernel: Strategy, uses: Uses) -> int:
    """Return how many words the state of one lane takes: whole lines of a cache."""
    return whole_lines(state_words(kernel, uses))


def record_lines(kernel: Strategy, base: str) -> list[str]:
    """Return the lines that make a record of each group from the state's address `base`."""
    at = offsets(kernel)
    return [
        f"{name} = at_{cls.__name__}({base} + {8 * at[name]})"
        for name, cls in STATE.items()
        if name not in ("curve", "sums")
    ] + sums_lines(f"{base} + {8 * at['sums']}")


def sums_lines(address: str) -> list[str]:
    """Return the lines that reach the sums of the curve, as numbers and as words."""
    return [f"sums = floats_at({address})", f"sum_words = words_at({address})"]


def hash_lines(kernel: Strategy, uses: Uses, state: str, counted: str) -> list[str]:
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
    end = state_words(kernel, uses)
    return [
        "if called != 0 or kept == 0:",
        *indent(kept_lines("kept", f"{state}_i", on_call(at, end), "slot", "keys", at["sums"])),
        f"share = kept + summed + {' + '.join(every)}",
    ]


def on_call(at: Mapping[str, int], end: int) -> list[range]:
    """Return the words of state that only the engine changes; groups begin `at`, the last ends."""
    names = [*at]
    ends = dict(zip(names, [*(at[n] for n in names[1:]), end], strict=True))
    ours = (*records.SHARED, *records.OWN, "slots")
    return [range(at[n], ends[n]) for n in names if n in ours and n not in EVERY_BAR]


def kept_lines(
    name: str, words: str, ranges: Iterable[range], slot: str, keys: str, first: int
) -> list[str]:
    """Return the lines that hash words of state into `name`; word `first` has the first key."""
    lines = [f"{name} = 0"]
    for r in _joined(ranges):
        lines.append(f"for w in range({r.start}, {r.stop}):")
        lines.append(f"    {name} += {words}[w] * ({slot} + {keys}[w - {first}])")
    return lines


def _joined(ranges: Iterable[range]) -> list[range]:
    """Return ranges of which none begins where the one before ends."""
    found: list[range] = []
    for r in ranges:
        adjoins = found and found[-1].stop == r.start
        found[-1:] = [range(found[-1].start, r.stop)] if adjoins else [*found[-1:], r]
    return found


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
