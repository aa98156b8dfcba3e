"""True range."""

from admf_kernels.contract import lag
from admf_kernels.numeric import select
from admf_kernels.registry import indicator


def range_of_bar(high: float, low: float, previous: float) -> float:
    """Return the span of a bar and the close before it; NaN in `previous` leaves it out."""
    top = select(previous > high, previous, high)
    bottom = select(previous < low, previous, low)
    return top - bottom


@indicator(
    inputs={"high": "high", "low": "low", "close": "close", "previous": lag("close", 1)},
    warmup_bars=2,
)
def true_range(high: float, low: float, previous: float) -> float:
    """Span of the bar and of the gap before it, in price units.

    ``max(high, previous close) - min(low, previous close)``, the largest of high - low,
    ``|high - previous close|`` and ``|low - previous close|`` to the bit. Source: TA-Lib
    TRANGE (Wilder). First valid bar: 2.
    """
    return range_of_bar(high, low, previous)
