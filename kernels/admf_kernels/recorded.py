"""Stored signals as columns, and the strategy that plays them back.

A series is what a strategy wanted on every bar, kept as changes: the signal is that of the
last change at or before the close of the bar, 0.0 before the first. The column ``recorded:k``
holds series `k` of the program's `Recorded`, bar by bar; the strategy `replay` gives it on as
its signal. So everything behind a signal runs as it does behind the strategy itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_kernels.codegen.text import indent
from admf_kernels.contract import RECORDED, Strategy
from admf_kernels.errors import KernelError
from admf_kernels.layout import Empty

Longs = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """The changes of some signals, one series after the other.

    Attributes
    ----------
    edges : int64 (series + 1,)
        Where each series begins, and where the last one ends.
    ts_ns : int64 (changes,)
        When each change was seen: the close of its bar, rising within a series.
    signal : float64 (changes,)
        In [-1, 1], from that bar on.
    """

    edges: Longs
    ts_ns: Longs
    signal: Floats

    def __len__(self) -> int:
        return len(self.edges) - 1

    def table(self) -> list[Longs | Floats | int]:
        """Return what the driver's table holds between the times and the outputs."""
        return [self.edges, self.ts_ns, self.signal, len(self)]


def recorded_of(series: Sequence[tuple[Longs, Floats]]) -> Recorded:
    """Return series of (ts_ns, signal) as one object; KernelError where times do not rise."""
    for ts_ns, signal in series:
        if ts_ns.shape != signal.shape or not (np.diff(ts_ns) > 0).all():
            raise KernelError("stored signals: expected a value for each time, the times rising")
    edges = np.zeros(len(series) + 1, np.int64)
    for k, (ts_ns, _) in enumerate(series):
        edges[k + 1] = edges[k] + len(ts_ns)
    times = np.concatenate([np.zeros(0, np.int64), *(ts_ns for ts_ns, _ in series)])
    signals = np.concatenate([np.zeros(0), *(signal for _, signal in series)])
    return Recorded(edges, times, signals)


def series_of(column: str) -> int:
    """Return which series a column ``recorded:k`` holds."""
    return int(column.removeprefix(f"{RECORDED}:"))


class Params(NamedTuple):
    """Which of the program's series is played."""

    series: int = 0


def _step(recorded: float) -> float:
    """Give on what was wanted when the signals were stored."""
    return recorded


# Not registered: it means nothing without the series that a program is handed.
replay = Strategy("replay", _step, Params, Empty, Params, lambda p: p, (), lambda p: {})

# Of the first row: the changes up to its bar. Then they are walked beside the rows.
WALK = """\
out = floats_at(table[5 + k])
low = edges[k]
high = edges[k + 1]
while low < high:
    middle = (low + high) // 2
    if changed[middle] <= times[start]:
        low = middle + 1
    else:
        high = middle
last = edges[k + 1]
value = signals[low - 1] if low > edges[k] else 0.0
for t in range(start, stop):
    while low < last and changed[low] <= times[t]:
        value = signals[low]
        low += 1
    out[t] = value
"""


def _source() -> str:
    body = [
        "times = words_at(table[0])",
        "edges = words_at(table[1])",
        "changed = words_at(table[2])",
        "signals = floats_at(table[3])",
        *("if start >= stop:", "    return 0"),
        "for k in range(table[4]):",
        *indent(WALK.splitlines()),
        "return 0",
    ]
    return "\n".join(["def drive(table, start, stop):", *indent(body)]) + "\n"


# Table: times, the edges, times and signals of all series, how many there are, one pointer
# per column. It keeps no state.
SOURCE = _source()
