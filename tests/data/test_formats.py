"""CSV, Arrow IPC, and objects of the Arrow protocol."""

from __future__ import annotations

import contextlib
import decimal
import math
import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_fast.data import describe, open_bars
from admf_fast.errors import BarError, ConfigError, DataError, DataFileError, SchemaError

HEADER = "timestamp,open,high,low,close,volume\n"


def csv(kit, *rows, header=HEADER):
    path = kit.path("bars.csv")
    path.write_text(header + "".join(f"{row}\n" for row in rows))
    return path


def bar(clock, price="1.5"):
    return f"{clock},{price},{price},{price},{price},7"


def csv_times(kit, *clocks, **changes):
    return kit.read(csv(kit, *map(bar, clocks)), **changes).ts_ns - kit.start_ns


@pytest.mark.parametrize(
    "clock",
    [
        "2024-01-01T00:00:00Z",
        "2024-01-01 00:00:00+00:00",
        "2024-01-01T00:00Z",
        "2024-01-01T01:00:00+01:00",
        "2023-12-31 19:00:00-0500",
        "2024-01-01T00:00:00.000000000Z",
        "1704067200",
        "1704067200000",
        "1704067200000000000",
    ],
)
def test_csv_times(kit, clock):
    assert csv_times(kit, clock).tolist() == [kit.minute_ns]


def test_csv_naive_times_and_dates(kit):
    with pytest.raises(SchemaError, match=r"no zone.*bars\.timezone"):
        csv_times(kit, "2024-01-01 00:00:00")
    assert csv_times(kit, "2024-01-01 00:00:00", timezone="UTC").tolist() == [kit.minute_ns]
    local = csv_times(kit, "2023-12-31 19:00", timezone="America/New_York")
    assert local.tolist() == [kit.minute_ns]
    assert csv_times(kit, "2024-01-01", timeframe="1d").tolist() == [1440 * kit.minute_ns]


@pytest.mark.parametrize(
    "clocks",
    [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:01:00"),
        ("2024-01-01T00:00:00Z", "2024-01-01T01:01:00+01:00"),
        ("2024-01-01T00:00:00+01:00", "2024-01-01T01:01:00+02:00"),
    ],
)
def test_d10_csv_mixed_zones_are_refused(kit, clocks):
    with pytest.raises(BarError, match=r"row 1, column timestamp: .*mixed zones"):
        csv_times(kit, *clocks)


def test_d10_csv_mixed_naive_first_is_refused(kit):
    clocks = ("2024-01-01T00:00:00", "2024-01-01T00:01:00Z")
    with pytest.raises(BarError, match=r"row 1, column timestamp: .*mixed zones"):
        csv_times(kit, *clocks, timezone="UTC")


def test_d10_csv_offsets_of_a_declared_zone_may_follow_daylight_saving(kit):
    clocks = ("2024-03-10 01:59:00-05:00", "2024-03-10 03:00:00-04:00")
    times = csv_times(kit, *clocks, timezone="America/New_York")
    assert times[1] - times[0] == kit.minute_ns


@pytest.mark.parametrize("text", ["x", "2024-13-01T00:00:00Z", "2024-01-01T25:00:00Z"])
def test_csv_unreadable_time(kit, text):
    with pytest.raises(BarError, match="row 1, column timestamp"):
        csv_times(kit, "2024-01-01T00:00:00Z", text)


@pytest.mark.parametrize("text", ["x", "1,5", "0x10", "1_0", "1 000"])
def test_d08_csv_a_cell_that_is_no_number(kit, text):
    rows = [bar("2024-01-01T00:00:00Z"), f'2024-01-01T00:01:00Z,1,1,1,"{text}",1']
    with pytest.raises(BarError, match=rf"row 1, column close: '{text}' is no number"):
        kit.read(csv(kit, *rows))


def test_d09_csv_empty_cells_and_nan(kit):
    for text, word in (("", "null"), ("nan", "not a number"), ("inf", "infinite")):
        rows = [bar("2024-01-01T00:00:00Z"), f"2024-01-01T00:01:00Z,1,1,1,{text},1"]
        with pytest.raises(BarError, match=rf"row 1, column close: .*{word}"):
            kit.read(csv(kit, *rows))


