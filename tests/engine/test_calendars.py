"""The calendars that ship: against the library they come from, an oracle, and the calendar."""

import csv
import importlib.metadata
import importlib.util
import zoneinfo
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from admf_fast.calendars import CALENDARS, load_calendar, make_tables
from admf_fast.config import parse_config
from admf_fast.data import BarBlock
from admf_fast.errors import ConfigError, DataError
from admf_fast.feeds import replay
from admf_fast.jobs import backtest
from admf_fast.parity.proving import prove_bars
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.runners.live import run_live
from admf_fast.runners.setup import prepare
from admf_kernels.testing import random_bars

ROOT = Path(__file__).parents[2]
ORACLE = ROOT.parent / "shared" / "oracles" / "xnys_sessions.csv"
TABLES = tuple(n for n in CALENDARS if n != "24/7")


def ns(text):
    return int(np.datetime64(text.rstrip("Z"), "ns").astype(np.int64))


def sessions_of(clock):
    return {
        str(day): (opened, closed)
        for day, opened, closed in zip(
            clock.day.astype("datetime64[D]"),
            clock.open_ns.tolist(),
            clock.close_ns.tolist(),
            strict=True,
        )
    }


@pytest.mark.filterwarnings("ignore::Warning")  # of the library
@pytest.mark.parametrize("name", TABLES)
def test_the_library_gives_the_same(name):
    if importlib.util.find_spec("exchange_calendars") is None:
        pytest.skip("exchange_calendars is not installed")
    calendar = load_calendar(name)
    if importlib.metadata.version("exchange_calendars") not in calendar.source:
        pytest.skip(f"the table was made from {calendar.source}")
    made = make_tables.table_of(name)

    assert calendar.clock.open_ns.tolist() == made.column("open_ns").to_pylist()
    assert calendar.clock.close_ns.tolist() == made.column("close_ns").to_pylist()
    dates = [str(d) for d in made.column("date").to_pylist()]
    assert list(sessions_of(calendar.clock)) == dates


@pytest.mark.skipif(not ORACLE.is_file(), reason="the folder of oracles is not there")
def test_new_york_is_what_others_wrote_down():
    with ORACLE.open() as file:
        rows = {r[""][:10]: (ns(r["open"]), ns(r["close"])) for r in csv.DictReader(file)}
    found = sessions_of(load_calendar("XNYS").clock)
    last = max(rows)

    assert len(rows) > 8000
    assert {day: s for day, s in found.items() if day <= last} == rows


@pytest.mark.parametrize("name", TABLES)
def test_offsets_are_those_of_the_zone(name):
    calendar = load_calendar(name)
    clock, zone = calendar.clock, zoneinfo.ZoneInfo(calendar.zone)
    edges = clock.offset_from_ns[1:] // 10**9
    some = np.linspace(clock.open_ns[0], clock.close_ns[-1], 3000).astype(np.int64) // 10**9
    for second in [*(edges - 1).tolist(), *edges.tolist(), *some.tolist()]:
        place = np.searchsorted(clock.offset_from_ns, second * 10**9, side="right") - 1
        local = datetime.fromtimestamp(second, UTC).astimezone(zone)
        assert clock.offset_ns[place] == local.utcoffset().total_seconds() * 10**9


@pytest.mark.parametrize(
    ("name", "close", "session", "of_day", "of_session", "left"),
    [
        # First and last minute, winter and summer.
        ("XNYS", "2024-01-03T14:31", "2024-01-03", 571, 1, 389),
        ("XNYS", "2024-07-01T13:31", "2024-07-01", 571, 1, 389),
        ("XNYS", "2024-07-01T20:00", "2024-07-01", 960, 390, 0),
        # Half a day after Thanksgiving, its evening, the Sunday after it, a holiday.
        ("XNYS", "2024-11-29T18:00", "2024-11-29", 780, 210, 0),
        ("XNYS", "2024-11-29T18:30", "2024-11-29", 810, 240, -30),
        ("XNYS", "2024-12-01T18:00", "2024-12-02", 780, -1230, 1620),
        ("XNYS", "2024-12-25T15:00", "2024-12-26", 600, -1410, 1800),
        ("XLON", "2024-07-01T07:01", "2024-07-01", 481, 1, 509),
        ("XLON", "2024-12-24T12:30", "2024-12-24", 750, 270, 0),
        # Europe and America change their clocks on different days.
        ("XEUR", "2024-03-29T12:00", "2024-04-02", None, None, None),
        ("CME", "2024-03-11T23:00", "2024-03-12", 1080, 60, 1380),
        ("CME", "2024-01-08T00:00", "2024-01-08", 1080, 60, 1380),
        ("24/7", "2024-01-07T00:00", "2024-01-06", 0, 1440, 0),
        ("24/7", "2024-01-07T00:01", "2024-01-07", 1, 1, 1439),
    ],
)
def test_days_one_can_look_up(name, close, session, of_day, of_session, left):
    found = load_calendar(name).clock.columns(np.array([ns(close)]))

    assert str(np.array(found["session"][0], "datetime64[D]")) == session
    assert found["weekday"][0] == datetime.fromisoformat(session).weekday()
    if of_day is not None:
        expected = {"minute_of_day": of_day, "minute_of_session": of_session, "minutes_left": left}
        assert {key: found[key][0] for key in expected} == expected


