"""The closes of session days: however the bars are cut, and where a day ends."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from admf_fast import metrics
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
