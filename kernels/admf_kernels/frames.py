"""Longer timeframes inside a program: the bars that are made, and what is computed on them.

A bar of the program belongs to the bucket with ``start < ts <= end``. Buckets start at whole
multiples of the timeframe in UTC (weeks on Monday); with a clock, those of ``1d`` are the
sessions, and bars outside of all sessions belong to none. A bucket closes on the bar that
ends with it, or, if that one is missing, on the first bar after it; from then on it is a row
of the child, a program over such bars. The first bucket of a run is dropped: whether its
first bars were there is not known.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_kernels import checksum, drivers
from admf_kernels.codegen import frame
from admf_kernels.codegen.frame import Bucket
from admf_kernels.codegen.gate import NEVER
from admf_kernels.contract import BAR_COLUMNS, Feature, Output, Source, on_label
from admf_kernels.feature_program import FeatureProgram, Part, Place
from admf_kernels.layout import Words, fields_of
from admf_kernels.plan import Node, Plan
from admf_kernels.timeframe import first_start_ns, timeframe_ns

CHILD_BARS = 1024  # rows until the oldest make room


class ChildProgram(FeatureProgram):
    """The features of one longer timeframe; its parent's drivers feed it.

    `covered` are the features that belong to the parent's state checksum, `state` is its
    part of the parent's state.
    """

    least_history = 1  # what the parent holds is the last row

    def __init__(
        self, parent: FeatureProgram, timeframe: str, covered: Sequence[Feature], state: Words
    ) -> None:
        self.timeframe = timeframe
        self.covered = covered
        self.given_state = state
        self.next_row = np.zeros(1, np.int64)
        super().__init__(
            parent.plan.by_timeframe[timeframe],
            block_bars=CHILD_BARS,
            hashed=parent.hashed and bool(covered),
            clock=parent.clock,
        )
        self.next_row[0] = self.cursor

    def _allocate(self, block_bars: int) -> None:
        super()._allocate(block_bars)
        self.state = self.given_state

    def _label(self, feature: Feature) -> str:
        return on_label(self.timeframe, feature.label)

    def _is_hashed(self, node: Node) -> bool:
        return self.hashed and node.feature in self.covered

    @property
    def by_sessions(self) -> bool:
        """Whether its bars are sessions of the clock."""
        return self.timeframe == "1d" and self.clock is not None

    def table(self) -> list[Any]:
        """Return the child's part of the frame driver's table."""
        sessions: list[Any] = [0, 0, 0]
        if self.by_sessions and self.clock:
            sessions = [self.clock.open_ns, self.clock.close_ns, len(self.clock.day)]
        return [
            *(self.next_row, drivers.execute_all().address, self._table),
            *(self.columns, self.rows, self.history, self.plan.column_count, self.checksum),
            *(timeframe_ns(self.timeframe), first_start_ns(self.timeframe), *sessions),
        ]

    def describe(self) -> str:
        """Return what is computed on which bars, as text for digests."""
        sessions = self.clock.digest if self.by_sessions and self.clock else ""
        code = hashlib.sha256(frame.source(hashed=True).encode()).hexdigest()
        return f"on {self.timeframe} {sessions} {code}\n{super().describe()}"


def state_size(plan: Plan) -> int:
    """Return how many words of a program's state belong to its longer timeframes."""
    words = 0
    for child in plan.children.values():
        words += 1 + len(fields_of(Bucket))
        for node in child.nodes:
            words += 1 + len(fields_of(node.indicator.state))
    return words


def add_children(program: FeatureProgram, first: int) -> tuple[list[ChildProgram], int]:
    """Add what makes longer bars, its state from word `first` on; returns where that ends."""
    children = []
    for timeframe, plan in program.plan.children.items():
        bucket = program.state[first : first + 1 + len(fields_of(Bucket))]
        first += len(bucket)
        last = first
        for feature in plan.nodes:
            last += 1 + len(fields_of(feature.indicator.state))
        covered = program.covered_on(timeframe)
        child = ChildProgram(program, timeframe, covered, program.state[first:last])
        _add_child(program, child, bucket)
        children.append(child)
        first = last
    return children, first


def _add_child(program: FeatureProgram, child: ChildProgram, bucket: Words) -> None:
    label = f"on({child.timeframe})"
    held: list[Any] = []
    for feature, column in program.plan.held.items():
        if feature.timeframe == child.timeframe:
            inner = feature._replace(timeframe="")
            for k in range(len(feature.indicator.outputs)):
                held += [Place(column + k), child.plan.column(Output(inner, k))]
    bars = [Place(program.plan.column(name)) for name in BAR_COLUMNS]
    slot = checksum.slot_of(label) if child.hashed else 0
    program.add_driver(
        drivers.for_frame(hashed=child.hashed),
        [*bars, program.checksum, slot, bucket, *child.table(), len(held) // 2, *held],
    )
    program.parts += [Part(label, Bucket, bucket[1:]), *child.parts]


def add_gate(
    program: FeatureProgram, first: int, reads: Sequence[dict[str, Source]]
) -> tuple[NDArray[np.int64], int]:
    """Return the first bar of each lane's strategy, as an array that the drivers read.

    Where lanes wait for longer bars, adds the driver that fills it, its state from word
    `first` on, and returns where that ends.
    """
    plan = program.plan
    ready = [max((plan.ready_bars(s) for s in r.values()), default=1) for r in reads]
    at_least = np.array(ready, np.int64)
    if not plan.held:
        return at_least, first
    waiting = [[s for s in r.values() if plan.waits(s)] for r in reads]
    if not any(waiting):
        return at_least, first
    words = program.state[first : first + gate_size(plan, reads)]
    words[1:] = np.where([bool(w) for w in waiting], NEVER, at_least)
    edges = [0]
    for sources in waiting:
        edges.append(edges[-1] + len(sources))
    places = [Place(plan.column(s)) for sources in waiting for s in sources]
    table = [words, len(reads), at_least, np.array(edges, np.int64), *places]
    program.add_driver(drivers.for_gate(), table)
    return words[1:], first + len(words)


def gate_size(plan: Plan, reads: Sequence[dict[str, Source]]) -> int:
    """Return how many words of state the gate takes."""
    waits = bool(plan.held) and any(plan.waits(s) for r in reads for s in r.values())
    return 1 + len(reads) if waits else 0
