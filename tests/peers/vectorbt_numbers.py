"""What `vectorbt` takes for equal: one part in 10^9, or 10^-12."""

from math import isfinite


def near(a: float, b: float) -> bool:
    """Whether two finite numbers are taken for equal."""
    return isfinite(a) and isfinite(b) and abs(a - b) <= max(1e-9 * max(abs(a), abs(b)), 1e-12)


def add(a: float, b: float) -> float:
    """Add; a sum that is nearly nothing is exactly nothing."""
    same_sign = (a > 0) - (a < 0) == (b > 0) - (b < 0)
    nothing = near(a + b, 0.0) if same_sign else near(abs(a), abs(b))
    return 0.0 if nothing else a + b


def less(a: float, b: float) -> bool:
    """Whether a is below b by more than what is taken for equal."""
    return a < b and not near(a, b)
