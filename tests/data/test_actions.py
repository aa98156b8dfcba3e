"""Splits and dividends from files: what is read, and what is refused with its line."""

from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from admf_fast.calendars import load_calendar
from admf_fast.data.actions import effective_ns, read_actions
from admf_fast.errors import AdmfError, BarError, ConfigError, DataFileError, SchemaError
from admf_kernels.actions import Actions

DAY_NS = 86_400 * 10**9
HOUR_NS = 3600 * 10**9
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SMALL = "date,split,dividend\n2020-08-31,4,\n2020-11-06,,0.205\n"


def ns(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def read(folder: Path, text: str, name: str = "a.csv", form: str = "auto") -> Actions:
    path = folder / name
    path.write_text(text)
    return read_actions(path, name, form).actions


def rows_of(actions: Actions) -> list[tuple[int, float, float, float]]:
    columns = (actions.ts_ns, actions.split, actions.dividend, actions.reference)
    return [*zip(*(c.tolist() for c in columns), strict=True)]


def test_a_table_with_dates(tmp_path):
    expected = [(ns("2020-08-31"), 4.0, 0.0, 0.0), (ns("2020-11-06"), 1.0, 0.205, 0.0)]

    assert rows_of(read(tmp_path, SMALL)) == expected
    more = SMALL.replace("2020-11-06,,", "2020-09-01,1,0\n\n2020-11-06, 1.0 , ")
    assert rows_of(read(tmp_path, more)) == expected


def test_a_table_with_times(tmp_path):
    text = "ts,dividend,reference\n2020-08-31T00:00:00-04:00,0.5,10\n2020-09-01T04:00:00.5Z,1,9\n"
    expected = [(ns("2020-08-31T04"), 1.0, 0.5, 10.0), (ns("2020-09-01T04:00:00.5"), 1.0, 1.0, 9.0)]

    assert rows_of(read(tmp_path, text)) == expected


@pytest.mark.parametrize("kind", ["parquet", "ipc"])
def test_tables_of_arrow(tmp_path, kind):
    days = pa.array([date(2020, 8, 31), date(2020, 11, 6)])
    times = days.cast(pa.timestamp("us", "UTC"))
    split, dividend = pa.array([4.0, None]), pa.array([None, 0.205])
    for name, column in (("date", days), ("ts", times)):
        table = pa.table({name: column, "split": split, "dividend": dividend})
        path = tmp_path / ("a.parquet" if kind == "parquet" else "a.arrow")
        if kind == "parquet":
            pq.write_table(table, path)
        else:
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as out:
                out.write_table(table)
        assert rows_of(read_actions(path, "a", "auto").actions) == rows_of(read(tmp_path, SMALL))


def test_when_a_day_begins():
    """At local midnight, but never before its date does in UTC."""
    summer, winter = date(2020, 8, 31), date(2020, 12, 31)
    clocks = {n: load_calendar(n).clock for n in ("XNYS", "XLON", "XEUR", "24/7")}

    assert effective_ns(summer, None) == ns("2020-08-31")
    assert effective_ns(summer, clocks["XNYS"]) == ns("2020-08-31T04")
    assert effective_ns(winter, clocks["XNYS"]) == ns("2020-12-31T05")
    for name in ("XLON", "XEUR", "24/7"):
        assert effective_ns(summer, clocks[name]) == ns("2020-08-31")
    assert effective_ns(date(1975, 1, 2), clocks["XNYS"]) - ns("1975-01-02") in (
        4 * HOUR_NS,
        5 * HOUR_NS,
    )


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        ("day,split\n2020-08-31,4\n", SchemaError, "expected the columns date or ts.*found day"),
        ("date,ts,split\n", SchemaError, "each once"),
        ("date,split,split\n", SchemaError, "each once"),
        ("date,reference\n2020-08-31,4\n", SchemaError, "expected the columns"),
        ("20200831,0.9,1,5\n", SchemaError, "actions.format: lean"),
        ("date,split\n2020-08-31,4,5\n", BarError, r"a\.csv:2: expected 2 cells.*found 3"),
        ("date,split\n\n31.8.2020,4\n", BarError, r"a\.csv:3, column date: expected a date.*31\.8"),
        ("date,split\n,4\n", BarError, r"a\.csv:2, column date"),
        ("ts,split\n2020-08-31T00:00,4\n", BarError, r"a\.csv:2, column ts: .*zone"),
        ("date,split\n2020-08-31,four\n", BarError, r"column split: expected a number.*'four'"),
        ("date,split\n2020-08-31,1_0\n", BarError, "expected a number"),
        ("date,split\n2020-08-31,0\n", BarError, "column split: expected new units for one old"),
        ("date,split\n2020-08-31,-2\n", BarError, "column split"),
        ("date,split\n2020-08-31,nan\n", BarError, "column split: expected a number"),
        ("date,dividend\n2020-08-31,-2\n", BarError, "column dividend: expected 0 or more"),
        ("date,dividend,reference\n2020-08-31,2,2\n", BarError, "less than the reference price"),
        ("date,split\n2020-08-31,4\n2020-08-31,4\n", BarError, r"a\.csv:3: .*after .*add up"),
        ("date,split\n2020-08-31,4\n2020-08-30,1\n", BarError, r"a\.csv:3: .*sort the rows"),
        ("date,split\n2020-01-01,9999\n2020-01-02,9999\n2020-01-03,9999\n", BarError, "factors"),
    ],
)
def test_what_is_refused(tmp_path, text, error, match):
    with pytest.raises(error, match=match):
        read(tmp_path, text)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="declare actions"):
        read(tmp_path, SMALL, "a.txt")
    with pytest.raises(DataFileError, match="could not be opened"):
        read_actions(tmp_path / "none.csv", "none.csv", "auto")
    with pytest.raises(DataFileError, match="cannot be read as parquet"):
        read(tmp_path, SMALL, "a.parquet")
    (tmp_path / "b.csv").write_bytes(b"date,split\n\xff\n")
    with pytest.raises(DataFileError, match="UTF-8"):
        read_actions(tmp_path / "b.csv", "b.csv", "auto")


