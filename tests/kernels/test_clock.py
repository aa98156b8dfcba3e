"""Clock columns: sessions and local time of every bar, in every way of running."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import FeatureProgram, KernelError, Program, snapshot, strategy
from admf_kernels.clock import DAY_NS, Clock, continuous
from admf_kernels.contract import BAR_COLUMNS, CLOCK_COLUMNS
from admf_kernels.indicators import session_vwap, sma
from admf_kernels.plain_clock import PlainClock
from admf_kernels.plan import Plan
from admf_kernels.recording import Bars, Run, clock_over
from admf_kernels.testing import check_blocks, check_kernel, check_prefix, random_bars
from tests.kernels.strategies import bars, quick

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS


@st.composite
def clocks(draw: st.DrawFn) -> Clock:
    """Sessions and changes of the offset of any length, from days before 1970 on."""
    hours = st.integers(1, 40)
    lengths = draw(st.lists(st.tuples(hours, st.integers(0, 40)), min_size=1, max_size=12))
    at, day = draw(st.integers(-50, 50)) * HOUR_NS, -10
    opens, closes, days = [], [], []
    for length, pause in lengths:
        opens.append(at)
        closes.append(at + length * HOUR_NS)
        day = max(day + 1, closes[-1] // DAY_NS + draw(st.integers(-1, 1)))
        days.append(day)
        at = closes[-1] + pause * HOUR_NS
    steps = draw(st.lists(st.tuples(hours, st.integers(-12, 14)), max_size=6))
    changes = np.cumsum([opens[0] // HOUR_NS - 1, *(step for step, _ in steps)]) * HOUR_NS
    offsets = np.array([draw(st.integers(-12, 14)), *(o for _, o in steps)]) * HOUR_NS
    return Clock("drawn", np.array(opens), np.array(closes), np.array(days), changes, offsets)


@quick(200)
@given(clock=clocks(), data=st.data())
def test_the_driver_does_what_plain_python_does(clock, data):
    first, last = int(clock.open_ns[0]) + 1, int(clock.close_ns[-1])
    edges = [*clock.open_ns.tolist(), *clock.close_ns.tolist(), *clock.offset_from_ns.tolist()]
    near = st.builds(lambda at, by: at + by, st.sampled_from(edges), st.integers(-2, 2))
    drawn = data.draw(st.sets(near | st.integers(first, last), max_size=60))
    times = np.array(sorted(t for t in drawn if first <= t <= last), np.int64)
    plain = PlainClock(clock)

    whole = clock.columns(times)
    parts = [clock.columns(times[k : k + 1]) for k in range(len(times))]

    for name in CLOCK_COLUMNS:
        expected = [plain.columns(t)[name] for t in times.tolist()]
        assert whole[name].tolist() == expected
        assert [part[name][0] for part in parts] == expected


def test_what_the_columns_mean():
    """Two days of six hours, from 14:30 UTC on, in a zone five hours behind."""
    day = np.array([10, 11])
    opens = day * DAY_NS + 14 * HOUR_NS + 30 * MINUTE_NS
    clock = Clock("x", opens, opens + 6 * HOUR_NS, day, opens[:1], np.array([-5 * HOUR_NS]))
    after = [MINUTE_NS, 6 * HOUR_NS, 7 * HOUR_NS, 23 * HOUR_NS, 24 * HOUR_NS]

    found = clock.columns(opens[0] + np.array(after))

    assert found["session"].tolist() == [10, 10, 10, 11, 11]
    assert found["minute_of_day"].tolist() == [571, 930, 990, 510, 570]
    assert found["minute_of_session"].tolist() == [1, 360, 420, -60, 0]
    assert found["minutes_left"].tolist() == [359, 0, -60, 420, 360]
    assert found["weekday"].tolist() == [6, 6, 6, 0, 0]


@strategy(features=lambda p: {"vwap": session_vwap()})
def until_the_close(minutes_left, vwap, close, weekday):
    """Long above the average, flat in the last minutes and on Fridays. First signal: bar 1."""
    return 1.0 if close > vwap and minutes_left > 5.0 and weekday != 4.0 else 0.0


class Hours(NamedTuple):
    first: float = 600.0


@strategy(params=Hours)
def after_ten(c, minute_of_day):
    """Long from an hour of the local day on. First signal: bar 1."""
    return 1.0 if minute_of_day >= c.first else 0.0


@pytest.mark.parametrize("kernel", [until_the_close, after_ten])
def test_a_strategy_reads_the_clock(kernel):
    check_kernel(kernel)


@quick(30)
@given(drawn=bars(), block=st.integers(1, 50))
def test_any_bars_and_cuts(drawn, block):
    sizes = [min(block, drawn.bars - k) for k in range(0, drawn.bars, block)]
    check_blocks(until_the_close, bars=drawn, sizes=[sizes])
    check_prefix(session_vwap(), bars=drawn)


def test_the_average_of_a_session_is_its_definition():
    data = random_bars(4000, seed=3)
    clock = continuous()
    program = FeatureProgram([session_vwap()], clock=clock)
    rows = program.feed(*data)
    session = clock.columns(data.ts_ns)["session"]

    typical = (data.high + data.low + data.close) / 3.0
    for day in np.unique(session):
        own = session == day
        expected = np.cumsum((typical * data.volume)[own]) / np.cumsum(data.volume[own])
        found = program.column(session_vwap())[rows][own]
        assert np.allclose(found, expected, rtol=1e-12, atol=0.0)
    assert len(np.unique(session)) > 2


def test_what_reads_no_clock_pays_nothing():
    plan, with_clock = Plan([*_outputs(sma(5))]), Plan([*_outputs(session_vwap())])

    assert (plan.clock_columns, plan.column_count) == ((), len(BAR_COLUMNS) + 1)
    assert (with_clock.clock_columns, with_clock.column_count) == (("session",), 8)
    program = FeatureProgram([sma(5)], clock=continuous())
    assert program.describe() == FeatureProgram([sma(5)]).describe()
    assert len(program._calls) == 2


def _outputs(feature):
    return Run(feature.label, (feature.value,)).outputs


def test_the_engine_may_ask_for_columns_of_its_own():
    data = random_bars(3000)
    clock = clock_over(data)
    program = FeatureProgram([sma(5)], clock=clock, needs=("minutes_left", "session"))

    rows = program.feed(*data)

    for name in ("session", "minutes_left"):
        found = program.columns[program.plan.column(name), rows]
        assert found.tolist() == clock.columns(data.ts_ns)[name].tolist()


def test_without_a_clock_it_says_what_to_set():
    with pytest.raises(KernelError, match=r"session.*set bars\.calendar"):
        FeatureProgram([session_vwap()])
    with pytest.raises(KernelError, match=r"minute_of_day.*set bars\.calendar"):
        Program(after_ten)


@pytest.mark.parametrize("shift_days", [-2, 2])
def test_outside_of_the_table_the_run_stops_and_says_so(shift_days):
    data = random_bars(10)
    clock = clock_over(data)
    moved = data.ts_ns + np.where(np.arange(10) >= 4, shift_days * DAY_NS, 0)[:: shift_days // 2]
    program = Program(after_ten, clock=clock)

    with pytest.raises(KernelError, match=r"bar \d \(ts_ns .*covers 2023-11-1\d to 2023-11-1\d"):
        program.feed(*Bars(np.sort(moved), *data[1:]))
    with pytest.raises(KernelError, match="has stopped"):
        program.feed(*data)


def test_saved_state_belongs_to_its_clock():
    data = random_bars(10)
    clock = clock_over(data)
    other = Clock("test", clock.open_ns, clock.close_ns - 1, *_rest(clock))
    saved = snapshot.save(Program(after_ten, clock=clock))

    snapshot.restore(Program(after_ten, clock=clock), saved)
    with pytest.raises(KernelError, match="belongs to other"):
        snapshot.restore(Program(after_ten, clock=other), saved)


def _rest(clock):
    return clock.day, clock.offset_from_ns, clock.offset_ns


def test_a_clock_cannot_be_changed_and_must_be_in_order():
    clock = continuous(0, 10)
    with pytest.raises(ValueError, match="read-only"):
        clock.day[0] = 5
    with pytest.raises(KernelError, match="in order"):
        Clock("x", clock.open_ns, clock.close_ns + 1, *_rest(clock))
    with pytest.raises(KernelError, match="offset from the first open on"):
        Clock("x", clock.open_ns, clock.close_ns, clock.day, np.array([1]), np.zeros(1))
