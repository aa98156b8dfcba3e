"""Single values as text: fractions as per cent, times as ISO dates, nothing as a dash."""

import math
from datetime import UTC, datetime

NONE = "-"
NS_PER_S = 1_000_000_000
S_PER_DAY = 86_400


def number(value: float, decimals: int = 2) -> str:
    """Return a number with thousands separated; ``-`` for NaN."""
    if math.isnan(value):
        return NONE
    text = f"{value:,.{decimals}f}"
    # A loss too small to show is no "-0.00".
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text


def percent(fraction: float) -> str:
    """Return a fraction as per cent, without the sign."""
    return number(fraction * 100.0)


def count(value: int) -> str:
    """Return a whole number with thousands separated."""
    return f"{value:,}"


def time(ts_ns: int) -> str:
    """Return an instant as ISO text in UTC, to the minute, or as exact as it is."""
    seconds, rest_ns = divmod(ts_ns, NS_PER_S)
    moment = datetime.fromtimestamp(seconds, UTC)
    if rest_ns:
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest_ns:09d}".rstrip("0") + "Z"
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment.second else f"{moment:%Y-%m-%dT%H:%MZ}"


def duration(span_ns: int) -> str:
    """Return a span as days, hours, minutes and seconds, without those that are zero."""
    days, rest_s = divmod(span_ns // NS_PER_S, S_PER_DAY)
    hours, rest_s = divmod(rest_s, 3600)
    minutes, seconds = divmod(rest_s, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return " ".join(f"{value:,}{unit}" for value, unit in parts if value) or "0s"
