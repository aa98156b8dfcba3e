"""The closes of session days: however the bars are cut, and where a day ends."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from admf_fast import metrics
from admf_fast.calendars import load_calendar
from admf_fast.config import parse_config
from admf_fast.data import BarBlock, concat_panels, merge_blocks
from admf_fast.feeds import replay
from admf_fast.metrics.days import session_days
from admf_fast.runners.figures import run_figures
from admf_fast.runners.historical import run_historical
from admf_fast.runners.live import run_live
from admf_fast.runners.panel_runner import run_panel
from admf_fast.runners.panel_setup import prepare_panel
from admf_fast.runners.setup import prepare
from admf_kernels.testing import random_bars
from tests.kernels.strategies import quick

DAY_NS = 86_400 * 10**9


def closes_of(ts_ns, pieces, days=metrics.UTC_DAYS):
    taken = metrics.DayCloses(days)
    equity = np.arange(len(ts_ns)) + 1.0
    for first, last in zip([0, *pieces], [*pieces, len(ts_ns)], strict=True):
        scratch = ts_ns[first:last].copy(), equity[first:last].copy(), -equity[first:last]
        taken.add(*scratch)
        for column in scratch:
            column[:] = 0  # the runner writes over its columns
    return taken.days()


@quick(150)
@given(
    st.lists(st.integers(1, 3 * DAY_NS).map(lambda x: x // 10**12 * 10**12 + 1), max_size=60),
    st.lists(st.integers(0, 60), max_size=6),
)
def test_the_last_bar_of_every_day_whatever_the_pieces(steps, cuts):
    ts_ns = np.cumsum(np.array([DAY_NS, *steps], np.int64))
    pieces = sorted(min(c, len(ts_ns)) for c in cuts)
    found = closes_of(ts_ns, pieces)
    day = (ts_ns - 1) // DAY_NS
    last = np.flatnonzero(np.append(np.diff(day) != 0, True))

    np.testing.assert_array_equal(found.ts_ns, ts_ns[last])
    np.testing.assert_array_equal(found.equity, last + 1.0)
    np.testing.assert_array_equal(found.close, -(last + 1.0))
    assert (found.bars, found.first_close) == (len(ts_ns), -1.0)


def test_midnight_belongs_to_the_day_it_ends():
    ts_ns = np.array([DAY_NS - 1, DAY_NS, DAY_NS + 1, 2 * DAY_NS], np.int64)

    assert list(closes_of(ts_ns, []).ts_ns) == [DAY_NS, 2 * DAY_NS]
    assert list(closes_of(ts_ns, [1, 2, 3]).ts_ns) == [DAY_NS, 2 * DAY_NS]


def test_no_bars_are_no_days():
    found = metrics.DayCloses().days()

    assert (len(found.ts_ns), found.bars) == (0, 0)
    assert metrics.days_per_year(found, 0.0) == 0.0


class Sessions:
    """Days that end at 16:00, on any calendar."""

    def ends(self, first_ts_ns, last_ts_ns):
        ends = np.arange(1, 10, dtype=np.int64) * DAY_NS + 16 * 3600 * 10**9
        stop = np.searchsorted(ends, last_ts_ns) + 1
        return ends[np.searchsorted(ends, first_ts_ns) : stop]


@quick(50)
@given(st.lists(st.integers(0, 30), max_size=5))
def test_days_end_where_a_calendar_says(cuts):
    ts_ns = DAY_NS * 2 + np.arange(30, dtype=np.int64) * 3 * 3600 * 10**9
    found = closes_of(ts_ns, sorted(cuts), Sessions())
    day = np.searchsorted(Sessions().ends(0, 9 * DAY_NS), ts_ns)
    last = np.flatnonzero(np.append(np.diff(day) != 0, True))

    np.testing.assert_array_equal(found.ts_ns, ts_ns[last])


def test_days_per_year_are_counted_or_follow_from_the_bars():
    ts_ns = DAY_NS + np.arange(24 * 10, dtype=np.int64) * 3600 * 10**9 + 1
    found = closes_of(ts_ns, [])

    assert metrics.days_per_year(found, 0.0) == metrics.counted_periods(found.ts_ns) == 365.25
    assert metrics.days_per_year(found, 24 * 250.0) == 250.0


CALENDARS = ("XNYS", "XLON", "XEUR", "CME", "24/7")
STEPS_NS = (60 * 10**9, 3600 * 10**9, 7 * 3600 * 10**9 + 1, DAY_NS)


@quick(60)
@given(
    st.sampled_from(CALENDARS),
    st.integers(1_000 * DAY_NS, 23_000 * DAY_NS),
    st.sampled_from(STEPS_NS),
    st.booleans(),
)
def test_days_of_a_clock_are_its_sessions(name, start, step, aligned):
    """A close is of the same day as another when the clock gives both the same session."""
    clock = load_calendar(name).clock
    ts_ns = (start // step * step if aligned else start) + step * np.arange(300)
    inside = (ts_ns > clock.open_ns[0]) & (ts_ns <= clock.close_ns[-1])
    ts_ns = ts_ns[inside]
    if not len(ts_ns):
        return
    found = closes_of(ts_ns, [], session_days(clock))
    session = clock.columns(ts_ns)["session"]
    last = np.flatnonzero(np.append(np.diff(session) != 0, True))

    np.testing.assert_array_equal(found.ts_ns, ts_ns[last])


def test_outside_of_the_table_days_are_those_of_utc():
    days = session_days(load_calendar("XNYS").clock)
    for first in (-4_000 * DAY_NS + 1, 70_000 * DAY_NS):
        span = first, first + 9 * DAY_NS
        np.testing.assert_array_equal(days.ends(*span), metrics.UTC_DAYS.ends(*span))


def test_bars_of_a_day_are_days_by_themselves():
    clock = load_calendar("CME").clock

    assert session_days(clock, DAY_NS) is metrics.UTC_DAYS
    assert session_days(None) is metrics.UTC_DAYS
    assert session_days(clock, DAY_NS - 1) is not metrics.UTC_DAYS


BARS = "bars: {timeframe: 1h, stamp: close, calendar: %s}"
STRATEGY = "strategy: {kernel: sma_cross, params: {fast: 2, slow: 5}}\n"


def hours(count):
    """Bars of every hour from a Sunday 17:00 in Chicago on, which is 23:00 UTC."""
    start = int(np.datetime64("2024-01-14T23:00", "ns").astype(np.int64))
    drawn = random_bars(count, 4)
    return BarBlock(start + 3600 * 10**9 * np.arange(1, count + 1), *drawn[1:])


def test_a_session_over_midnight_is_one_day_in_every_mode():
    """The week of a future: five sessions, of six days in UTC."""
    text = f"{STRATEGY}{BARS.replace('bars: {', 'bars: {symbol: ES, path: x.parquet, ') % 'CME'}\n"
    setup = prepare(parse_config(text, name="x.yaml", format="yaml", base_dir=""))
    both = f"{STRATEGY}instruments:\n  - {{symbol: ES, {BARS % 'CME'}}}\n"
    two = prepare_panel(parse_config(both, name="x.yaml", format="yaml", base_dir=""))
    week = hours(5 * 24)
    runs = {
        "blocks": run_historical(setup, [week.slice(0, 30), week.slice(30, 200)]),
        "live": run_live(setup, replay([week])),
        "panel": run_panel(two, [concat_panels(list(merge_blocks([iter([week])])))]),
    }
    found = {n: run_figures(two if n == "panel" else setup, run) for n, run in runs.items()}

    assert {n: f.daily.days for n, f in found.items()} == dict.fromkeys(runs, 5)
    assert {n: f.trading.session_days for n, f in found.items()} == dict.fromkeys(runs, 5)
    assert repr(found["blocks"]) == repr(found["live"])
    # The market of a panel is a mean of prices over first ones: equal but for last bits.
    own = metrics.DailyFigures._fields.index("alpha")
    assert len({repr(f.daily[:own]) for f in found.values()}) == 1
    assert len(metrics.UTC_DAYS.ends(int(week.ts_ns[0]), int(week.ts_ns[-1]))) == 6


def test_instruments_of_two_calendars_have_days_of_utc():
    legs = "".join(f"  - {{symbol: {c}, {BARS % c}}}\n" for c in ("CME", "XNYS"))
    text = f"{STRATEGY}instruments:\n{legs}"
    setup = prepare_panel(parse_config(text, name="x.yaml", format="yaml", base_dir=""))

    assert setup.session_days is metrics.UTC_DAYS
