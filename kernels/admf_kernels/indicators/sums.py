"""Running sums of what is never negative, and when to take them afresh.

A running sum keeps the rounding of the largest value that went through it. It is taken
afresh from the window on every ``RENEW_WINDOWS``-th window, and on the bar where it falls
under ``LOST`` of its own largest since then. So at most 16 of 53 bits are ever lost, and
the sum of a window of zeros is exactly 0.
"""

from admf_kernels.indicators.moments import LOST, RENEW_WINDOWS
from admf_kernels.numeric import select

__all__ = ["LOST", "RENEW_WINDOWS", "is_lost", "larger"]


def larger(a: float, b: float) -> float:
    """Return the larger of two values."""
    return select(b > a, b, a)


def is_lost(total: float, largest: float) -> bool:
    """Return whether a running sum has lost too many digits since it was `largest`."""
    return total < largest * LOST
