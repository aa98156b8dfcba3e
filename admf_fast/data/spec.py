"""What a user declares about bars: where they are, what times mean, which faults to accept."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from admf_fast.errors import ConfigError
from admf_kernels.errors import KernelError
from admf_kernels.timeframe import TIMEFRAMES, timeframe_ns

NS_PER_S: Final = 1_000_000_000
NS_PER_H: Final = 3600 * NS_PER_S
NS_PER_DAY: Final = 24 * NS_PER_H
TS_NS_MAX: Final = 2**63 - 1  # 2262-04-11, the last instant of int64 nanoseconds

CALENDARS: Final = ("XNYS", "XLON", "XEUR", "CME", "24/7")
SYMBOL_PATTERN: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

Stamp = Literal["open", "close", ""]
Unit = Literal["auto", "s", "ms", "us", "ns"]
CalendarName = Literal["XNYS", "XLON", "XEUR", "CME", "24/7", ""]
Format = Literal["auto", "parquet", "ipc", "csv"]


class BarSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the user declares about one input of bars.

    `timeframe` and `stamp` are never guessed: they are given here or carried by the file's own
    metadata (`admf.timeframe`, `admf.stamp`), and a contradiction between the two is refused.
    Every policy defaults to the strictest choice that still accepts ordinary markets.

    Attributes
    ----------
    path
        A file, a folder, a glob, or a list of files; empty when an object is passed to `open_bars`.
    format
        Of the files; `auto` goes by the suffix (.parquet .pq .arrow .feather .ipc .csv).
    symbol
        `[A-Za-z0-9._-]{1,64}`; when empty, the metadata's symbol or the file's stem without the
        timeframe (`AAPL_1d.parquet` is `AAPL`).
    timeframe
        One of `TIMEFRAMES`, such as `1m` or `1d`.
    stamp
        Which end of the bar its time names.
    timezone
        IANA name of the zone of naive times; without it naive times are refused.
    columns
        Standard name (timestamp open high low close volume) to the column in the file.
        `{"volume": "none"}` says that there is no volume: it reads as 0.
    unit
        Of integer times. `auto` accepts only values that mean 1990..2100 in exactly one unit.
    gaps
        `keep`: counted and reported. `refuse`: the first bar later than one timeframe after its
        predecessor is an error. No calendar is asked: nights and weekends are gaps.
    duplicates
        Rows with the time of the row before. `drop` removes exact copies. Copies with other values
        are always refused: nothing says which one is true. There is no `keep`, because a
        kernel sees each instant once.
    missing
        Null or NaN in a used column: `refuse`, or `drop` the row.
    invalid
        Infinite, non-positive or subnormal price, high below low, open or close outside
        [low, high], negative or infinite volume: `refuse`, or `drop` the row.
    off_grid
        Times between the timeframe's grid points: `refuse`, `drop` the row, or `keep` it as it is.
        Below 1h the grid starts at midnight UTC. From 1h on the first bar sets the offset
        (sessions start at half hours and follow daylight saving), and from 4h on bars one hour
        to one side of it belong to the grid too.
    calendar
        Of the market the bars come from: its sessions and its local time, for what reads the
        clock. It neither adds nor drops a bar.
    start, end
        ISO dates or times (UTC when naive); bars with close stamps in [start, end) are used.
        The rows outside are still validated.
    """

    path: str | list[str] = ""
    format: Format = "auto"
    symbol: str = ""
    timeframe: str = ""
    stamp: Stamp = ""
    timezone: str = ""
    columns: dict[str, str] = {}
    unit: Unit = "auto"
    gaps: Literal["keep", "refuse"] = "keep"
    duplicates: Literal["refuse", "drop"] = "refuse"
    missing: Literal["refuse", "drop"] = "refuse"
    invalid: Literal["refuse", "drop"] = "refuse"
    off_grid: Literal["refuse", "drop", "keep"] = "refuse"
    calendar: CalendarName = ""
    start: str = ""
    end: str = ""


def parse_timeframe(timeframe: str) -> int:
    """Return the length of `timeframe` in nanoseconds; ConfigError when it is not a known one."""
    try:
        return timeframe_ns(timeframe)
    except KernelError:
        found = repr(timeframe) if timeframe else "nothing"
        raise ConfigError(
            f"bars.timeframe: expected one of {' '.join(TIMEFRAMES)}, found {found}; "
            "declare the length of the bars, it is never guessed"
        ) from None


def check_longer(timeframe: str, base: str) -> None:
    """Raise ConfigError unless bars of `timeframe` can be made of bars of `base` (or "")."""
    if timeframe not in TIMEFRAMES:
        raise ConfigError(f"expected one of {' '.join(TIMEFRAMES)}, found {timeframe[:80]!r}")
    if base not in TIMEFRAMES:
        return
    count, rest = divmod(timeframe_ns(timeframe), timeframe_ns(base))
    if rest or count < 2:
        raise ConfigError(
            f"expected a timeframe of several whole bars of bars.timeframe {base}, "
            f"found {timeframe}"
        )


def check_stamp(stamp: str) -> None:
    """Raise ConfigError unless `stamp` says which end of the bar its time names."""
    if stamp not in ("open", "close"):
        raise ConfigError(
            "bars.stamp: expected open or close, found "
            f"{repr(stamp) if stamp else 'nothing'}; declare which end of the bar its time names, "
            "it is never guessed (a wrong guess looks one bar ahead)"
        )


def check_symbol(symbol: str) -> None:
    """Raise ConfigError unless `symbol` is safe in a file name and in a log."""
    if not SYMBOL_PATTERN.fullmatch(symbol) or not symbol.strip("."):
        raise ConfigError(
            f"bars.symbol: expected 1 to 64 of A-Z a-z 0-9 . _ -, found {symbol[:80]!r}; "
            "declare a plain symbol"
        )


def parse_range(spec: BarSpec) -> tuple[int, int]:
    """Return the half-open range [start_ns, end_ns) of close stamps that `spec` selects."""
    start_ns = parse_instant("bars.start", spec.start) if spec.start else 0
    end_ns = parse_instant("bars.end", spec.end) if spec.end else TS_NS_MAX
    if start_ns >= end_ns:
        raise ConfigError(
            f"bars.end: expected a time after bars.start {spec.start}, found {spec.end}"
        )
    return start_ns, end_ns


def parse_instant(key: str, text: str) -> int:
    """Return the nanoseconds of an ISO date or time, UTC when naive; ConfigError names the key."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{key}: expected an ISO date or time such as 2024-01-31 or "
            f"2024-01-31T14:30:00Z, found {text[:80]!r}"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # In whole microseconds: the float of datetime.timestamp() loses the last digits.
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    ts_ns = ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1000
    if not 0 <= ts_ns <= TS_NS_MAX:
        raise ConfigError(f"{key}: expected a time within 1970..2262, found {text[:80]!r}")
    return ts_ns


def format_ts(ts_ns: int) -> str:
    """Return `ts_ns` as ISO text in UTC, with as many decimals as it needs."""
    seconds, rest_ns = divmod(int(ts_ns), NS_PER_S)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest_ns:09d}".rstrip("0") + "Z" if rest_ns else f"{text}Z"
