"""Events that lanes keep are those of a run alone; those that nobody keeps change nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import Program, get
from admf_kernels.codegen import engine, run_state
from admf_kernels.execution.log import TABLES
from admf_kernels.execution.terms import (
    ALL_IN,
    FIXED,
    FRACTION,
    KELLY,
    PERCENT,
    SAME_CLOSE,
    Account,
    Exits,
    Instrument,
)
from admf_kernels.execution.uses import make_terms
from admf_kernels.lane_program import LaneProgram
from admf_kernels.memory import LINE_WORDS, columns_of_lines, whole_lines, words_of_lines
from tests.engine.any_terms import follow_volume_steps, hostile_bars
from tests.kernels.strategies import quick

COUNT = 240
ALL = tuple(TABLES)
TERMS = {
    "at the close": make_terms(Account(fill=SAME_CLOSE)),
    "with exits": make_terms(
        x=Exits(stop=FRACTION, stop_value=0.01, target=FRACTION, target_1=0.02, part_1=1.0)
    ),
}


def events_of(terms, bars):
    """The rows of every table of a run, with times for rows."""
    program = Program(follow_volume_steps, None, terms, block_bars=COUNT)
    rows = program.feed(*bars)
    found = {}
    for k, (table, words) in enumerate(program.event_words.items()):
        own = words[:, : int(program.counts[k])].T.copy()
        own[:, 0] = program.ts_ns[own[:, 0]]
        found[table] = own
    assert rows.stop - rows.start == COUNT
    return found


@pytest.mark.parametrize("name", TERMS)
@quick(20)
@given(st.integers(0, 10**6), st.sets(st.sampled_from(ALL)))
def test_lanes_have_the_events_they_keep_and_the_state_of_those_that_keep_all(name, seed, keep):
    terms, bars = TERMS[name], hostile_bars(seed, COUNT)
    params = follow_volume_steps.checked()
    programs = [
        LaneProgram(follow_volume_steps, [params] * 2, terms, tap=None, keep=tables)
        for tables in (keep, ALL)
    ]
    for program in programs:
        program.feed(*bars)
    some, whole = programs
    expected = events_of(terms, bars)

    assert some.lanes.tobytes() == whole.lanes.tobytes()
    assert sum(map(len, expected.values())) > 0
    for table in ALL:
        given_lanes = [0, 1] if len(expected[table]) else []
        for program, kept in ((some, table in keep), (whole, True)):
            found = program.take_events(table)
            assert [lane for lane, _ in found] == (given_lanes if kept else [])
            assert all(rows.tobytes() == expected[table].tobytes() for _, rows in found)
            assert program.take_events(table) == []


FEES = st.sampled_from((0.0, 0.0005, 0.02))


@st.composite
def accounts_at_the_close(draw):
    """Terms that need the smallest edition of the engine alone."""
    account = Account(
        fill=SAME_CLOSE, cash=draw(st.sampled_from((50.0, 1e4, 1e9))),
        sizing=draw(st.sampled_from((FIXED, PERCENT, ALL_IN, KELLY))),
        sizing_value=draw(st.sampled_from((0.3, 1.0, 7.0))), sizing_trades=3.0,
        long_allowed=draw(st.booleans()), short_allowed=draw(st.booleans()),
        reject=draw(st.booleans()), size_at_fill=draw(st.booleans()),
    )  # fmt: skip
    instrument = Instrument(
        lot_size=draw(st.sampled_from((1.0, 1e-6))), lot_value=draw(st.sampled_from((1.0, 1e-6))),
        fee_rate=draw(FEES), fee_fixed=draw(FEES) * 1000.0, fee_minimum=draw(FEES) * 100.0,
        fee_tiers=draw(st.integers(0, 1)), fee_from_1=1e5, fee_rate_1=draw(FEES),
        slippage_rate=draw(FEES), slippage_on=draw(st.integers(0, 2)),
    )  # fmt: skip
    return make_terms(account, instrument)


@quick(60)
@given(accounts_at_the_close(), st.integers(0, 10**6))
def test_the_brief_engine_leaves_the_state_and_the_signals_that_the_whole_one_leaves(terms, seed):
    bars = hostile_bars(seed, COUNT)
    params = follow_volume_steps.checked()
    brief, whole = (
        LaneProgram(follow_volume_steps, [params] * 2, terms, tap=None, keep=keep, block_bars=COUNT)
        for keep in (("signals",), ALL)
    )
    assert engine.is_brief(brief.form)
    for program in (brief, whole):
        program.feed(*bars)
    found, expected = (program.take_events("signals") for program in (brief, whole))

    assert brief.lanes.tobytes() == whole.lanes.tobytes()
    assert [(k, rows.tobytes()) for k, rows in found] == [
        (k, rows.tobytes()) for k, rows in expected
    ]
    assert brief.statuses.tolist() == whole.statuses.tolist()


@given(st.integers(1, 9), st.integers(0, 700), st.integers(0, 40))
def test_columns_begin_with_a_line(count, rows, first):
    whole = whole_lines(rows + first + 1)
    columns = columns_of_lines(count, whole, first, np.nan)
    assert rows + first < whole <= rows + first + LINE_WORDS
    assert columns.shape == (count, whole)
    assert columns.flags.c_contiguous
    assert np.isnan(columns).all()
    for column in columns:
        assert column[first:].ctypes.data % 64 == 0


@given(st.integers(0, 700))
def test_words_begin_with_a_line(count):
    words = words_of_lines(count)
    assert words.shape == (count,)
    assert words.dtype == np.int64
    assert not words.any()
    assert count == 0 or words.ctypes.data % 64 == 0


@given(st.sampled_from(("sma_cross", "rsi_reversion")), st.integers(1, 5))
def test_the_sums_of_every_lane_begin_with_a_line(name, count):
    kernel = get(name)
    lanes = LaneProgram(kernel, [kernel.checked()] * count, TERMS["with exits"]).lanes
    first = run_state.offsets(kernel)["sums"]
    assert len(lanes) == count
    assert all(lane[first:].ctypes.data % 64 == 0 for lane in lanes)