def test_an_unknown_calendar_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean XNYS"):
        load_calendar("NYS")
    with pytest.raises(ConfigError, match=r"small\.yaml:1: bars\.calendar.*did you mean XLON"):
        config_of(calendar="XLOM")


def config_of(strategy="sma_cross", more="", calendar="XNYS", base_dir=""):
    bars = "path: bars.parquet, symbol: X, timeframe: 1m, stamp: close"
    bars += f", calendar: {calendar}" if calendar else ""
    text = f"bars: {{{bars}}}\nstrategy: {{kernel: '{strategy}'}}\n{more}"
    return parse_config(text, name="small.yaml", format="yaml", base_dir=base_dir)


VWAP = "features: [{name: vwap, kernel: session_vwap}]\n"


def test_what_reads_the_clock_needs_a_calendar():
    with pytest.raises(ConfigError, match=r"small.yaml:1: session come.*set bars.calendar"):
        prepare(config_of(more=VWAP, calendar=""))
    assert prepare(config_of(more=VWAP)).clock is load_calendar("XNYS").clock


def minutes(start, count):
    """Bars of a minute from a time on, the night included."""
    drawn = random_bars(count)
    ts_ns = ns(start) + 60 * 10**9 * np.arange(count, dtype=np.int64)
    return BarBlock(ts_ns, *drawn[1:])


AWAKE = '''
from admf_kernels import strategy
from admf_kernels.indicators import session_vwap


@strategy(features=lambda p: {"vwap": session_vwap()})
def awake(close, vwap, minute_of_session, minutes_left, session, weekday, minute_of_day):
    """Long below the average price of the session, inside of it only. First signal: bar 1."""
    inside = minute_of_session > 0.0 and minutes_left > 1.0 and session > 0.0
    return 1.0 if inside and close < vwap and weekday < 4.0 and minute_of_day > 575.0 else 0.0
'''


@pytest.mark.parametrize("calendar", CALENDARS)
def test_every_way_of_running_is_the_same(calendar, tmp_path):
    """Through a night, a change of the clocks and half a day."""
    (tmp_path / "awake_module.py").write_text(AWAKE)
    config = config_of("awake_module:awake", calendar=calendar, base_dir=str(tmp_path))

    proof = prove_bars(prepare(config), minutes("2024-11-01T19:00", 6000))

    assert proof.identical, proof.difference
    assert proof.layers["trades"] != proof.layers["signals"]


def test_outside_of_the_table_is_refused_by_every_runner():
    setup = prepare(config_of(more=VWAP))
    bars = minutes("2035-12-31T20:00", 200)

    with pytest.raises(DataError, match="covers 1990-01-02 to 2035-12-31"):
        HistoricalRunner(setup).feed(bars)
    with pytest.raises(DataError, match="covers 1990-01-02 to 2035-12-31"):
        run_live(setup, replay([bars]))


def test_the_manifest_says_which_table():
    bars = minutes("2024-01-02T14:31", 100)
    names = ("timestamp", "open", "high", "low", "close", "volume")
    table = pa.table(dict(zip(names, bars.columns(), strict=True)))
    table = table.set_column(0, "timestamp", table["timestamp"].cast(pa.timestamp("ns", "UTC")))
    config = config_of(more=VWAP)
    bars = msgspec.structs.replace(config.bars, path="")
    made = backtest(msgspec.structs.replace(config, bars=bars), table, write=False).manifest

    assert made["calendar"]["name"] == "XNYS"
    assert made["calendar"]["sha256"] == load_calendar("XNYS").digest
    assert made["config"]["bars"]["calendar"] == "XNYS"
