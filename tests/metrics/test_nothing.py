"""What every metric gives for nothing, for one period, for what never moves; and NaN."""

import inspect
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast import metrics
from admf_fast.metrics.sums import logs
from tests.kernels.strategies import quick

NAN = math.nan
INF = math.inf
# Of one series: for no returns, for one of 1 %, for ten of 0, for ten of 1 %.
GIVES = {
    "cum_returns_final": (NAN, 0.01, 0.0, 1.01**10 - 1.0),
    "annual_return": (NAN, 1.01**252 - 1.0, 0.0, 1.01**252 - 1.0),
    "annual_volatility": (NAN, NAN, 0.0, 0.0),
    "sharpe_ratio": (NAN, NAN, NAN, INF),
    "sortino_ratio": (NAN, NAN, NAN, INF),
    "downside_risk": (NAN, 0.0, 0.0, 0.0),
    "omega_ratio": (NAN, NAN, NAN, NAN),
    "max_drawdown": (NAN, 0.0, 0.0, 0.0),
    "average_drawdown": (NAN, 0.0, 0.0, 0.0),
    "max_drawdown_periods": (0, 0, 0, 0),
    "calmar_ratio": (NAN, NAN, NAN, NAN),
    "ulcer_index": (NAN, 0.0, 0.0, 0.0),
    "stability_of_timeseries": (NAN, NAN, NAN, 1.0),
    "gain_to_pain": (NAN, NAN, NAN, NAN),
    "tail_ratio": (NAN, 1.0, NAN, 1.0),
    "value_at_risk": (NAN, 0.01, 0.0, 0.01),
    "conditional_value_at_risk": (NAN, 0.01, 0.0, 0.01),
    "skew": (NAN, NAN, NAN, NAN),
    "kurtosis": (NAN, NAN, NAN, NAN),
    "max_consecutive_wins": (0, 1, 0, 10),
    "max_consecutive_losses": (0, 0, 0, 0),
    "win_rate": (NAN, 1.0, 0.0, 1.0),
    "profit_factor": (NAN, NAN, NAN, NAN),
    "expectancy": (NAN, 0.01, 0.0, 0.01),
    "payoff_ratio": (NAN, NAN, NAN, NAN),
    "kelly_fraction": (NAN, NAN, NAN, NAN),
    "sqn": (NAN, NAN, NAN, NAN),
}
INPUTS = ([], [0.01], [0.0] * 10, [0.01] * 10)


def call(name, returns):
    function = getattr(metrics, name)
    yearly = "periods_per_year" in inspect.signature(function).parameters
    return function(np.array(returns, np.float64), *([252.0] if yearly else []))


@pytest.mark.parametrize("name", GIVES)
def test_nothing_one_and_what_never_moves(name):
    for returns, expected in zip(INPUTS, GIVES[name], strict=True):
        found = call(name, returns)
        assert found == pytest.approx(expected, rel=1e-10, nan_ok=True), returns


PERIODS_COUNT = {"annual_return", "calmar_ratio", "average_drawdown", "ulcer_index"}
PLACES_COUNT = {"max_drawdown_periods"}


@pytest.mark.parametrize("name", sorted({*GIVES} - PERIODS_COUNT - PLACES_COUNT))
@quick(20)
@given(st.lists(st.floats(-0.3, 0.3), min_size=2, max_size=30), st.integers(0, 30))
def test_a_missing_return_is_left_out(name, returns, at):
    holed = [*returns[:at], NAN, *returns[at:]]

    assert call(name, holed) == pytest.approx(call(name, returns), nan_ok=True)


@quick(20)
@given(st.lists(st.floats(-0.3, 0.3), min_size=2, max_size=30), st.integers(0, 30))
def test_the_period_of_a_missing_return_has_passed(returns, at):
    holed = [*returns[:at], NAN, *returns[at:]]
    flat = [*returns[:at], 0.0, *returns[at:]]
    for name in sorted(PERIODS_COUNT | PLACES_COUNT):
        assert call(name, holed) == pytest.approx(call(name, flat), nan_ok=True)


