"""Bars as JSON lines: strict, bounded, and the same numbers as from a file."""

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from admf_fast.data import BarSpec
from admf_fast.errors import BarError, ConfigError
from admf_fast.feeds import Delivered, LineParser, LineSource
from tests.kernels.strategies import quick

SPEC = BarSpec(timeframe="1m", stamp="close")
OPENED = BarSpec(timeframe="1m", stamp="open")
LINE = b'{"ts": 60000000000, "open": 1, "high": 2, "low": 1, "close": 2, "volume": 9}'
BAR = (60_000_000_000, 1.0, 2.0, 1.0, 2.0, 9.0)


def read(*lines: bytes, spec: BarSpec = SPEC, symbol: str = "") -> list:
    """The closed bars of lines, as the strict source reads them, without judging their values."""
    parser = LineParser([structs.replace(spec, symbol=symbol)])
    found = []
    for number, line in enumerate(lines, 1):
        try:
            item = parser.parse(line)
        except BarError as error:
            raise BarError(f"line {number}: {error}") from None
        if isinstance(item, Delivered) and item.closed:
            found.append(item.bar)
    return found


def with_(name: str, text: bytes) -> bytes:
    """The line with another value."""
    fields = {k: json.dumps(v).encode() for k, v in json.loads(LINE).items()} | {name: text}
    return b"{" + b", ".join(b'"%s": %s' % (k.encode(), v) for k, v in fields.items()) + b"}"


def test_a_line_is_a_bar():
    assert read(LINE) == [BAR]
    assert read(LINE, b"", b"  \n", LINE) == [BAR, BAR]
    assert read(with_("closed", b"true"), with_("symbol", b'"X"'), symbol="X") == [BAR, BAR]


MALFORMED = {
    "no object": b"[]",
    "no JSON": b"bar",
    "not UTF-8": b"\xff\xfe",
    "a byte order mark": b"\xef\xbb\xbf" + LINE,
    "cut off": LINE[:-1],
    "two in a line": LINE + LINE,
    "nothing in it": b"{}",
    "one field too many": with_("vwap", b"1"),
    "deeply nested": b"[" * 4000,
    "a price as text": with_("open", b'"1"'),
    "a price that is null": with_("open", b"null"),
    "a price that is a truth": with_("open", b"true"),
    "NaN": with_("open", b"NaN"),
    "Infinity": with_("high", b"Infinity"),
    "minus infinity": with_("low", b"-Infinity"),
    "beyond float64": with_("high", b"1e999"),
    "digits without end": with_("high", b"1" * 3000),
    "unicode digits": with_("open", b"\xef\xbc\x91"),
    "closed as text": with_("closed", b'"yes"'),
}  # fmt: skip


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_lines_are_refused_by_number(kind):
    with pytest.raises(BarError, match="line 2: expected one JSON object"):
        read(LINE, MALFORMED[kind])


def test_long_lines_are_refused():
    with pytest.raises(BarError, match="line 1: expected at most 4096 bytes"):
        read(LINE + b" " * 5000)


def test_another_symbol_is_refused():
    with pytest.raises(BarError, match="line 1: expected symbol X, found 'Y'"):
        read(with_("symbol", b'"Y"'), symbol="X")


BAD_TIMES = {
    "naive": b'"2024-01-02T14:31:00"',
    "a date": b'"2024-01-02"',
    "empty": b'""',
    "finer than a microsecond": b'"2024-01-02T14:31:00.123456789Z"',
    "hour 25": b'"2024-01-02T25:00:00Z"',
    "before 1970": b'"1969-12-31T23:59:59Z"',
    "after 2262": b'"9999-01-01T00:00:00Z"',
    "negative": b"-1",
    "beyond int64": b"9223372036854775808",
    "a float": b"1.5e9",
    "null": b"null",
}


@pytest.mark.parametrize("kind", BAD_TIMES)
def test_times_that_cannot_be_used_are_refused_by_line(kind):
    with pytest.raises(BarError, match="line 1: expected "):
        read(with_("ts", BAD_TIMES[kind]))


def test_a_time_whose_close_does_not_fit_is_refused():
    last = str(2**63 - 1).encode()

    assert read(with_("ts", last))[0][0] == 2**63 - 1
    with pytest.raises(BarError, match=r"within 1970\.\.2262"):
        list(LineSource([with_("ts", last)], OPENED).blocks())


@quick(100)
@given(st.datetimes(datetime(1970, 1, 2), datetime(2262, 1, 1), timezones=st.timezones()))
def test_iso_times_mean_the_instant_whatever_the_zone(moment):
    whole_us = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)
    line = with_("ts", json.dumps(moment.isoformat()).encode())

    assert read(line)[0][0] == whole_us * 1000
    assert read(line, spec=OPENED)[0][0] == whole_us * 1000 + 60_000_000_000


def test_the_stamp_must_be_declared():
    with pytest.raises(ConfigError, match=r"bars\.stamp"):
        read(LINE, spec=BarSpec(timeframe="1m"))


@quick(100)
@given(st.lists(st.tuples(st.floats(1e-6, 1e9), st.booleans()), max_size=20))
def test_bars_in_progress_change_nothing(drawn):
    """Whatever they hold: only closed bars come out."""
    lines = [
        with_("close", repr(price).encode())[:-1] + (b"}" if closed else b', "closed": false}')
        for price, closed in drawn
    ]
    assert [bar[4] for bar in read(*lines)] == [price for price, closed in drawn if closed]


@quick(500)
@given(st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(0, 10**9, places=20).map(str),
    st.from_regex(r"[1-9][0-9]{0,40}\.[0-9]{1,60}(e-?[0-9]{1,2})?", fullmatch=True),
))  # fmt: skip
def test_price_text_is_the_float_nearest_to_it(text):
    """Bit for bit what Python reads, and so what a file of the same text holds."""
    found = read(with_("open", text.lower().encode()))[0][1]

    assert math.copysign(1.0, found) == math.copysign(1.0, float(text))
    assert found == float(text)


def test_a_volume_of_minus_zero_is_zero_as_in_files():
    assert math.copysign(1.0, read(with_("volume", b"-0.0"))[0][5]) == 1.0


@quick(300)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_a_bar_or_a_typed_error(line):
    try:
        bars = read(line, LINE)
    except BarError as error:
        assert str(error).startswith("line 1: ")  # noqa: PT017  one or the other
    else:
        assert bars[-1] == BAR


@quick(300)
@given(st.integers(0, len(LINE) - 1), st.integers(0, 255))
def test_any_damaged_line_is_a_bar_or_a_typed_error(at, byte):
    damaged = LINE[:at] + bytes([byte]) + LINE[at + 1 :]
    try:
        assert len(read(damaged, LINE)) in (1, 2)
    except BarError as error:
        assert "line 1: " in str(error)  # noqa: PT017


def test_what_arrived_is_reported():
    source = LineSource([LINE, with_("ts", b"120000000000")], SPEC)
    blocks = list(source.blocks())
    report = source.report()

    assert [len(block) for block in blocks] == [1, 1]
    assert (report.rows_read, report.first_ts_ns, report.last_ts_ns) == (2, BAR[0], 2 * BAR[0])
    assert report.complete
