"""Every rule, broken at every row and in every cut into blocks, is refused by row and column."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from admf_fast.data import open_bars
from admf_fast.data.rules import RULES
from admf_fast.errors import BarError

ROWS = 6
INF = math.inf
# id, column, value (None: null), the column named, words of the message
BROKEN = [
    *[(f"d09_null_{c}", c, None, "null") for c in ("timestamp", "open", "high", "low", "close")],
    ("d09_null_volume", "volume", None, "null"),
    *[(f"d09_nan_{c}", c, math.nan, "not a number") for c in ("open", "high", "low", "close")],
    ("d09_nan_volume", "volume", math.nan, "not a number"),
    *[(f"d15_inf_{c}", c, INF, "infinite") for c in ("open", "high", "low", "close", "volume")],
    *[(f"d15_minus_inf_{c}", c, -INF, "infinite") for c in ("open", "high", "low", "close")],
    *[(f"d15_subnormal_{c}", c, 5e-324, "subnormal") for c in ("open", "high", "low", "close")],
    *[(f"d14_zero_{c}", c, 0.0, "not positive") for c in ("open", "high", "low", "close")],
    *[(f"d14_negative_{c}", c, -1.0, "not positive") for c in ("open", "high", "low", "close")],
    ("d14_high_below_low", "high", 1.0, "1.0 is below low"),
    ("d14_open_below_low", "open", 1.0, "1.0 is below low"),
    ("d14_open_above_high", "open", 999.0, "999.0 is above high"),
    ("d14_close_below_low", "close", 1.0, "1.0 is below low"),
    ("d14_close_above_high", "close", 999.0, "999.0 is above high"),
    ("d14_negative_volume", "volume", -1.0, "-1.0 is negative"),
]
BY_ID = pytest.mark.parametrize(
    ("column", "value", "words"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN]
)


def broken_table(kit, column, value, row, rows=ROWS):
    table = kit.table(rows)
    array = table[column].to_pylist() if column != "timestamp" else table[column].cast("int64")
    values = list(array) if column != "timestamp" else array.to_pylist()
    values[row] = value
    changed = (
        pa.array(values, pa.int64()).cast(table[column].type)
        if column == "timestamp"
        else (pa.array(values, pa.float64()))
    )
    return table.set_column(table.column_names.index(column), column, changed)


@BY_ID
def test_names_row_and_column(kit, column, value, words):
    for row in range(ROWS):
        table = broken_table(kit, column, value, row)
        for size in (1, 4, ROWS):
            with pytest.raises(BarError) as caught:
                kit.read(table.to_batches(max_chunksize=size))
            message = str(caught.value)
            assert f"row {row}, column {column}" in message
            assert words in message
            assert ": drop" in message


@BY_ID
def test_drop_removes_only_the_row(kit, column, value, words):
    whole = kit.read(kit.table(ROWS))
    for row in range(ROWS):
        table = broken_table(kit, column, value, row)
        source = open_bars(kit.spec(missing="drop", invalid="drop"), table.to_batches(2))
        kept = [ts for block in source.blocks() for ts in block.ts_ns]
        assert kept == [ts for i, ts in enumerate(whole.ts_ns) if i != row]
        report = source.report()
        assert sum(report.dropped.values()) == 1
        assert set(report.dropped) <= {rule.name for rule in RULES}
        assert (report.rows_read, report.rows_kept) == (ROWS, ROWS - 1)


def test_d14_the_first_faulty_row_is_named(kit):
    columns = kit.columns()
    columns["close"][9] = math.nan
    columns["high"][7] = 1.0
    columns["volume"][8] = -1.0
    with pytest.raises(BarError, match=r"row 7, column high: 1\.0 is below low 99\.75; fix"):
        kit.read(kit.table(columns))
    columns["timestamp"][5] = columns["timestamp"][4]
    with pytest.raises(BarError, match="row 5, column timestamp"):
        kit.read(kit.table(columns))


def test_d14_policies_apply_to_their_own_faults(kit):
    columns = kit.columns()
    columns["close"][9] = math.nan
    columns["high"][10] = 1.0
    with pytest.raises(BarError, match="row 10, column high"):
        kit.read(kit.table(columns), missing="drop")
    with pytest.raises(BarError, match="row 9, column close"):
        kit.read(kit.table(columns), invalid="drop")
    assert len(kit.read(kit.table(columns), invalid="drop", missing="drop")) == 10


def test_d14_a_bar_without_range_is_valid(kit):
    columns = kit.columns()
    for name in ("open", "high", "low", "close"):
        columns[name] = np.full(12, 5.0)
    assert len(kit.read(kit.table(columns))) == 12


def test_d15_extreme_but_valid_values(kit):
    columns = kit.columns()
    for name, value in (("open", 1.0), ("high", 1e308), ("low", 2.3e-308), ("close", 1.0)):
        columns[name][3] = value
    columns["volume"][3] = 1.7e308
    bars = kit.read(kit.table(columns))
    assert bars.high[3] == 1e308
    assert bars.low[3] == 2.3e-308


def test_d15_negative_zero_volume_becomes_zero(kit):
    columns = kit.columns()
    columns["volume"][[2, 5]] = -0.0
    bars = kit.read(kit.table(columns))
    assert not np.signbit(bars.volume).any()
    columns["volume"][[2, 5]] = 0.0
    assert kit.digest(bars) == kit.digest(kit.read(kit.table(columns)))


def test_the_fast_pass_has_teeth(kit, monkeypatch):
    """With the fast pass switched off, every fault above would go through."""
    monkeypatch.setattr("admf_fast.data.validate.values_valid", lambda bars: True)
    table = broken_table(kit, "high", 1.0, 3)
    assert len(kit.read(table)) == ROWS