def test_all_missing_is_nothing():
    for name in {*GIVES} - PERIODS_COUNT - PLACES_COUNT - {"cum_returns_final", "max_drawdown"}:
        assert call(name, [NAN, NAN]) == pytest.approx(GIVES[name][0], nan_ok=True), name


def test_two_series_of_nothing_and_a_benchmark_that_stands_still():
    a, still = np.array([0.01, -0.02, 0.03]), np.zeros(3)
    for name in ("alpha", "up_capture", "down_capture", "capture", "information_ratio",
                 "tracking_error", "up_down_capture"):  # fmt: skip
        assert math.isnan(getattr(metrics, name)([], [], 252.0)), name
    assert math.isnan(metrics.beta([], []))
    assert math.isnan(metrics.beta(a, still))
    assert math.isnan(metrics.alpha(a, still, 252.0))
    assert math.isnan(metrics.excess_sharpe(a, a))
    assert metrics.tracking_error(a, a, 252.0) == 0.0
    assert all(math.isnan(x) for x in metrics.batting_average([], []))
    assert math.isnan(metrics.beta_fragility_heuristic(a[:2], still[:2]))
    assert math.isnan(metrics.down_capture(a, still + 0.01, 252.0))


def test_no_periods_per_year_have_no_annual_figures():
    a = np.array([0.01, -0.02, 0.03])
    for name in ("annual_return", "annual_volatility", "sharpe_ratio", "sortino_ratio"):
        assert math.isnan(getattr(metrics, name)(a, 0.0)), name


def test_a_total_loss_is_a_hundred_per_cent_a_year():
    assert metrics.annual_return([0.1, -1.0], 252.0) == -1.0
    assert metrics.annual_return([0.1, -1.5], 252.0) == -1.0
    assert math.isnan(metrics.stability_of_timeseries([0.1, -1.0]))


@pytest.mark.parametrize("wrong", [0.1, [[0.1, 0.2]]])
def test_only_one_dimension_is_taken(wrong):
    with pytest.raises(ValueError, match="expected an array of 1 dimension"):
        metrics.max_drawdown(wrong)


def test_two_series_have_one_length():
    with pytest.raises(ValueError, match=r"found 1 and 2 values; aligned\(\)"):
        metrics.beta([0.1], [0.1, 0.2])
    with pytest.raises(ValueError, match="one length"):
        metrics.rolling(metrics.beta, 1, [0.1], [0.1, 0.2])
    with pytest.raises(ValueError, match="at least 1 period"):
        metrics.rolling(metrics.beta, 0, [0.1])


def test_sums_run_from_the_first_value_to_the_last():
    values = [1e16, 1.0, -1e16, 1.0] * 200
    in_order = 0.0
    for value in values:
        in_order += value

    assert metrics.expectancy(values) == in_order / len(values)
    assert metrics.expectancy(values) != np.mean(values)


def test_the_deepest_drawdown_and_its_places():
    returns = [0.1, -0.1, 0.05, -0.5, 0.2, 1.0, 0.5, -0.1]
    found = metrics.deepest_drawdown(returns)

    assert (found.peak, found.trough, found.recovery) == (0, 3, 5)
    assert (found.periods, found.recovery_periods) == (5, 2)
    assert found.depth == metrics.max_drawdown(returns) == pytest.approx(1 - 0.9 * 1.05 * 0.5)
    assert metrics.max_drawdown_periods(returns) == 4
    assert metrics.deepest_drawdown([-0.5, 0.1])[1:] == (-1, 0, -1, 2, -1)
    assert metrics.deepest_drawdown([0.5, 0.1]) == (0.0, -1, -1, -1, 0, -1)
    assert math.isnan(metrics.deepest_drawdown([]).depth)


@quick(200)
@given(st.floats(1e-300, 1e300) | st.floats(0.5, 2.0))
def test_own_logarithms_are_those_of_the_library(value):
    assert logs(np.array([value]))[0] == pytest.approx(math.log(value), rel=1e-14, abs=2e-16)


def test_what_has_no_logarithm_is_nan():
    assert np.isnan(logs(np.array([0.0, -1.0, NAN, -INF]))).all()
