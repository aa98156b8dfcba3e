"""The timeframes that bars may have, by the names they are written with."""

from typing import Final

from admf_kernels.errors import KernelError

NS_PER_S: Final = 1_000_000_000
NS_PER_DAY: Final = 86_400 * NS_PER_S
UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
TIMEFRAMES: Final = (
    *("1s", "5s", "10s", "15s", "30s"),
    *("1m", "2m", "3m", "5m", "10m", "15m", "30m"),
    *("1h", "2h", "3h", "4h", "6h", "8h", "12h"),
    *("1d", "1w"),
)


def timeframe_ns(timeframe: str) -> int:
    """Return the length of a timeframe in nanoseconds; KernelError when it is not a known one."""
    if timeframe not in TIMEFRAMES:
        raise KernelError(f"expected one of {' '.join(TIMEFRAMES)}, found {timeframe!r}")
    return int(timeframe[:-1]) * UNITS_S[timeframe[-1]] * NS_PER_S


def first_start_ns(timeframe: str) -> int:
    """Return a time at which a bar of the timeframe starts: midnight UTC, on a Monday for 1w."""
    return 4 * NS_PER_DAY if timeframe == "1w" else 0  # 1970-01-01 was a Thursday