LEAN = """\
19980102,0.8613657,0.00892857,1
20000620,0.8613657,0.00892857,101
20050225,0.8613657,0.01785710,88.97
20120808,0.8613657,0.03571430,619.86
20140606,0.8650639,0.03571430,645.57
20200828,0.8650639,0.25,499.23
20501231,0.8650639,1,0
"""


def test_a_factor_file(tmp_path):
    """Apple's: the splits are whole, the dividend has cents; each on the day after its row."""
    found = rows_of(read(tmp_path, LEAN, form="lean"))

    assert found == [
        (ns("2000-06-21"), 2.0, 0.0, 101.0),
        (ns("2005-02-26"), 2.0, 0.0, 88.97),
        (ns("2012-08-09"), 1.0, 2.65, 619.86),
        (ns("2014-06-07"), 7.0, 0.0, 645.57),
        (ns("2020-08-29"), 4.0, 0.0, 499.23),
    ]


@pytest.mark.parametrize("ratio", ["2", "3/2", "21/20", "1/8", "1/30", "28"])
def test_the_ratio_that_the_digits_mean(tmp_path, ratio):
    exact = Fraction(ratio)
    lines = f"20000101,1,{float(1 / exact):.7f},5\n20010101,1,1,5\n"

    assert read(tmp_path, lines, form="lean").split.tolist() == [float(exact)]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("date,a,b,c\n", r"a\.csv:1: expected date, price factor"),
        ("20000101,1,1\n", r"a\.csv:1"),
        ("20000101,1,0,5\n", r"a\.csv:1"),
        ("20000101,1,inf,5\n", r"a\.csv:1"),
        ("20001301,1,1,5\n", r"a\.csv:1"),
        ("20000101,1,1,5\n20000101,1,1,5\n", r"a\.csv:2: expected a date after 2000-01-01"),
        ("20000101,0.9,1,0\n20010101,1,1,5\n", r"a\.csv:1: .*reference price; found 0\.9 before 1"),
        ("20000101,1,1,5\n20010101,0.9,1,5\n", r"a\.csv:1: expected a price factor below"),
    ],
)
def test_a_damaged_factor_file_is_refused(tmp_path, text, match):
    with pytest.raises(AdmfError, match=match):
        read(tmp_path, text, form="lean")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared market data are not here")
@pytest.mark.parametrize(
    ("name", "splits"),
    [
        ("AAPL", {"2000-06-21": 2.0, "2005-02-26": 2.0, "2014-06-07": 7.0, "2020-08-29": 4.0}),
        ("IBM", {"1999-05-27": 2.0}),
        ("SPY", {}),
    ],
)
def test_real_prices_have_no_jump_left(name, splits):
    """Forward factors are the backward ones of the file over its first, but for their digits."""
    path = SHARED / "factor_files" / f"{name.lower()}.csv"
    actions = read_actions(path, path.name, "lean").actions
    table = pq.read_table(SHARED / f"lean_{name}_1d.parquet")
    opened = table.column("timestamp").cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_numpy()
    close = table.column("close").to_numpy()
    rows = [line.split(",") for line in path.read_text().split()]
    days = np.array([f"{d[:4]}-{d[4:6]}-{d[6:]}" for d, *_ in rows], "datetime64[D]")
    backward = np.array([float(price) * float(split) for _, price, split, _ in rows])
    place = days.searchsorted(opened.astype("datetime64[ns]").astype("datetime64[D]"))
    factor = actions.factors[actions.ts_ns.searchsorted(opened + DAY_NS)]
    found = {str(np.datetime64(t, "ns"))[:10]: s for t, s, *_ in rows_of(actions) if s != 1.0}

    assert found == splits
    np.testing.assert_allclose(factor * backward[0], backward[place], rtol=2e-5)
    returns = np.diff(np.log(close * factor))
    assert abs(returns).max() < 0.75
    assert np.sum(abs(returns) > 0.25) <= 1  # Apple fell by half in September 2000
