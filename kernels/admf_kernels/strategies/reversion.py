"""The rule that reverting strategies share: in at an extreme, out at the middle."""

from admf_kernels.numeric import select


def reverting(held: float, value: float, low: float, middle: float, high: float) -> float:
    """Return the signal: long below `low`, short above `high`, else on until `middle`."""
    long = (held > 0.0) & (value < middle)
    short = (held < 0.0) & (value > middle)
    kept = select(long, 1.0, select(short, -1.0, 0.0))
    return select(value < low, 1.0, select(value > high, -1.0, kept))
