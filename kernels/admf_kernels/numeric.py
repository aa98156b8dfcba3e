"""The arithmetic a kernel may use beyond ``+ - * /``, comparisons and ``math.sqrt``.

Every function here is plain Python and is compiled to one instruction or a fixed
sequence of IEEE-754 operations (see `admf_kernels.compiler.intrinsics`), so the value is
the same interpreted, compiled, vectorised, and on every CPU.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

nan = math.nan
inf = math.inf

Number = TypeVar("Number", int, float)


def _fma_exact(a: float, b: float, c: float) -> float:
    """Return ``a * b + c`` rounded once, through exact rationals."""
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        return a * b + c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:  # a rational has no sign of zero
        return a * b + c
    try:
        return float(exact)
    except OverflowError:
        return inf if exact > 0 else -inf


# math.fma exists from Python 3.13 on.
_fma: Callable[[float, float, float], float] = getattr(math, "fma", _fma_exact)


def fma(a: float, b: float, c: float) -> float:
    """Return ``a * b + c`` with one rounding (IEEE-754 fusedMultiplyAdd)."""
    try:
        return _fma(a, b, c)
    except (OverflowError, ValueError):  # math.fma raises where IEEE gives infinity or NaN
        return _fma_exact(a, b, c)


def select(condition: bool, a: Number, b: Number) -> Number:
    """Return `a` where `condition` holds, else `b`, without a branch.

    Both sides are always evaluated. The compiled form never mispredicts and lets loops
    over bars vectorise; use it where the data decides.
    """
    return a if condition else b


def floor(x: float) -> float:
    """Return the highest whole number not above a finite `x`; never -0.0.

    Without the way through an integer that ``math.floor`` takes.
    """
    return math.floor(x) * 1.0


def ceil(x: float) -> float:
    """Return the lowest whole number not below a finite `x`; never -0.0."""
    return math.ceil(x) * 1.0


def is_finite(x: float) -> bool:
    """Return whether `x` is neither NaN nor infinite."""
    return x - x == 0.0


class Window(NamedTuple):
    """A column, the current row and how far back it may be read: a ``window(...)`` input."""

    column: NDArray[np.float64]
    row: int
    bars: int


def at(window: Window, lag: int) -> float:
    """Return the value `lag` bars before the current one; ``at(window, 0)`` is the newest.

    NaN for a lag below 0 or not inside the declared bars: nothing else is there to be read.
    """
    return float(window.column[window.row - lag]) if 0 <= lag < window.bars else nan


def bits_of(x: float) -> int:
    """Return the 64 bits of `x` as a signed integer."""
    return int(np.float64(x).view(np.int64))


def from_bits(word: int) -> float:
    """Return the double whose 64 bits are `word`."""
    return float(np.int64(word).view(np.float64))


_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_SQRT_HALF = 0.7071067811865476


def log(x: float) -> float:
    """Return the natural logarithm of a finite `x` > 0 (NaN otherwise), within 2 ulp.

    ``x = m * 2**k`` with m in [sqrt(1/2), sqrt(2)); ``log m = 2 atanh((m - 1) / (m + 1))``
    by its series. Own code because libm's result depends on the CPU.
    """
    if not (x > 0.0 and is_finite(x)):
        return nan
    scale = 0
    if x < 2.2250738585072014e-308:
        x = x * 18014398509481984.0  # 2**54: a subnormal has no exponent bits to read
        scale = -54
    word = bits_of(x)
    scale += ((word >> 52) & 2047) - 1022
    mantissa = from_bits((word & 4503599627370495) | 4602678819172646912)  # [0.5, 1)
    if mantissa < _SQRT_HALF:
        mantissa = mantissa * 2.0
        scale -= 1
    z = (mantissa - 1.0) / (mantissa + 1.0)
    square = z * z
    series = 0.0
    for k in range(10, 0, -1):
        series = fma(series, square, 1.0 / (2.0 * k + 1.0))
    exponent = float(scale)
    tail = fma(exponent, _LN2_LOW, 2.0 * z * (square * series))
    return fma(exponent, _LN2_HIGH, 2.0 * z + tail)


def exp(x: float) -> float:
    """Return e to the power of `x`, within 2 ulp; 0 below -708, infinity above 709.

    ``x = k ln 2 + r``; ``e**r`` by its Taylor polynomial of degree 13. Own code because
    libm's result depends on the CPU.
    """
    if not is_finite(x):
        return inf if x > 0.0 else (0.0 if x < 0.0 else nan)
    if x > 709.0:
        return inf
    if x < -708.0:
        return 0.0
    turns = math.floor(fma(x, 1.4426950408889634, 0.5))
    rest = fma(-turns, _LN2_LOW, fma(-turns, _LN2_HIGH, x))
    series = 1.0
    for k in range(13, 0, -1):
        series = fma(series, rest / k, 1.0)
    return series * from_bits((int(turns) + 1023) << 52)
