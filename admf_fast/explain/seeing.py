"""What is looked at while a run is made again: bars, features, sizes, and moves of stops."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from admf_fast.data import BarBlock
from admf_kernels.execution.orders import places, request_place, stop_place
from admf_kernels.execution.reasons import ROLES, TRAILING_STOP
from admf_kernels.execution.records import Exposure, Ledger
from admf_kernels.execution.terms import Uses
from admf_kernels.feature_program import Part
from admf_kernels.layout import Words
from admf_kernels.reading_program import ReadingProgram


class BarRow(NamedTuple):
    """One closed bar."""

    ts_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Level(NamedTuple):
    """Where the stop of a working order stood after a bar, and what it was then."""

    ts_ns: int
    order_id: int
    stop: float
    role: str


class Ranked(NamedTuple):
    """One instrument at a ranking of a rotation; `rank` counts from 1, 0 for none."""

    symbol: str
    score: float
    rank: int
    signal: float


@dataclass(slots=True)
class Seen:
    """What was seen of one instrument on bars that matter, by the time of their close."""

    bars: dict[int, BarRow] = field(default_factory=dict)
    reads: dict[int, dict[str, float]] = field(default_factory=dict)
    inputs: dict[int, dict[str, float]] = field(default_factory=dict)
    ledgers: dict[int, Ledger] = field(default_factory=dict)
    exposures: dict[int, Exposure] = field(default_factory=dict)
    worths: dict[int, float] = field(default_factory=dict)  # of a lot at price 1, at the close
    rankings: dict[int, list[Ranked]] = field(default_factory=dict)  # of rotations
    levels: dict[int, list[Level]] = field(default_factory=dict)  # by the order's id


def bar_at(block: BarBlock, row: int) -> BarRow:
    """Return a bar of a block."""
    return BarRow(*(column.item(row) for column in block.columns()))  # type: ignore[arg-type]


def moves(uses: Uses) -> bool:
    """Return whether stops of a run can move, so that every bar has to be looked at."""
    return bool(uses.following or uses.requests > 0 or uses.actions)


class Stops(NamedTuple):
    """After which bars or moments there is something to see: wanted ones, all of windows."""

    wanted: Collection[int]
    windows: Sequence[tuple[int, int]]

    def cuts(self, ts_ns: Words) -> Iterator[tuple[int, int]]:
        """Yield the pieces of increasing times that end where there is something to see."""
        stops = np.isin(ts_ns, np.array(sorted(self.wanted), np.int64))
        for first_ns, last_ns in self.windows:
            stops |= (ts_ns >= first_ns) & (ts_ns <= last_ns)
        first = 0
        for last in [*(np.flatnonzero(stops) + 1).tolist(), len(ts_ns)]:
            if first < last:
                yield first, last
            first = last


class Look:
    """Looks at one instrument of a program, after its last bar.

    `parts` are those of the program it belongs to, whose labels begin with `prefix` where
    they are of this instrument alone.
    """

    def __init__(
        self, program: ReadingProgram, uses: Uses, parts: Sequence[Part] | None = None,
        prefix: str = "",
    ) -> None:  # fmt: skip
        self.seen = Seen()
        self._program, self._uses, self._prefix = program, uses, prefix
        self._parts = {part.label: part for part in (parts or program.parts)}
        self._last: dict[int, tuple[float, str]] = {}

    def all(self, bar: BarRow, worth: float) -> None:
        """See all there is, where a lot is worth so much at price 1."""
        program, seen = self._program, self.seen
        row = program.cursor - 1
        seen.bars[bar.ts_ns] = bar
        for into, outputs in ((seen.reads, program.reads), (seen.inputs, program.inputs)):
            places_ = {name: program.plan.column(source) for name, source in outputs.items()}
            into[bar.ts_ns] = {n: float(program.columns[k, row]) for n, k in places_.items()}
        seen.ledgers[bar.ts_ns] = self._parts["ledger"].value
        seen.exposures[bar.ts_ns] = program.exposure
        seen.worths[bar.ts_ns] = worth

    def levels(self, bar: BarRow) -> None:
        """See where the stops of working orders stand, as far as they moved."""
        uses, q = self._uses, self._parts[f"{self._prefix}q"].value
        protective = stop_place(uses) if uses.brackets else -1
        for k in range(places(uses)):
            order = self._parts[f"{self._prefix}order {k}"].value
            if not order.id:
                continue
            if k == protective:
                now = (q.stop, ROLES[q.stop_role])
            elif k >= request_place(uses) and order.kind == TRAILING_STOP:
                now = (order.stop, ROLES[order.role])
            else:
                continue
            if self._last.get(order.id) != now:
                self._last[order.id] = now
                self.seen.bars[bar.ts_ns] = bar
                level = Level(bar.ts_ns, order.id, *now)
                self.seen.levels.setdefault(order.id, []).append(level)
