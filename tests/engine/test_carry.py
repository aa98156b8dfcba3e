"""Bars that are carried to a program block by block in one call: those fed to it one by one."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import get
from admf_kernels.errors import KernelError
from admf_kernels.execution.terms import FRACTION, SAME_CLOSE, Account, Exits
from admf_kernels.execution.uses import make_terms
from admf_kernels.indicators import sma
from admf_kernels.lane_program import ROWS_KEPT, LaneProgram
from admf_kernels.registry import indicator, strategy
from tests.engine.any_terms import hostile_bars
from tests.engine.kit import follow_volume
from tests.kernels.strategies import quick

COUNT = 300
TERMS = {
    "at the close": make_terms(Account(fill=SAME_CLOSE)),
    "with exits": make_terms(x=Exits(stop=FRACTION, stop_value=0.01)),
}


def program_of(terms, block_bars, keep=("signals",)):
    kernel = get("sma_cross")
    sets = [kernel.checked(fast, fast + 7) for fast in (2, 3, 11)]
    return LaneProgram(kernel, sets, terms, tap=None, keep=keep, block_bars=block_bars)


def fed(program, bars):
    """Feed bars in blocks as large as may be; returns the program."""
    for first in range(0, len(bars[0]), program.block_bars):
        program.feed(*(column[first : first + program.block_bars] for column in bars))
    return program


@pytest.mark.parametrize("name", TERMS)
@quick(30)
@given(
    seed=st.integers(0, 10**6), block_bars=st.integers(1, 80),
    cuts=st.sets(st.integers(1, COUNT - 1), max_size=4), keep=st.sampled_from(((), ("signals",))),
)  # fmt: skip
def test_carried_bars_leave_what_fed_bars_leave(name, seed, block_bars, cuts, keep):
    bars = hostile_bars(seed, COUNT)
    expected = fed(program_of(TERMS[name], 40, keep), bars)
    program = program_of(TERMS[name], block_bars, keep)
    edges = [0, *sorted(cuts), COUNT]
    for first, last in itertools.pairwise(edges):
        assert program.carry(*(column[first:last] for column in bars)) == last - first

    assert program.bars_seen == COUNT
    assert program.lanes.tobytes() == expected.lanes.tobytes()
    found, wanted = (p.take_events("signals") if keep else [] for p in (program, expected))
    assert [(lane, rows.tobytes()) for lane, rows in found] == [
        (lane, rows.tobytes()) for lane, rows in wanted
    ]
    # The columns go on as well: features reach back to rows that were moved.
    more = [column[:block_bars] for column in hostile_bars(seed + 1, COUNT)]
    more[0] = more[0] + (bars[0][-1] - more[0][0] + 60_000_000_000)
    for each in (program, expected):
        fed(each, more)
    assert program.lanes.tobytes() == expected.lanes.tobytes()


def test_no_block_is_taken_that_a_lane_may_have_no_room_for():
    """One signal a bar: the events of every call must fit, whatever the number of bars."""
    block_bars, count = 64, 3 * ROWS_KEPT
    program = LaneProgram(
        follow_volume, [follow_volume.checked()] * 2, TERMS["at the close"], tap=None,
        keep=("signals",), block_bars=block_bars,
    )  # fmt: skip
    ts_ns = np.arange(1, count + 1) * 60_000_000_000
    price, volume = np.full(count, 100.0), np.where(np.arange(count) % 2, 8.0, 4.0)
    taken, done = 0, 0
    while done < count:
        bars = (ts_ns, price, price, price, price, volume)
        step = program.carry(*(column[done:] for column in bars))
        assert step > 0
        done += step
        rows = [len(rows) for _, rows in program.take_events("signals")]
        assert max(rows) <= ROWS_KEPT + block_bars
        taken += rows[0]
    assert taken > ROWS_KEPT

    assert program.carry(*(column[:0] for column in bars)) == 0


SPOILED = {
    "another type": lambda column: column.astype(np.uint64),
    "half as wide": lambda column: column.astype(np.float32),
    "another length": lambda column: column[1:].copy(),
    "every other row": lambda column: np.repeat(column, 2)[::2],
}


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("name", SPOILED)
def test_columns_that_cannot_be_carried_change_nothing(name, place):
    program = program_of(TERMS["at the close"], 40)
    bars = [*hostile_bars(1, COUNT)]
    bars[place] = SPOILED[name](bars[place])
    before = program.lanes.tobytes()

    with pytest.raises(KernelError, match="expected a program without a tap, and contiguous"):
        program.carry(*bars)
    assert program.lanes.tobytes() == before


def test_a_program_with_a_tap_is_not_carried():
    kernel = get("sma_cross")
    program = LaneProgram(kernel, [kernel.checked(2, 9)], tap=0, block_bars=COUNT)

    with pytest.raises(KernelError, match="found tap 0"):
        program.carry(*hostile_bars(1, COUNT))


@indicator(inputs={"close": "close"}, warmup_bars=1)
def below_a_hundred(close: float) -> float:
    """The close; from a hundred on it returns nothing, with which nothing can be done."""
    if close < 100.0:
        return close
    return None


@strategy(features=lambda p: {"level": sma(2, of=below_a_hundred())})
def above_level(close: float, level: float) -> float:
    """Long above the mean of the last two."""
    return 1.0 if close > level else 0.0


@pytest.mark.parametrize("block_bars", [50, 8])
def test_a_program_that_has_stopped_takes_no_more_bars(block_bars):
    count, bad = 50, 33
    close = np.full(count, 50.0)
    close[bad] = 100.0
    ts_ns = np.arange(1, count + 1) * 60_000_000_000
    bars = (ts_ns, close, close, close, close, close)
    program = LaneProgram(above_level, [above_level.checked()], tap=None, block_bars=block_bars)
    seen = bad // block_bars * block_bars

    with pytest.raises(KernelError, match=rf"^bar {seen} \(ts_ns {ts_ns[seen]}\): a kernel"):
        program.carry(*bars)
    assert program.bars_seen == seen
    for call in (program.carry, program.feed):
        with pytest.raises(KernelError, match=f"the run has stopped at bar {seen} "):
            call(*(column[:4] for column in bars))
