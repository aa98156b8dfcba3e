"""The arithmetic below the metrics: sums from the first value to the last, own powers.

NaN is a missing observation: `present` leaves it out. No libm and no sum in an order that
NumPy chooses, so the same values give the same bits on every machine.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from admf_kernels.execution.summary import quotient as quotient
from admf_kernels.numeric import exp, log, nan

LN2, SQRT_HALF = 0.6931471805599453, 0.7071067811865476
Column = NDArray[np.float64]


def column(values: ArrayLike) -> Column:
    """Return `values` as a 1-D float64 array; raises ValueError for any other shape."""
    made = np.asarray(values, np.float64)
    if made.ndim != 1:
        raise ValueError(f"expected an array of 1 dimension, found {made.ndim}")
    return made


def pair(a: ArrayLike, b: ArrayLike) -> tuple[Column, Column]:
    """Return two columns of one length; raises ValueError if they are not."""
    first, second = column(a), column(b)
    if len(first) != len(second):
        raise ValueError(
            f"expected two arrays of one length, found {len(first)} and {len(second)} values; "
            "aligned() puts them on common times"
        )
    return first, second


def present(values: Column) -> Column:
    """Return the values that are not NaN."""
    return values[~np.isnan(values)]


def total(values: NDArray[Any]) -> float:
    """Return the sum, added from the first value to the last; 0 for none."""
    if not len(values):
        return 0.0
    with np.errstate(all="ignore"):
        return float(np.add.accumulate(values)[-1])


def mean_of(values: Column) -> float:
    """Return the mean; NaN for no values."""
    return total(values) / len(values) if len(values) else nan


def deviation(values: Column) -> float:
    """Return the sample standard deviation (ddof 1), in two passes; NaN under 2 values.

    Exactly 0 where all values are equal, whatever their mean is rounded to.
    """
    if len(values) < 2:
        return nan
    if values.min() == values.max():
        return 0.0
    rest = values - mean_of(values)
    return math.sqrt(total(rest * rest) / (len(values) - 1))


def ratio(a: float, b: float) -> float:
    """Return ``a / b``, NaN where `b` is 0 or the result is not finite."""
    return nan if b == 0.0 or not math.isfinite(a / b) else a / b


def power(base: float, exponent: float) -> float:
    """Return `base` to the power of `exponent`; 0 for a base of 0 or below."""
    return 0.0 if base <= 0.0 else exp(log(base) * exponent)


def logs(values: Column) -> Column:
    """Return the natural logarithms, within some ulp; NaN for values that are not above 0.

    ``x = m * 2**k`` with m in [sqrt(1/2), sqrt(2)); ``log m = 2 atanh((m - 1) / (m + 1))``
    by its series, as in `admf_kernels.numeric.log`, value by value of a whole array.
    """
    with np.errstate(all="ignore"):
        mantissa, exponent = np.frexp(np.where(values > 0.0, values, nan))
        low = mantissa < SQRT_HALF
        mantissa = np.where(low, 2.0 * mantissa, mantissa)
        z = (mantissa - 1.0) / (mantissa + 1.0)
        square = z * z
        series = np.zeros(len(values))
        for k in range(10, -1, -1):
            series = series * square + 1.0 / (2 * k + 1)
        made: Column = (exponent - low) * LN2 + 2.0 * z * series
        return made


def percentile(values: Column, share: float) -> float:
    """Return the value below which a `share` in [0, 1] lies, between neighbours linearly.

    NumPy's default definition, with its rounding; NaN for no values.
    """
    if not len(values):
        return nan
    ordered = np.sort(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    weight = place - low
    a, b = float(ordered[low]), float(ordered[min(low + 1, len(ordered) - 1)])
    if a == b:
        return a
    return a + (b - a) * weight if weight < 0.5 else b - (b - a) * (1.0 - weight)
