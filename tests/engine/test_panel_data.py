"""The bars of all instruments of a configuration; errors name file, line and instrument."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from admf_fast.config import parse_config
from admf_fast.errors import BarError, ConfigError, DataError, DataFileError, SchemaError
from admf_fast.runners.panel_data import arriving_specs, calendars_of, open_panel
from admf_kernels.contract import on, output_of
from admf_kernels.indicators import sma
from admf_kernels.plan import Plan

HEAD = "strategy: {kernel: sma_cross}\n"
TWO = """\
instruments:
  - symbol: AAPL
    bars: {path: a.parquet, timeframe: 1m, stamp: open, calendar: XNYS}
  - symbol: SAP
    bars:
      path: b.parquet
      timeframe: 1m
      stamp: open
"""


def table(rows=10, **changes):
    minutes = np.arange(rows) * 60_000_000_000
    price = 100.0 + np.arange(rows)
    columns = {"open": price, "high": price + 1, "low": price - 1, "close": price, "volume": price}
    times = pa.array(minutes).cast(pa.timestamp("ns", "UTC"))
    return pa.table({"timestamp": times} | columns | changes)


@pytest.fixture
def folder(tmp_path):
    pq.write_table(table(10), tmp_path / "a.parquet")
    pq.write_table(table(6), tmp_path / "b.parquet")
    return tmp_path


def config(text, folder=""):
    return parse_config(HEAD + text, name="x.yaml", format="yaml", base_dir=str(folder))


def bars_of(panel):
    panels = list(panel.blocks())
    return [sum(len(made.blocks[k]) for made in panels) for k in range(len(panel.symbols))]


def test_all_instruments_are_opened_in_order(folder):
    panel = open_panel(config(TWO, folder))

    assert panel.symbols == ("AAPL", "SAP")
    assert bars_of(panel) == [10, 6]
    assert panel.rows_total == 16


def test_one_instrument_is_a_panel_too(folder):
    panel = open_panel(config("bars: {path: a.parquet, timeframe: 1m, stamp: open}\n", folder))

    assert [len(block) for block in panel.blocks()] == [10]
    assert panel.symbols == ("a",)


def test_objects_by_symbol_stand_in_for_paths(folder):
    text = TWO.replace("      path: b.parquet\n", "")
    panel = open_panel(config(text, folder), {"SAP": table(3)})

    assert bars_of(panel) == [10, 3]


def faults(name):
    """A configuration, data, the error and what it says."""
    bare = TWO.replace("      path: b.parquet\n", "")
    return {
        "no such file": (
            TWO.replace("b.parquet", "none.parquet"), None, DataFileError,
            r"^x\.yaml:7: SAP: none\.parquet: "),
        "no timeframe": (
            TWO.replace("      timeframe: 1m\n", ""), None, ConfigError,
            r"x\.yaml:6: instruments\[1\]\.bars\.timeframe of SAP: expected one of "),
        "no stamp": (
            TWO.replace(", stamp: open", ""), None, ConfigError,
            r"x\.yaml:4: instruments\[0\]\.bars\.stamp of AAPL: expected open or close, found "),
        "no path": (
            bare, None, ConfigError,
            r"x\.yaml:6: instruments\[1\]\.bars\.path of SAP: expected a path, or data "),
        "a path and data": (
            TWO, {"SAP": table()}, ConfigError,
            r"x\.yaml:7: instruments\[1\]\.bars\.path of SAP: is declared and data is passed"),
        "data of another": (
            TWO, {"VW": table()}, ConfigError,
            r"^data: expected symbols of this run, found VW \(symbols: AAPL, SAP\)"),
        "a column is missing": (
            bare, {"SAP": table().drop_columns(["close"])}, SchemaError,
            r"x\.yaml:6: SAP: pyarrow "),
        "no bars at all": (bare, {"SAP": 7}, DataError, r"^x\.yaml:6: SAP: builtins int: "),
    }[name]  # fmt: skip


NAMES = (
    "no such file", "no timeframe", "no stamp", "no path", "a path and data", "data of another",
    "a column is missing", "no bars at all",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_opened_is_told_with_line_and_instrument(folder, name):
    text, data, kind, message = faults(name)
    with pytest.raises(kind, match=message):
        open_panel(config(text, folder), data)


def test_one_instrument_is_told_without_its_number(folder):
    with pytest.raises(ConfigError, match=r"^x\.yaml:2: bars\.stamp: expected open or close"):
        open_panel(config("bars: {path: a.parquet, timeframe: 1m}\n", folder))


def test_a_row_that_breaks_a_rule_names_the_instrument(folder):
    pq.write_table(table(3, close=[1.0, 1.0, 1.0]), folder / "b.parquet")
    with pytest.raises(BarError, match=r"^SAP: b\.parquet: row 0, column close: "):
        list(open_panel(config(TWO, folder)).blocks())


def test_bars_that_arrive_have_to_be_declared():
    specs = arriving_specs(config(TWO))

    assert [(spec.symbol, spec.timeframe, spec.stamp) for spec in specs] == [
        ("AAPL", "1m", "open"), ("SAP", "1m", "open"),
    ]  # fmt: skip
    with pytest.raises(ConfigError, match=r"^x\.yaml:4: instruments\[0\]\.bars\.stamp of AAPL: "):
        arriving_specs(config(TWO.replace(", stamp: open", "")))


def test_every_instrument_has_a_calendar_of_its_own():
    xetra = TWO.replace("      stamp: open\n", "      stamp: open\n      calendar: XEUR\n")

    made = calendars_of(config(xetra), Plan(["minutes_left"]))
    assert [calendar and calendar.name for calendar in made] == ["XNYS", "XEUR"]
    first, second = calendars_of(config(TWO), Plan([]))
    assert (first and first.name, second) == ("XNYS", None)


def test_what_reads_the_clock_needs_every_calendar():
    plan = Plan([output_of(sma(3, of="minutes_left"))])

    with pytest.raises(
        ConfigError,
        match=r"^x\.yaml:6: instruments\[1\]\.bars\.calendar of SAP: minutes_left come from the ",
    ):
        calendars_of(config(TWO), plan)


def test_longer_bars_fit_the_bars_of_every_instrument():
    plan = Plan([on("5m", output_of(sma(3)))])

    assert len(calendars_of(config(TWO), plan)) == 2
    slow = TWO.replace("      timeframe: 1m\n", "      timeframe: 1h\n")
    message = r"^x\.yaml:6: SAP: expected a timeframe of several whole bars of bars\.timeframe 1h"
    with pytest.raises(ConfigError, match=message):
        calendars_of(config(slow), plan)
