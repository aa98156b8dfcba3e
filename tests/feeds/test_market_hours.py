"""Which bars a market owes, against a count of every bar (L12)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.calendars import CALENDARS, load_calendar
from admf_fast.data.spec import NS_PER_DAY
from admf_fast.data.spec import parse_timeframe as length_ns
from admf_fast.feeds.market_hours import MarketHours
from tests.kernels.strategies import quick

HOUR_NS = 3600 * 10**9


def ns(text):
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return int(moment.timestamp()) * 10**9


def hours(calendar, timeframe):
    clock = load_calendar(calendar).clock if calendar else None
    return MarketHours(clock, length_ns(timeframe))


def changes(zone):
    """The days after which a zone's offset changed, by the machine's own tables."""
    day, found = datetime(2000, 1, 1, 12, tzinfo=ZoneInfo(zone)), []
    while day.year < 2035:
        following = day + timedelta(days=1)
        if following.utcoffset() != day.utcoffset():
            found.append(day.date())
        day = following
    return found


@pytest.mark.parametrize("calendar", ["XNYS", "XLON", "XEUR", "CME"])
def test_l12_no_bar_is_missing_through_any_change_of_the_clocks(calendar):
    """Half hours from the sessions of the week around every change from 2000 to 2035."""
    found, step_ns = hours(calendar, "30m"), length_ns("30m")
    seen = changes(load_calendar(calendar).zone)
    assert len(seen) == 70
    for day in seen:
        start = ns(f"{day - timedelta(days=4)}")
        closes = [t for t in range(start, start + 9 * NS_PER_DAY, step_ns) if found.holds(t)]
        assert len(closes) > 50
        pairs = list(pairwise(closes))
        assert all(found.missing(*pair) == 0 for pair in pairs)
        assert found.missing(closes[0], closes[-1]) == len(closes) - 2


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("timeframe", ["5m", "30m", "1h"])
@quick(25)
@given(data=st.data())
def test_what_is_missing_is_what_a_count_of_all_bars_says(calendar, timeframe, data):
    found, step_ns = hours(calendar, timeframe), length_ns(timeframe)
    origin = ns("2024-06-28") + (HOUR_NS // 2 if timeframe == "1h" else 0)
    closes = [t for t in range(origin, origin + 9 * NS_PER_DAY, step_ns) if found.holds(t)]
    first = data.draw(st.integers(0, len(closes) - 1))
    last = data.draw(st.integers(first, len(closes) - 1))

    assert found.missing(closes[first], closes[last]) == max(last - first - 1, 0)


@pytest.mark.parametrize(("calendar", "after", "before", "missing"), [
    ("XNYS", "2024-01-05", "2024-01-06", 0),  # a bar is stamped at its close, midnight UTC
    ("XNYS", "2024-01-06", "2024-01-09", 0),  # Friday and Monday
    ("XNYS", "2024-01-06", "2024-01-10", 1),
    ("XNYS", "2024-07-04", "2024-07-06", 0),  # the Fourth of July
    ("XLON", "2024-03-29", "2024-04-03", 0),  # Easter, and summer time
    ("CME", "2024-01-06", "2024-01-09", 0),
    ("CME", "2024-01-05", "2024-01-09", 1),
    ("24/7", "2024-01-05", "2024-01-09", 3),
    ("", "2024-01-06", "2024-01-09", 2),
])  # fmt: skip
def test_daily_bars_are_counted_by_sessions(calendar, after, before, missing):
    assert hours(calendar, "1d").missing(ns(after), ns(before)) == missing


@pytest.mark.parametrize("close", ["2024-03-08T21:30", "2024-11-01T21:30"])
def test_bars_of_four_hours_may_move_by_an_hour_with_the_clocks(close):
    """The last bar of a Friday in New York, and the first of the Monday after a change."""
    after, before = ns(close), ns(close) + 68 * HOUR_NS
    moved = before + (0 if "03" in close else HOUR_NS)

    assert hours("XNYS", "4h").missing(after, moved) == 0
    assert hours("XNYS", "4h").missing(after, moved + 4 * HOUR_NS) == 1


def test_weeks_are_counted_by_their_length():
    assert hours("XNYS", "1w").missing(ns("2024-01-08"), ns("2024-01-29")) == 2


@pytest.mark.parametrize(("close", "inside"), [
    ("2024-01-02T14:30", False), ("2024-01-02T14:31", True), ("2024-01-02T21:00", True),
    ("2024-01-02T21:01", False), ("2024-07-03T17:00", True), ("2024-07-03T17:01", False),
    ("2024-01-01T15:00", False), ("2036-06-02T15:00", False),
])  # fmt: skip
def test_a_bar_touches_a_session_or_not(close, inside):
    assert hours("XNYS", "1m").holds(ns(close)) == inside
    assert hours("", "1m").holds(ns(close))
