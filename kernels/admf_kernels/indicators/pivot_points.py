"""Pivot points."""

from admf_kernels.contract import lag
from admf_kernels.registry import indicator


@indicator(
    inputs={
        "high": "high",
        "low": "low",
        "close": "close",
        "last_high": lag("high", 1),
        "last_low": lag("low", 1),
        "last_close": lag("close", 1),
    },
    outputs=("pivot", "r1", "s1", "r2", "s2", "r3", "s3"),
    warmup_bars=2,
)
def pivot_points(
    last_high: float, last_low: float, last_close: float
) -> tuple[float, float, float, float, float, float, float]:
    """Pivot, resistances and supports from the bar before, in price units.

    ``pivot = (h + l + c) / 3``; ``r1 = 2 * pivot - l``, ``s1 = 2 * pivot - h``; ``r2, s2 =
    pivot +/- (h - l)``; ``r3 = h + 2 * (pivot - l)``, ``s3 = l - 2 * (h - pivot)``. Meant
    for daily bars, or for daily columns as inputs. Source: the classic floor trader's
    points. First valid bar: 2.
    """
    pivot = (last_high + last_low + last_close) / 3.0
    span = last_high - last_low
    return (
        pivot,
        2.0 * pivot - last_low,
        2.0 * pivot - last_high,
        pivot + span,
        pivot - span,
        last_high + 2.0 * (pivot - last_low),
        last_low - 2.0 * (last_high - pivot),
    )
