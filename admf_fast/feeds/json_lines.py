"""Bars from JSON lines: one object a line, strict, its time meaning what `bars.stamp` says.

``{"ts": "2024-01-02T14:31:00Z", "open": 1, "high": 2, "low": 1, "close": 2, "volume": 9}``

With several instruments, each line has its `symbol`.

`ts` is an ISO time with a zone, or UTC nanoseconds. A line with ``"closed": false`` is a bar
in progress: it is passed over, only closed bars reach a kernel.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec

from admf_fast.data.spec import TS_NS_MAX, BarSpec, check_stamp, parse_timeframe
from admf_fast.errors import BarError
from admf_fast.feeds.replay import Bar

LINE_BYTES_MAX = 4096
SYMBOLS_SHOWN = 20
FINER_THAN_US = re.compile(r"\.\d{7}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BarLine(msgspec.Struct, forbid_unknown_fields=True):
    """One line of the feed."""

    ts: int | str
    open: float
    high: float
    low: float
    close: float
    volume: float
    symbol: str = ""
    closed: bool = True


def read_json_lines(lines: Iterable[bytes], spec: BarSpec, symbol: str = "") -> Iterator[Bar]:
    """Yield the closed bars of a stream of JSON lines, blank lines passed over.

    Raises BarError naming the line for anything that is not such an object, for another
    symbol than `symbol`, and for a time without zone.
    """
    shift_ns = _shift_ns(spec)
    for number, bar in _bar_lines(lines):
        if bar.symbol and symbol and bar.symbol != symbol:
            raise BarError(f"line {number}: expected symbol {symbol}, found {bar.symbol[:64]!r}")
        if bar.closed:
            yield _closed(bar, shift_ns, number)


def read_symbol_lines(
    lines: Iterable[bytes], specs: Mapping[str, BarSpec]
) -> Iterator[tuple[int, str, Bar]]:
    """Yield the closed bars of several symbols, each after the number and the symbol of its line.

    Raises BarError as `read_json_lines` does, and for a line without one of the symbols.
    """
    shifts_ns = {symbol: _shift_ns(spec) for symbol, spec in specs.items()}
    for number, bar in _bar_lines(lines):
        if bar.symbol not in shifts_ns:
            known = ", ".join(list(shifts_ns)[:SYMBOLS_SHOWN])
            found = repr(bar.symbol[:64]) if bar.symbol else "none"
            raise BarError(f"line {number}: expected a symbol of this run, found {found} ({known})")
        if bar.closed:
            yield number, bar.symbol, _closed(bar, shifts_ns[bar.symbol], number)


def _shift_ns(spec: BarSpec) -> int:
    """Return how much later than the time of a line its bar closes."""
    check_stamp(spec.stamp)
    return parse_timeframe(spec.timeframe) if spec.stamp == "open" else 0


def _bar_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, BarLine]]:
    decoder = msgspec.json.Decoder(BarLine)
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, _decoded(decoder, line, number)


def _closed(bar: BarLine, shift_ns: int, number: int) -> Bar:
    ts_ns = _close_ns(bar.ts, shift_ns, number)
    # As in files, a volume of -0.0 is 0.0.
    return ts_ns, bar.open, bar.high, bar.low, bar.close, bar.volume + 0.0


def _decoded(decoder: "msgspec.json.Decoder[BarLine]", line: bytes, number: int) -> BarLine:
    if len(line) > LINE_BYTES_MAX:
        raise BarError(f"line {number}: expected at most {LINE_BYTES_MAX} bytes, found more")
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BarError(
            f"line {number}: expected one JSON object with ts, open, high, low, close and "
            f"volume: {error}"
        ) from None


def _close_ns(ts: int | str, shift_ns: int, number: int) -> int:
    """Return when a bar closed, as UTC nanoseconds that fit into int64."""
    ts_ns = ts if isinstance(ts, int) else _parsed_ns(ts, number)
    if not 0 <= ts_ns <= TS_NS_MAX - shift_ns:
        raise BarError(f"line {number}: expected ts within 1970..2262, found {str(ts)[:64]!r}")
    return ts_ns + shift_ns


def _parsed_ns(ts: str, number: int) -> int:
    """Return an ISO time as UTC nanoseconds; it holds microseconds at most."""
    try:
        # fromisoformat would cut further decimals off without a word.
        moment = None if FINER_THAN_US.search(ts) else datetime.fromisoformat(ts)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BarError(
            f"line {number}: expected ts as an ISO time with a zone and at most six decimals, "
            f"or as UTC nanoseconds, found {ts[:64]!r}"
        )
    delta = moment - EPOCH
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1000
