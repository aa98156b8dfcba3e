"""Which column is which, and which types are read."""

from __future__ import annotations

import pyarrow as pa
import pytest

from admf_fast.data import describe, open_bars
from admf_fast.errors import BarError, ConfigError, SchemaError


def renamed(kit, **names):
    table = kit.table()
    return table.rename_columns([names.get(n, n) for n in table.column_names])


@pytest.mark.parametrize(
    "names",
    [
        ("timestamp", "open", "high", "low", "close", "volume"),
        ("Date", "Open", "High", "Low", "Close", "Volume"),
        ("TS", "OPEN", "HIGH", "LOW", "CLOSE", "VOLUME"),
        ("t", "o", "h", "l", "c", "v"),
        ("ts_event", "open", "high", "low", "close", "vol"),
        ("Open time", "Open", "High", "Low", "Close", "Volume"),
    ],
)
def test_d06_spellings_and_order(kit, names):
    expected = kit.digest(kit.read(kit.table()))
    table = kit.table().rename_columns(list(names))
    assert kit.digest(kit.read(table)) == expected
    assert kit.digest(kit.read(table.select(list(reversed(names))))) == expected


@pytest.mark.parametrize("column", ["timestamp", "open", "high", "low", "close", "volume"])
def test_d06_missing_column(kit, column):
    table = kit.table().drop_columns([column])
    with pytest.raises(SchemaError, match=rf"column {column} is missing; found .*bars\.columns"):
        kit.read(table)


def test_d06_extra_columns_are_reported(kit):
    table = kit.table().append_column("Adj Close", pa.array(["x"] * 12))
    report = describe(open_bars(kit.spec(kit.write(table))))
    assert report.files[0].ignored_columns == ("Adj Close",)


def test_d06_volume_may_be_declared_absent(kit):
    table = kit.table().drop_columns(["volume"])
    with pytest.raises(SchemaError, match=r"columns: {volume: none}"):
        kit.read(table)
    assert (kit.read(table, columns={"volume": "none"}).volume == 0).all()


def test_d06_explicit_mapping(kit):
    table = kit.table().append_column("Adj Close", kit.table()["close"])
    expected = kit.digest(kit.read(kit.table()))
    mapping = {"close": "Adj Close", "timestamp": "timestamp"}
    assert kit.digest(kit.read(table, columns=mapping)) == expected
    with pytest.raises(SchemaError, match=r"column 'nope', declared as close .* is missing"):
        kit.read(table, columns={"close": "nope"})
    with pytest.raises(SchemaError, match="'open' is mapped to both"):
        kit.read(table, columns={"close": "open", "open": "open"})
    with pytest.raises(ConfigError, match=r"bars\.columns: expected the keys"):
        kit.read(table, columns={"price": "close"})


def test_d07_duplicate_columns(kit):
    table = kit.table()
    twice = table.append_column("open", table["open"])
    with pytest.raises(SchemaError, match="column 'open' is there 2 times"):
        kit.read(kit.write(twice))


def test_d07_two_candidates(kit):
    table = kit.table()
    both = table.append_column("Open", table["open"])
    with pytest.raises(SchemaError, match="'open' and 'Open' could both be the open column"):
        kit.read(both)
    both = table.append_column("date", table["timestamp"])
    with pytest.raises(SchemaError, match="'timestamp' and 'date' could both"):
        kit.read(both)


def test_d07_a_stamped_spelling_follows_the_stamp(kit):
    binance = renamed(kit, timestamp="open_time")
    binance = binance.append_column("close_time", binance["open_time"])
    assert kit.read(binance).ts_ns[0] == kit.start_ns + kit.minute_ns
    with pytest.raises(SchemaError, match="column timestamp is missing"):
        kit.read(renamed(kit, timestamp="open_time"), stamp="close")


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.bool_(),
        pa.decimal128(20, 6),
        pa.dictionary(pa.int32(), pa.float64()),
        pa.float16(),
        pa.list_(pa.float64()),
        pa.null(),
        pa.binary(),
    ],
    ids=str,
)
@pytest.mark.parametrize("column", ["timestamp", "close"])
def test_d08_wrong_type(kit, kind, column):
    table = kit.table(0)
    wrong = table.set_column(table.column_names.index(column), column, pa.array([], kind))
    with pytest.raises(SchemaError, match=rf"column {column}.*expected .* found .*; cast"):
        kit.read(wrong)


def test_d08_float_times_are_refused(kit):
    table = kit.table().set_column(0, "timestamp", pa.array([1.7e9] * 12))
    with pytest.raises(SchemaError, match=r"column timestamp .*found double"):
        kit.read(table)


@pytest.mark.parametrize("kind", [pa.float32(), pa.int16(), pa.int64(), pa.uint64()], ids=str)
def test_d08_loss_free_casts_are_noted(kit, kind):
    columns = {n: c if n == "timestamp" else c.round() for n, c in kit.columns().items()}
    columns["low"] -= 1
    expected = kit.digest(kit.read(kit.table(columns)))
    table = kit.table(columns)
    for at, name in enumerate(table.column_names[1:], 1):
        table = table.set_column(at, name, table[name].cast(kind))
    source = open_bars(kit.spec(), table)
    assert kit.digest(kit.read(table)) == expected
    assert len(source.report().files[0].notes) == 5


def test_d08_integers_beyond_2_53_are_refused(kit):
    table = kit.table()
    volumes = [0] * 12
    volumes[7] = 2**53 + 1
    at = table.column_names.index("volume")
    wrong = table.set_column(at, "volume", pa.array(volumes))
    with pytest.raises(BarError, match=r"row 7, column volume: 9007199254740993 cannot"):
        kit.read(wrong)
    volumes[7] = 2**53
    assert kit.read(table.set_column(at, "volume", pa.array(volumes))).volume[7] == 2.0**53


def test_d08_an_integer_column_with_a_null(kit):
    table = kit.table()
    at = table.column_names.index("volume")
    wrong = table.set_column(at, "volume", pa.array([*range(11), None]))
    with pytest.raises(BarError, match="row 11, column volume: null"):
        kit.read(wrong)
    assert len(kit.read(wrong, missing="drop")) == 11


def test_float64_is_not_copied(kit):
    table = kit.table().combine_chunks()
    bars = next(open_bars(kit.spec(stamp="close"), table).blocks())
    for name in ("open", "high", "low", "close", "volume"):
        assert getattr(bars, name).ctypes.data == table[name].chunk(0).buffers()[1].address
    assert bars.ts_ns.ctypes.data == table["timestamp"].chunk(0).buffers()[1].address
    assert not any(column.flags.writeable for column in bars.columns())
