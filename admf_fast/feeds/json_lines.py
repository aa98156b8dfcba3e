"""JSON lines: one object a line, strict and bounded; its time means what `bars.stamp` says.

``{"ts": "2024-01-02T14:31:00Z", "open": 1, "high": 2, "low": 1, "close": 2, "volume": 9}``

With several instruments, each line has its `symbol`.

`ts` is an ISO time with a zone, or UTC nanoseconds. A line with ``"closed": false`` is a bar
in progress: only closed bars reach a kernel. Two other lines have a `type`:

``{"type": "heartbeat", "ts": "2024-01-02T14:31:05Z"}`` is the feed's own time, and
``{"type": "state", "symbol": "SAP", "state": "halted"}`` that of an instrument: trading, halted,
auction, renamed or delisted.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from admf_fast.data.spec import TS_NS_MAX, BarSpec, check_stamp, parse_timeframe
from admf_fast.errors import BarError, ConfigError
from admf_fast.feeds.replay import Bar
from admf_fast.feeds.rulings import Delivered, Heartbeat, MarketState

LINE_BYTES_MAX = 4096
SYMBOLS_SHOWN = 20
WITHOUT_SYMBOL = "STDIN"
FINER_THAN_US = re.compile(r"\.\d{7}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BarLine(msgspec.Struct, forbid_unknown_fields=True):
    """A bar."""

    ts: int | str
    open: float
    high: float
    low: float
    close: float
    volume: float
    symbol: str = ""
    closed: bool = True


class HeartbeatLine(msgspec.Struct, forbid_unknown_fields=True, tag="heartbeat"):
    """The feed's own time."""

    ts: int | str


class StateLine(msgspec.Struct, forbid_unknown_fields=True, tag="state"):
    """The state of an instrument."""

    state: Literal["trading", "halted", "auction", "renamed", "delisted"]
    symbol: str = ""


_bars = msgspec.json.Decoder(BarLine)
_others = msgspec.json.Decoder(HeartbeatLine | StateLine)


class LineParser:
    """Reads the lines of one or several instruments; several need symbols, all different."""

    def __init__(self, instruments: Sequence[BarSpec]) -> None:
        names = [spec.symbol for spec in instruments]
        if len(names) > 1 and (len(dict.fromkeys(names)) < len(names) or "" in names):
            found = ", ".join(name or "nothing" for name in names)
            raise ConfigError(f"bars.symbol: expected one symbol per instrument, found {found}")
        self.symbols = tuple(name or WITHOUT_SYMBOL for name in names)
        self._any_symbol = names == [""]
        shifts = [_shift_ns(spec) for spec in instruments]
        self._shift_ns = dict(zip(self.symbols, shifts, strict=True))

    def parse(self, line: bytes) -> Delivered | Heartbeat | MarketState | None:
        """Return what a line says, None for a blank one; BarError for anything else."""
        if not line.strip():
            return None
        if len(line) > LINE_BYTES_MAX:
            raise BarError(f"expected at most {LINE_BYTES_MAX} bytes, found more")
        try:
            bar = _bars.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return self._other(line, error)
        symbol = self._symbol(bar.symbol)
        ts_ns = _time_ns(bar.ts, self._shift_ns[symbol])
        # As in files, a volume of -0.0 is 0.0.
        values = (bar.open, bar.high, bar.low, bar.close, bar.volume + 0.0)
        return Delivered(symbol, (ts_ns, *values), bar.closed)

    def _other(self, line: bytes, error: Exception) -> Heartbeat | MarketState:
        try:
            found = _others.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise BarError(
                f"expected one JSON object with ts, open, high, low, close and volume: {error}"
            ) from None
        if isinstance(found, HeartbeatLine):
            return Heartbeat(_time_ns(found.ts, 0))
        return MarketState(self._symbol(found.symbol), found.state)

    def _symbol(self, found: str) -> str:
        if found in self._shift_ns:
            return found
        if len(self.symbols) == 1:
            if self._any_symbol or not found:
                return self.symbols[0]
            raise BarError(f"expected symbol {self.symbols[0]}, found {found[:64]!r}")
        known = ", ".join(self.symbols[:SYMBOLS_SHOWN])
        shown = repr(found[:64]) if found else "none"
        raise BarError(f"expected a symbol of this run, found {shown} ({known})")


def _shift_ns(spec: BarSpec) -> int:
    """Return how much later than the time of a line its bar closes."""
    check_stamp(spec.stamp)
    return parse_timeframe(spec.timeframe) if spec.stamp == "open" else 0


def _time_ns(ts: int | str, shift_ns: int) -> int:
    """Return when a bar closed, as UTC nanoseconds that fit into int64."""
    ts_ns = ts if isinstance(ts, int) else _parsed_ns(ts)
    if not 0 <= ts_ns <= TS_NS_MAX - shift_ns:
        raise BarError(f"expected ts within 1970..2262, found {str(ts)[:64]!r}")
    return ts_ns + shift_ns


def _parsed_ns(ts: str) -> int:
    """Return an ISO time as UTC nanoseconds; it holds microseconds at most."""
    try:
        # fromisoformat would cut further decimals off without a word.
        moment = None if FINER_THAN_US.search(ts) else datetime.fromisoformat(ts)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BarError(
            "expected ts as an ISO time with a zone and at most six decimals, or as UTC "
            f"nanoseconds, found {ts[:64]!r}"
        )
    delta = moment - EPOCH
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1000


def bar_line(symbol: str, bar: Bar, *, closed: bool = True) -> bytes:
    """Return a bar as a line, its time that of the close in UTC nanoseconds."""
    ts_ns, open_, high, low, close, volume = bar
    line = BarLine(ts_ns, open_, high, low, close, volume, symbol, closed)
    return msgspec.json.encode(line) + b"\n"
