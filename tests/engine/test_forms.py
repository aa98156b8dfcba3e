"""One run in all its forms: only what is needed, everything, plain Python, any cuts.

Terms of every kind over hostile bars: per-bar outputs, events and state checksums are the
same bits, whether a driver calls the engine where something can happen, on every bar, or the
engine runs uncompiled; in one block, in many, and restored from a snapshot in between.
"""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from admf_kernels import Program, get, snapshot
from admf_kernels.execution.reasons import LIMIT, TRAILING
from admf_kernels.execution.terms import AMOUNT, Entry, Exits
from admf_kernels.execution.uses import make_terms
from admf_kernels.plain import PlainProgram
from admf_kernels.recording import Bars
from tests.engine.any_terms import (
    all_terms,
    ask_volume,
    follow_volume_steps,
    hostile_bars,
    hostile_run,
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


def check(kernel: Any, terms: Any, bars: Bars, cut: list[int]) -> Left:
    whole = left_by(program_of(kernel, terms), bars, [])

    whole.compare(left_by(program_of(kernel, terms), bars, cut))
    whole.compare(left_by(program_of(kernel, terms, general=True), bars, []))
    whole.compare(left_by_plain(kernel, terms, bars))
    return whole


@quick(100)
@given(st.one_of(all_terms(), all_terms(requests=2)), seeds)
def test_the_compiled_engine_is_the_engine_in_plain_python(terms, seed):
    """Without drivers, of which there is one for each set of uses: called on every bar."""
    compiled, plain = hostile_run(terms, seed), hostile_run(terms, seed, engine="plain")

    assert repr(compiled.events) == repr(plain.events)
    assert repr(compiled.wallets) == repr(plain.wallets)
    assert repr(compiled.records) == repr(plain.records)
    assert repr(compiled.working) == repr(plain.working)


# Every example may compile two drivers: few of them, and none to make a failure smaller.
def few(max_examples: int) -> settings:
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    return settings(quick(max_examples), phases=phases)


@few(6)
@given(all_terms(), seeds, cuts)
def test_every_form_of_a_run_by_signals_is_the_same_run(terms, seed, cut):
    check(follow_volume_steps, terms, hostile_bars(seed, COUNT), cut)


@few(4)
@given(all_terms(requests=2), seeds, cuts)
def test_every_form_of_a_run_by_requests_is_the_same_run(terms, seed, cut):
    check(ask_volume, terms, hostile_bars(seed, COUNT), cut)


def calm(rows: list[tuple[float, ...]]) -> Bars:
    """Return a run's bars from its first (open, high, low, close, volume); then nothing moves."""
    last = (*[rows[-1][3]] * 4, 800.0)
    values = np.array([*rows, *[last] * (COUNT - len(rows))], float).T
    ts_ns = 1_700_000_000_000_000_000 + 60_000_000_000 * np.arange(COUNT, dtype=np.int64)
    return Bars(ts_ns, *(np.ascontiguousarray(column) for column in values))


@pytest.mark.parametrize("from_close", [False, True])
def test_a_stop_that_may_move_without_a_new_high_is_looked_at(from_close):
    """Bought at 99 on a bar that closes at 98.5; counted from that, the next high moves it."""
    exits = Exits(trail=AMOUNT, trail_value=3.0, from_close=from_close)
    entry = Entry(LIMIT, unit=AMOUNT, limit=1.0)
    rows = [(100, 100, 100, 100, 800), (100, 100, 98, 98.5, 800), (98.5, 98.9, 98, 98.2, 800),
            (98, 98, 95.8, 95.85, 800)]  # fmt: skip
    made = check(follow_volume_steps, make_terms(e=entry, x=exits), calm(rows), [2, 3])
    stops = [e for e in made.events if e[0] == "fills" and e[6] == TRAILING]

    assert [(e[1], e[8]) for e in stops] == [(3, pytest.approx(95.9 if from_close else 96.0))]


@pytest.mark.parametrize("name", ["rsi_reversion", "donchian_breakout"])
@few(1)
@given(terms=all_terms(), seed=seeds, cut=cuts)
def test_every_form_of_a_run_by_features_is_the_same_run(name, terms, seed, cut):
    check(get(name), terms, hostile_bars(seed, COUNT), cut)


@pytest.mark.parametrize(("kernel", "requests"), [(follow_volume_steps, 0), (ask_volume, 2)])
@few(2)
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
