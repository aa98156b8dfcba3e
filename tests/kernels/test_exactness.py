"""Values against exact arithmetic, where floating point is at its worst."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from admf_kernels import compute
from admf_kernels.indicators import (
    bollinger,
    largest_of_four,
    rolling_max,
    rolling_min,
    shift,
    sma,
    smallest_of_four,
    stddev,
    wma,
)
from admf_kernels.testing import random_bars
from tests.kernels.strategies import bars, quick

PERIOD = 20


def exact_spread(values):
    """Return mean and population standard deviation of exact rationals, rounded last."""
    exact = [Fraction(float(v)) for v in values]
    mean = sum(exact) / len(exact)
    variance = sum((v - mean) ** 2 for v in exact) / len(exact)
    # 200 bits of the root: far more than is compared.
    root = Fraction(math.isqrt(int(variance * 2**400)), 2**200)
    return float(mean), float(root)


def worst_error(found, close, rows):
    """Return the largest error of a spread, relative to the exact one."""
    errors = []
    for row in rows:
        exact = exact_spread(close[row - PERIOD + 1 : row + 1])[1]
        errors.append(abs(found[row] - exact) / exact)
    return max(errors)


@pytest.mark.parametrize("level", [1e-8, 1.0, 1e5, 1e8])
def test_spread_keeps_its_digits_at_any_level(level):
    """Moves of a ten-thousandth of the price, 200,000 bars: exact to 1e-9, late as early."""
    rng = np.random.default_rng(5)
    close = level * (1.0 + 1e-4 * rng.standard_normal(200_000))

    ours = compute(stddev(PERIOD), close)

    rows = [PERIOD - 1, *range(1000, 1100), *range(199_900, 200_000)]
    assert worst_error(ours, close, rows) < 1e-9


@pytest.mark.parametrize("outlier", [1e3, 1e5, 1e12])
def test_spread_after_an_outlier(outlier):
    """One wrong print leaves nothing behind once it has left the window."""
    close = 100.0 + 0.05 * np.random.default_rng(6).standard_normal(2000)
    close[1000] = outlier

    ours = compute(stddev(PERIOD), close)

    assert worst_error(ours, close, range(1000 + PERIOD, 1100 + PERIOD)) < 1e-12


@pytest.mark.parametrize("level", [1e-8, 0.1, 123.456, 1e12])
@pytest.mark.parametrize("before", [0.001, 3.0, 1e9])
def test_spread_of_equal_values_is_exactly_zero(level, before):
    """From the bar on which all values of the window are equal, whatever came before."""
    rng = np.random.default_rng(8)
    moving = level * before * (1.0 + 0.1 * rng.standard_normal(75))
    close = np.concatenate([moving, np.full(60, level)])

    spread = compute(stddev(PERIOD), close)
    upper, middle, lower = compute(bollinger(PERIOD, 2.0), close)

    still = slice(75 + PERIOD - 1, None)
    assert np.all(spread[still] == 0.0)
    assert np.all(upper[still] == level)
    assert np.all(middle[still] == level)
    assert np.all(lower[still] == level)
    assert np.all(spread[PERIOD - 1 : 75 + PERIOD - 1] > 0.0)


@quick(40)
@given(bars(min_bars=40))
def test_spread_after_any_jump(drawn):
    """Prices from 1e-8 to 1e12 in one series: within 1e-9 of exact on every bar."""
    spread = compute(stddev(PERIOD), drawn.close)
    _, middle, _ = compute(bollinger(PERIOD, 2.0), drawn.close)
    for row in range(PERIOD - 1, drawn.bars):
        mean, exact = exact_spread(drawn.close[row - PERIOD + 1 : row + 1])
        assert spread[row] == pytest.approx(exact, rel=1e-9, abs=0.0)
        # The mean is off by no more than its window's values, added up, would be.
        size = float(np.max(drawn.close[row - PERIOD + 1 : row + 1]))
        assert abs(middle[row] - mean) <= 1e-11 * size


@pytest.mark.parametrize("feature", [sma(PERIOD), wma(PERIOD)])
def test_running_sums_do_not_drift(feature):
    """After 200,000 bars the error is what it was after 200: a few units in the last place."""
    close = random_bars(200_000, seed=9).close
    close = 100.0 * np.exp(np.sin(np.log(close)))
    found = compute(feature, close)
    weights = [Fraction(1)] * PERIOD
    if feature.indicator.name == "wma":
        weights = [Fraction(k) for k in range(1, PERIOD + 1)]
    for row in (*range(180, 220), *range(199_960, 200_000)):
        values = [Fraction(float(v)) for v in close[row - PERIOD + 1 : row + 1]]
        exact = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
        assert abs(found[row] - float(exact)) <= 1e-13 * float(exact)


@pytest.mark.parametrize("period", [*range(1, 70), 255, 256, 257])
def test_extremes_are_exact(period):
    close = random_bars(600, seed=period).close
    windows = np.lib.stride_tricks.sliding_window_view(close, period)

    largest = compute(rolling_max(period), close)
    smallest = compute(rolling_min(period), close)

    assert np.array_equal(largest[period - 1 :], windows.max(axis=1))
    assert np.array_equal(smallest[period - 1 :], windows.min(axis=1))
    assert np.all(np.isnan(largest[: period - 1]))


def test_building_blocks():
    close = random_bars(300, seed=1).close
    lags = (0, 3, 6, 10)
    chosen = np.stack([close[10 - lag : 300 - lag] for lag in lags])

    assert np.array_equal(compute(largest_of_four(3, 10), close)[10:], chosen.max(axis=0))
    assert np.array_equal(compute(smallest_of_four(3, 10), close)[10:], chosen.min(axis=0))
    assert np.array_equal(compute(shift(4), close)[4:], close[:-4])
    assert np.array_equal(compute(shift(0), close), close)
