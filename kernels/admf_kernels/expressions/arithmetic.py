"""What generated steps call: arithmetic that has an answer for every pair of numbers.

NaN stands for "no value": a division by zero has none, nothing computed from no value has
one, and no comparison with it holds.
"""

from admf_kernels.numeric import is_finite, nan, select


def divide(a: float, b: float) -> float:
    """Return ``a / b``; no value where `b` is 0."""
    usable = b != 0.0
    return select(usable, a / select(usable, b, 1.0), nan)


def smaller(a: float, b: float) -> float:
    """Return the smaller of two; no value where one has none."""
    return select((b < a) | (b != b), b, a)


def larger(a: float, b: float) -> float:
    """Return the larger of two; no value where one has none."""
    return select((b > a) | (b != b), b, a)


def or_zero(value: float) -> float:
    """Return `value`, or 0 where it is none or infinite."""
    return select(is_finite(value), value, 0.0)


def inside(signal: float) -> bool:
    """Whether a signal can be used: in [-1, 1]."""
    return (signal >= -1.0) & (signal <= 1.0)


def held_only(signal: float, held: float) -> float:
    """Return how much of `held` a signal still wants: it may leave, never enter or add."""
    long = select(signal < held, signal, held)
    short = select(signal > held, signal, held)
    kept = select((signal > 0.0) & (held > 0.0), long, 0.0)
    return select((signal < 0.0) & (held < 0.0), short, kept)


def side_of(value: float) -> float:
    """Return 1, -1 or 0: the sign of a number."""
    return select(value > 0.0, 1.0, select(value < 0.0, -1.0, 0.0))