@pytest.mark.parametrize("cells", [",1,1,1,1", ",1,1,1,1,1,1"])
def test_d01_csv_a_row_of_another_length(kit, cells):
    row = "2024-01-01T00:01:00Z" + cells
    with pytest.raises(BarError, match=r"row 1: expected 6 cells as in the header, found [57]"):
        kit.read(csv(kit, bar("2024-01-01T00:00:00Z"), row))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("1704067200,1,1,1,1,1\n", "expected a header of column names"),
        ("timestamp;open;high;low;close;volume\n", "found ';'"),
        ("timestamp,open,high,low,close,close,volume\n", "'close' is there 2 times"),
        ("timestamp,open,high,low,close\n", "column volume is missing"),
    ],
)
def test_d07_csv_headers(kit, header, words):
    with pytest.raises(SchemaError, match=words):
        kit.read(csv(kit, header=header))


def test_d01_csv_binary_and_empty(kit):
    path = kit.path("bars.csv")
    for content in (b"", b"\xff\xfe\x00", b"x" * 100_000):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"bars\.csv"):
            kit.read(path)


def test_d16_csv_header_only(kit):
    assert len(kit.read(csv(kit))) == 0


def test_csv_byte_order_mark_and_crlf(kit):
    path = kit.path("bars.csv")
    text = "\ufeff" + HEADER + bar("2024-01-01T00:00:00Z") + "\n"
    path.write_text(text.replace("\n", "\r\n"), "utf-8")
    assert len(kit.read(path)) == 1


def test_csv_faults_beyond_the_first_piece_name_their_row(kit):
    rows = [bar(1_704_067_200 + 60 * i) for i in range(40_000)]
    assert len(kit.read(csv(kit, *rows))) == 40_000
    rows[39_000] = rows[38_999]
    with pytest.raises(BarError, match="row 39000, column timestamp"):
        kit.read(csv(kit, *rows))
    rows[39_000] = bar(1_704_067_200 + 60 * 39_000, "bad")
    with pytest.raises(BarError, match="row 39000, column open: 'bad'"):
        kit.read(csv(kit, *rows))


@given(
    st.integers(0, 400),
    st.one_of(st.binary(max_size=4), st.sampled_from([b'"', b"\n", b",", b"\0"])),
)
@settings(max_examples=150, deadline=None)
def test_d02_csv_damage_is_a_data_error_or_harmless(kit, at, junk):
    rows = [bar(f"2024-01-01T00:{minute:02}:00Z") for minute in range(10)]
    content = (HEADER + "\n".join(rows) + "\n").encode()
    path = kit.path("bars.csv")
    path.write_bytes(content[:at] + junk + content[at + 1 :])
    with contextlib.suppress(DataError):
        kit.read(path)


def hard_decimals(rng, count):
    """Decimals at and beside the midpoint of two neighbouring floats, where rounding is decided."""
    for _ in range(count):
        value = rng.uniform(1, 1000)
        low, high = decimal.Decimal(value), decimal.Decimal(math.nextafter(value, math.inf))
        yield f"{(low + high) / 2:f}{rng.choice(['', '0', '1', '00001'])}"


def test_csv_decimals_are_rounded_like_float(kit):
    with decimal.localcontext(prec=80):
        texts = list(hard_decimals(random.Random(7), 3000))
    rows = [bar(1_704_067_200 + 60 * i, text) for i, text in enumerate(texts)]
    assert kit.read(csv(kit, *rows)).close.tolist() == [float(text) for text in texts]


