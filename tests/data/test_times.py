"""Times: units, zones, plausibility, order, duplicates, grid, gaps, range."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_fast.data import Gap, describe, open_bars, parse_timeframe
from admf_fast.errors import BarError, ConfigError, SchemaError

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS


def with_times(kit, times, rows=None):
    table = kit.table(len(times) if rows is None else rows)
    return table.set_column(0, "timestamp", times)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "+05:30"])
def test_d10_any_unit_and_zone_gives_the_same_bars(kit, unit, zone):
    expected = kit.digest(kit.read(kit.table()))
    times = kit.table()["timestamp"].cast(pa.timestamp(unit, zone))
    assert kit.digest(kit.read(with_times(kit, times))) == expected


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("declared", [True, False])
def test_d10_integers_in_any_unit(kit, unit, declared):
    expected = kit.digest(kit.read(kit.table()))
    times = kit.table()["timestamp"].cast(pa.timestamp(unit, "UTC")).cast(pa.int64())
    changes = {"unit": unit} if declared else {}
    assert kit.digest(kit.read(with_times(kit, times), **changes)) == expected


def test_d10_an_integer_that_fits_no_unit_is_refused(kit):
    times = pa.array(np.arange(12) * 60)
    with pytest.raises(BarError, match=r"row 0, column timestamp: .*0 is no time.*bars\.unit"):
        kit.read(with_times(kit, times))
    assert kit.read(with_times(kit, times), unit="s").ts_ns[0] == kit.minute_ns


def test_d10_naive_needs_a_zone(kit):
    naive = kit.table()["timestamp"].cast(pa.timestamp("us"))
    with pytest.raises(SchemaError, match=r"column timestamp.*no zone.*bars\.timezone"):
        kit.read(with_times(kit, naive))
    expected = kit.read(kit.table()).ts_ns
    assert (kit.read(with_times(kit, naive), timezone="UTC").ts_ns == expected).all()
    shifted = kit.read(with_times(kit, naive), timezone="America/New_York").ts_ns
    assert (shifted == expected + 5 * HOUR_NS).all()


@pytest.mark.parametrize(("clock", "kind"), [("2024-11-03 01:30", 1), ("2024-03-10 02:30", 0)])
def test_d10_ambiguous_local_time_is_refused(kit, clock, kind):
    start = dt.datetime.fromisoformat(clock)
    times = pa.array([start + dt.timedelta(minutes=i - 70) for i in range(75)], pa.timestamp("us"))
    with pytest.raises(BarError, match=r"row \d+.*America/New_York \(daylight saving\).*UTC"):
        kit.read(with_times(kit, times), timezone="America/New_York")


def test_d10_unknown_zone(kit):
    for zone in ("Mars/Olympus", "../etc/passwd", "\0"):
        with pytest.raises(ConfigError, match=r"bars\.timezone"):
            kit.read(kit.table(), timezone=zone)


@pytest.mark.parametrize("value", [-1, 2**62])
def test_d11_times_out_of_range_are_refused(kit, value):
    seconds = kit.table()["timestamp"].cast(pa.timestamp("s", "UTC")).cast(pa.int64()).to_pylist()
    seconds[4] = value
    times = pa.array(seconds).cast(pa.timestamp("s", "UTC"))
    with pytest.raises(BarError, match=r"row 4, column timestamp: .*outside 1970\.\.2262"):
        kit.read(with_times(kit, times))
    with pytest.raises(BarError, match=r"row 4, column timestamp: .*outside 1970\.\.2262"):
        kit.read(with_times(kit, pa.array(seconds)))


def test_d11_a_close_after_2262_is_refused(kit):
    times = pa.array([2**63 - 1], pa.timestamp("ns", "UTC"))
    with pytest.raises(BarError, match=r"row 0.*closes after 2262"):
        kit.read(with_times(kit, times))


@given(seconds=st.integers(0, 9_223_372_036), unit=st.sampled_from(["s", "ms", "us", "ns"]))
@settings(max_examples=60, deadline=None)
def test_d11_every_instant_converts_exactly(kit, seconds, unit):
    times = pa.array([seconds]).cast(pa.timestamp("s", "UTC")).cast(pa.timestamp(unit, "UTC"))
    bars = kit.read(with_times(kit, times), stamp="close", off_grid="keep")
    assert bars.ts_ns.tolist() == [seconds * 10**9]


def test_stamp_open_is_shifted_to_the_close(kit):
    opened = kit.read(kit.table())
    closed = kit.read(kit.table(), stamp="close")
    assert (opened.ts_ns == closed.ts_ns + kit.minute_ns).all()


@pytest.mark.parametrize("field", ["timeframe", "stamp"])
def test_nothing_is_guessed(kit, field):
    with pytest.raises(ConfigError, match=rf"bars\.{field}: expected .* found nothing"):
        kit.read(kit.table(), **{field: ""})
    with pytest.raises(ConfigError, match=rf"bars\.{field}: expected .* found '7x'"):
        kit.read(kit.table(), **{field: "7x"})


def test_dates_name_sessions(kit):
    days = pa.array([dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(5)])
    table = with_times(kit, days)
    bars = kit.read(table, timeframe="1d")
    assert bars.ts_ns[0] == kit.start_ns + DAY_NS
    with pytest.raises(SchemaError, match="its stamp is the open"):
        kit.read(table, timeframe="1d", stamp="close")
    with pytest.raises(SchemaError, match="dates cannot stamp bars of 1m"):
        kit.read(table)


@pytest.mark.parametrize("size", [1, 5, 12])
def test_d12_time_going_backwards(kit, size):
    for row in range(1, 12):
        columns = kit.columns()
        columns["timestamp"][row] = columns["timestamp"][row - 1] - kit.minute_ns
        with pytest.raises(BarError, match=rf"row {row}, column timestamp: 20.* goes back from 20"):
            kit.read(kit.table(columns).to_batches(size))


@pytest.mark.parametrize("size", [1, 5, 12])
def test_d12_duplicates(kit, size):
    for row in range(1, 12):
        order = np.sort(np.append(np.arange(12), row - 1))
        doubled = kit.table().take(pa.array(order)).combine_chunks()
        with pytest.raises(BarError, match=rf"row {row}, column timestamp: .* duplicate.*drop"):
            kit.read(doubled.to_batches(size))
        source = open_bars(kit.spec(duplicates="drop"), doubled.to_batches(size))
        assert describe(source).dropped == {"duplicate": 1}
        kept = kit.read(doubled.to_batches(size), duplicates="drop")
        assert kit.digest(kept) == kit.digest(kit.read(kit.table()))


@pytest.mark.parametrize("policy", ["refuse", "drop"])
def test_d12_conflicting_duplicates_are_always_refused(kit, policy):
    columns = kit.columns()
    columns["timestamp"][5] = columns["timestamp"][4]
    with pytest.raises(BarError, match=r"row 5.*different values: open is 105\.0.* 104\.0; remove"):
        kit.read(kit.table(columns), duplicates=policy)


@pytest.mark.parametrize("size", [1, 5, 12])
def test_d13_off_grid(kit, size):
    for row in range(12):
        columns = kit.columns()
        columns["timestamp"][row] += 10**9
        batches = kit.table(columns).to_batches(size)
        with pytest.raises(BarError, match=rf"row {row}, column timestamp: .*:01Z is off the grid"):
            kit.read(batches)
        assert len(kit.read(batches, off_grid="drop")) == 11
        source = open_bars(kit.spec(off_grid="keep"), batches)
        assert describe(source).off_grid_kept == 1


@pytest.mark.parametrize("timeframe", ["4h", "1d"])
def test_d13_daylight_saving_is_on_the_grid(kit, timeframe):
    step_ns = parse_timeframe(timeframe)
    columns = kit.columns(step_ns=step_ns)
    columns["timestamp"] += 14 * HOUR_NS + HOUR_NS // 2
    columns["timestamp"][6:] -= HOUR_NS
    for size in (1, 5, 12):
        assert len(kit.read(kit.table(columns).to_batches(size), timeframe=timeframe)) == 12
    columns["timestamp"][9:] += 2 * HOUR_NS
    with pytest.raises(BarError, match=r"row 9.*through the bar closing 2024-01-0"):
        kit.read(kit.table(columns), timeframe=timeframe)


def test_d13_sessions_at_half_hours(kit):
    columns = kit.columns(step_ns=HOUR_NS)
    columns["timestamp"] += HOUR_NS // 2
    assert len(kit.read(kit.table(columns), timeframe="1h")) == 12


@pytest.mark.parametrize("size", [1, 5, 12])
def test_d13_gaps_are_counted(kit, size):
    columns = kit.columns()
    columns["timestamp"][5:] += 3 * kit.minute_ns
    columns["timestamp"][10:] += kit.minute_ns
    batches = kit.table(columns).to_batches(size)
    gaps = describe(open_bars(kit.spec(), batches)).gaps
    closes = columns["timestamp"] + kit.minute_ns
    assert gaps.first == (
        Gap(int(closes[4]), int(closes[5]), 3),
        Gap(int(closes[9]), int(closes[10]), 1),
    )
    assert (gaps.count, gaps.missing_bars, gaps.longest_ns) == (2, 4, 4 * kit.minute_ns)
    with pytest.raises(BarError, match=r"row 5.*comes after a gap.*bars\.gaps: keep"):
        kit.read(batches, gaps="refuse")


@pytest.mark.parametrize("size", [1, 5, 12])
def test_range_is_half_open_on_the_close(kit, size):
    batches = kit.table().to_batches(size)
    source = open_bars(kit.spec(start="2024-01-01T00:03", end="2024-01-01T02:08:00+02:00"), batches)
    bars = [ts for block in source.blocks() for ts in block.ts_ns]
    assert bars == [kit.start_ns + i * kit.minute_ns for i in range(3, 8)]
    assert source.report().dropped == {"range": 7}
    with pytest.raises(ConfigError, match=r"bars\.end"):
        kit.read(batches, start="2024-01-02", end="2024-01-01")
    with pytest.raises(ConfigError, match=r"bars\.start: expected an ISO"):
        kit.read(batches, start="yesterday")


def test_d16_no_rows_and_one_row(kit):
    for rows in (0, 1):
        source = open_bars(kit.spec(kit.write(kit.table(rows))))
        report = describe(source)
        assert (report.rows_kept, report.complete) == (rows, True)
    assert len(kit.read(kit.table(0))) == 0
