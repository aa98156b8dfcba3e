"""One run in all its forms: only what is needed, everything, plain Python, any cuts.

Terms of every kind over hostile bars: per-bar outputs, events and state checksums are the
same bits, whether a driver calls the engine where something can happen, on every bar, or the
engine runs uncompiled; in one block, in many, and restored from a snapshot in between.
"""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import Program, get, snapshot
from admf_kernels.plain import PlainProgram
from admf_kernels.recording import Bars
from tests.engine.any_terms import (
    all_terms,
    ask_volume,
    follow_volume_steps,
    hostile_bars,
    inputs_for,
)
from tests.kernels.strategies import quick

COUNT = 240
PER_BAR = ("signal", "lots", "cash", "equity", "sequence")


def program_of(kernel: Any, terms: Any, *, general: bool = False) -> Program:
    return Program(kernel, None, terms, inputs=inputs_for(terms), block_bars=COUNT, general=general)


class Left:
    """What a run left: words of every bar, and its events with the number of their bar."""

    def __init__(self) -> None:
        self.bars: list[tuple[int, ...]] = []
        self.events: list[tuple] = []

    def feed(self, program: Program, bars: Bars, first: int, last: int) -> None:
        rows = program.feed(*bars.rows(first, last))
        columns = [program.per_bar[n][rows].view(np.int64) for n in PER_BAR]
        words = [*columns, program.checksum[rows]]
        self.bars += list(zip(*(w.tolist() for w in words), strict=True))
        for k, (table, columns) in enumerate(program.events.items()):
            for j in range(program.counts.item(k)):
                row, *values = (column.item(j) for column in columns.values())
                self.events.append((table, first + row - rows.start, *values))

    def compare(self, other: "Left") -> None:
        for k, (a, b) in enumerate(zip(self.bars, other.bars, strict=True)):
            assert a == b, f"bar {k}: {(*PER_BAR, 'checksum')}"
        # Written out, so that -0.0 is not 0.0; by table, each in its order.
        ours, theirs = (sorted(x.events, key=lambda e: (e[0], e[1], e[2])) for x in (self, other))
        assert [repr(e) for e in ours] == [repr(e) for e in theirs]


def left_by(program: Program, bars: Bars, cuts: list[int]) -> Left:
    left = Left()
    for first, last in itertools.pairwise([0, *cuts, COUNT]):
        left.feed(program, bars, first, last)
    return left


def left_by_plain(kernel: Any, terms: Any, bars: Bars) -> Left:
    left = Left()
    program = PlainProgram(kernel, None, terms, inputs=inputs_for(terms))
    for k, bar in enumerate(zip(*(c.tolist() for c in bars), strict=True)):
        made = program.step(*bar)
        values = (made.signal, made.lots, made.cash, made.equity, made.sequence)
        words = [np.array([v]).view(np.int64).item() for v in values]
        left.bars.append((*words, made.checksum))
        left.events += [(n, k, *row) for n, rows in made.events.items() for row in rows]
    return left


cuts = st.lists(st.integers(1, COUNT - 1), max_size=12, unique=True).map(sorted)
seeds = st.integers(0, 10**6)


def check(kernel: Any, terms: Any, seed: int, cut: list[int]) -> None:
    bars = hostile_bars(seed, COUNT)
    whole = left_by(program_of(kernel, terms), bars, [])

    whole.compare(left_by(program_of(kernel, terms), bars, cut))
    whole.compare(left_by(program_of(kernel, terms, general=True), bars, []))
    whole.compare(left_by_plain(kernel, terms, bars))


@quick(12)
@given(all_terms(), seeds, cuts)
def test_every_form_of_a_run_by_signals_is_the_same_run(terms, seed, cut):
    check(follow_volume_steps, terms, seed, cut)


@quick(6)
@given(all_terms(requests=2), seeds, cuts)
def test_every_form_of_a_run_by_requests_is_the_same_run(terms, seed, cut):
    check(ask_volume, terms, seed, cut)


@pytest.mark.parametrize("name", ["rsi_reversion", "donchian_breakout"])
@quick(2)
@given(terms=all_terms(), seed=seeds, cut=cuts)
def test_every_form_of_a_run_by_features_is_the_same_run(name, terms, seed, cut):
    check(get(name), terms, seed, cut)


@pytest.mark.parametrize(("kernel", "requests"), [(follow_volume_steps, 0), (ask_volume, 2)])
@quick(4)
@given(data=st.data())
def test_a_run_goes_on_from_a_snapshot_at_any_bar(kernel, requests, data):
    """Compiled from a snapshot, and in plain Python from the compiled state."""
    terms = data.draw(all_terms(requests=requests))
    bars = hostile_bars(data.draw(seeds), COUNT)
    at = data.draw(st.integers(1, COUNT - 1))
    whole = left_by(program_of(kernel, terms), bars, [])
    first, second, found = program_of(kernel, terms), program_of(kernel, terms), Left()
    found.feed(first, bars, 0, at)
    plain = PlainProgram.resumed(first)
    snapshot.restore(second, snapshot.save(first))
    found.feed(second, bars, at, COUNT)

    whole.compare(found)
    for k, bar in enumerate(zip(*(c.tolist() for c in bars.rows(at, COUNT)), strict=True)):
        assert plain.step(*bar).checksum == whole.bars[at + k][-1]
