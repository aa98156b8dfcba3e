"""The arithmetic of kernels: exact where it claims to be, equal compiled and interpreted."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from admf_kernels import compute, exp, fma, indicator, is_finite, log, select
from admf_kernels.numeric import _fma_exact, bits_of, ceil, floor, from_bits
from tests.kernels.strategies import quick

finite = st.floats(allow_nan=False, allow_infinity=False)
moderate = st.floats(-1e150, 1e150, allow_subnormal=False)


@indicator(inputs={"a": "open", "b": "high", "c": "low"}, warmup_bars=1)
def compiled_fma(a: float, b: float, c: float) -> float:
    """Call fma."""
    return fma(a, b, c)


@indicator(inputs={"x": "close"}, warmup_bars=1)
def compiled_exp(x: float) -> float:
    """Call exp."""
    return exp(x)


@indicator(inputs={"x": "close"}, warmup_bars=1)
def compiled_log(x: float) -> float:
    """Call log."""
    return log(x)


@indicator(inputs={"a": "open", "b": "high"}, warmup_bars=1)
def compiled_select(a: float, b: float) -> float:
    """Call select, is_finite and the bit casts."""
    larger = select(a > b, a, b)
    return from_bits(bits_of(select(is_finite(larger), larger, -1.0)))


@indicator(inputs={"x": "close"}, warmup_bars=1)
def compiled_floor(x: float) -> float:
    """Call floor."""
    return floor(x)


@indicator(inputs={"x": "close"}, warmup_bars=1)
def compiled_ceil(x: float) -> float:
    """Call ceil."""
    return ceil(x)


def same_bits(a, b):
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return bool(np.all((a.view(np.int64) == b.view(np.int64)) | (np.isnan(a) & np.isnan(b))))


def test_fma_is_rounded_once_where_two_roundings_show():
    tiny = 2.0**-30

    assert fma(1.0 + tiny, 1.0 - tiny, -1.0) == -(tiny * tiny)
    assert (1.0 + tiny) * (1.0 - tiny) - 1.0 == 0.0


@quick(300)
@given(moderate, moderate, moderate)
def test_fma_is_exact(a, b, c):
    expected = Fraction(a) * Fraction(b) + Fraction(c)

    assert fma(a, b, c) == float(expected)
    assert _fma_exact(a, b, c) == float(expected)


@quick(50)
@given(st.lists(st.tuples(finite, finite, finite), min_size=1, max_size=30))
@example([(0.0, -1.0, 0.0), (-0.0, 1.0, -0.0), (1e308, 10.0, -1e308), (5e-324, 0.5, 5e-324)])
def test_fma_compiled_is_fma_interpreted(rows):
    a, b, c = np.array(rows).T.copy()

    assert same_bits(compute(compiled_fma(), a, b, c), [fma(*row) for row in rows])


def ulps(found, exact):
    """Return the error of a double against an exact decimal, in units in the last place."""
    nearest = float(exact)
    return abs((Decimal(found) - exact) / Decimal(math.ulp(nearest)))


@quick(300)
@given(st.floats(-707.0, 708.9))
def test_exp_is_within_two_ulp(x):
    with localcontext() as context:
        context.prec = 60
        assert ulps(exp(x), Decimal(x).exp()) <= 2


@quick(300)
@given(st.floats(min_value=5e-324, allow_infinity=False))
@example(1.0 - 2.0**-53)
@example(1.0 + 2.0**-52)
@example(math.sqrt(0.5))
def test_log_is_within_two_ulp(x):
    with localcontext() as context:
        context.prec = 60
        assert log(x) == 0.0 if x == 1.0 else ulps(log(x), Decimal(x).ln()) <= 2


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (exp, 0.0, 1.0),
        (exp, math.inf, math.inf),
        (exp, -math.inf, 0.0),
        (exp, 710.0, math.inf),
        (exp, -709.0, 0.0),
        (exp, math.nan, math.nan),
        (log, 0.0, math.nan),
        (log, -1.0, math.nan),
        (log, math.inf, math.nan),
        (log, math.nan, math.nan),
    ],
)
def test_edges(function, x, expected):
    assert same_bits(function(x), expected)


@pytest.mark.parametrize(("kernel", "function"), [(compiled_exp, exp), (compiled_log, log)])
def test_exp_and_log_compiled_are_interpreted(kernel, function):
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.uniform(-720, 720, 500), 10.0 ** rng.uniform(-320, 300, 500)])
    x = np.concatenate([x, [0.0, -0.0, 1.0, 5e-324, 1e308, math.inf, -math.inf, math.nan]])

    assert same_bits(compute(kernel(), x), [function(float(v)) for v in x])


def test_select_compiled_is_interpreted():
    a = np.array([1.0, 2.0, math.nan, math.inf, -0.0])
    b = np.array([2.0, 1.0, 1.0, 1.0, 0.0])

    assert same_bits(compute(compiled_select(), a, b), [2.0, 2.0, 1.0, -1.0, 0.0])


@quick(100)
@given(st.lists(st.one_of(finite, st.floats(-9.0, 9.0)), min_size=1, max_size=30))
@example([0.0, -0.0, -5e-324, 5e-324, -0.5, 0.5, 2.0**52 - 0.5, -(2.0**52) + 0.5, 1e308])
def test_floor_and_ceil_are_exact_and_never_minus_zero(values):
    x = np.array(values)
    for kernel, plain, exact in (
        (compiled_floor, floor, math.floor), (compiled_ceil, ceil, math.ceil),
    ):  # fmt: skip
        found = np.array([plain(v) for v in values])
        assert compute(kernel(), x).tobytes() == found.tobytes()
        assert [Fraction(v) for v in found] == [exact(Fraction(v)) for v in values]
        assert not np.any(np.signbit(found) & (found == 0.0))