@given(st.lists(st.decimals("1e-300", "1e300", places=None), min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_csv_any_decimal_is_rounded_like_float(kit, values):
    texts = [str(value) for value in values]
    rows = [bar(1_704_067_200 + 60 * i, text) for i, text in enumerate(texts)]
    assert kit.read(csv(kit, *rows)).close.tolist() == [float(text) for text in texts]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_ipc(kit, stream, compression):
    path = kit.path("bars.arrow")
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.OSFile(str(path), "wb") as sink, new(sink, kit.table().schema, options=options) as out:
        out.write_table(kit.table(100), max_chunksize=13)
    assert kit.digest(kit.read(path)) == kit.digest(kit.read(kit.table(100)))


def test_d02_ipc_damage_is_a_data_error(kit):
    path = kit.path("bars.arrow")
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, kit.table().schema) as out:
        out.write_table(kit.table(20))
    content = path.read_bytes()
    copy = kit.path("bars.arrow")
    for at in range(0, len(content), 5):
        flipped = bytearray(content)
        flipped[at] ^= 0xFF
        copy.write_bytes(flipped)
        try:
            kit.read(copy)
        except DataError:
            continue


def test_unknown_suffix(kit):
    path = kit.write(kit.table(), "bars.dat")
    with pytest.raises(ConfigError, match=r"suffix '\.dat'; declare bars\.format"):
        kit.read(path)
    assert len(kit.read(path, format="parquet")) == 12
    with pytest.raises(DataFileError, match="Arrow IPC"):
        kit.read(path, format="ipc")


def objects(kit):
    table = kit.table(100)
    pl = pytest.importorskip("polars")
    pd = pytest.importorskip("pandas")
    duckdb = pytest.importorskip("duckdb")
    yield table
    yield table.combine_chunks().to_batches()[0]
    yield table.to_reader(max_chunksize=7)
    yield table.to_batches(max_chunksize=7)
    yield iter(table.to_batches(max_chunksize=7))
    yield pl.DataFrame(table)
    yield pl.concat([pl.DataFrame(table.slice(0, 40)), pl.DataFrame(table.slice(40))])
    yield pd.DataFrame(table.to_pandas())
    yield table.to_pandas().set_index("timestamp")
    yield table.to_pandas().set_index("timestamp").rename_axis(None)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection.from_arrow(table)


def test_objects_of_the_arrow_protocol(kit):
    expected = kit.digest(kit.read(kit.table(100)))
    for data in objects(kit):
        assert kit.digest(kit.read(data)) == expected, type(data)


class OnlyArray:
    """An object that speaks the array protocol alone."""

    def __init__(self, batch):
        self._batch = batch

    def __arrow_c_array__(self, requested_schema=None):
        return self._batch.__arrow_c_array__(requested_schema)


def test_an_object_of_the_array_protocol(kit):
    (batch,) = kit.table().combine_chunks().to_batches()
    assert len(kit.read(OnlyArray(batch))) == 12


@pytest.mark.parametrize("data", [5, "text", b"x", {"a": 1}, [1, 2], []])
def test_other_objects_are_refused(kit, data):
    with pytest.raises(DataError, match="expected"):
        open_bars(kit.spec(), data)


def test_batches_of_different_schemas_are_refused(kit):
    batches = kit.table().to_batches() + kit.table().drop_columns(["low"]).to_batches()
    with pytest.raises(SchemaError, match="another schema"):
        kit.read(batches)


def test_an_object_is_read_once(kit):
    source = open_bars(kit.spec(), kit.table())
    assert describe(source).rows_kept == 12
    with pytest.raises(DataError, match="was already read"):
        list(source.blocks())
    with pytest.raises(ConfigError, match="use one of them"):
        open_bars(kit.spec("x.parquet"), kit.table())


HEAD = "Date,Open,High,Low,Close,Vol\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["0:00Z,1,2,1,2,5", "", "1:00Z,1,2,1,2,x"], r":4: row 1, column Vol \(volume\): 'x' is"),
        (["0:00Z,1,2,1,2,5", "", "1:00Z,1,2,1,2"], r":4: row 1: expected 6 cells"),
        (["0:00Z,1,2,1,2,5", "1:00Z,1,2,1,2,-5"], r":3: row 1, column Vol \(volume\): -5.0 is"),
        (["1:00Z,1,2,1,2,5", "", "0:00Z,1,2,1,2,5"], r":4: row 1, column Date \(timestamp\): 20"),
        (["0:00Z,1,2,1,2,5", "1:00Z,1,0,1,2,5"], r":3: row 1, column High \(high\): 0.0 is not"),
        (["1:00Z,1,2,1,2,5", "later,1,2,1,2,5"], r":3: row 1, column Date \(timestamp\): "),
    ],
)  # fmt: skip
def test_csv_faults_name_the_line_of_the_file_and_its_own_column(kit, rows, message):
    path = kit.path("bars.csv")
    lines = [f"2024-01-02T14:3{row}" if row[1:2] == ":" else row for row in rows]
    path.write_text(HEAD + "\n".join(lines) + "\n")
    with pytest.raises(BarError, match=r"bars\.csv" + message):
        kit.read(path)
