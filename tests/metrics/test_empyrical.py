"""The metrics beside empyrical-reloaded, over returns that Hypothesis draws."""

import math
import warnings
from typing import Any

import empyrical
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from admf_fast import metrics
from tests.kernels.strategies import quick

DAY_NS = 86_400 * 10**9
YEARS = (1.0, 12.0, 52.0, 252.0, 365.25, 98_280.0)


def drawn(nan: bool = True, least: int = 0) -> st.SearchStrategy[np.ndarray]:
    """Returns of one series: moving, still, rare, or all alike, some missing."""
    moving = st.floats(-0.2, 0.25).map(lambda x: round(x, 6))
    some = st.sampled_from((0.0, 0.01, -0.02))
    values = st.one_of(moving, some, *([st.just(math.nan)] if nan else []))
    alike = st.builds(lambda v, n: [v] * n, some, st.integers(least, 30))
    lists = st.one_of(st.lists(values, min_size=least, max_size=120), alike)
    return lists.map(lambda v: np.array(v, np.float64))


@st.composite
def pairs(draw: st.DrawFn, least: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two series of one length; the benchmark moves, stands still, or is near the returns."""
    a = draw(drawn(least=least))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from((0.0, 0.01, 0.05)))
    b = scale * rng.standard_normal(len(a)) + draw(st.sampled_from((0.0, 1.0, -0.5))) * a
    return a, b


def theirs(function: Any, *args: Any, **more: Any) -> Any:
    """What empyrical returns, without its warnings about nothing to divide."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*args, **more)


def same(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8, equal_nan=True)


ONE = {
    "cum_returns": lambda f, r, n: f(r),
    "cum_returns_final": lambda f, r, n: f(r),
    "annual_return": lambda f, r, n: f(r, n),
    "annual_volatility": lambda f, r, n: f(r, n),
    "calmar_ratio": lambda f, r, n: f(r, n),
    "sharpe_ratio": lambda f, r, n: f(r, n, 0.001),
    "sortino_ratio": lambda f, r, n: f(r, n, 0.001),
    "downside_risk": lambda f, r, n: f(r, n, -0.002),
    "stability_of_timeseries": lambda f, r, n: f(r),
    "tail_ratio": lambda f, r, n: f(r),
    "conditional_value_at_risk": lambda f, r, n: f(r, 0.1),
}
THEIR_ONE = {
    "annual_return": lambda f, r, n: f(r, annualization=n),
    "annual_volatility": lambda f, r, n: f(r, annualization=n),
    "calmar_ratio": lambda f, r, n: f(r, annualization=n),
    "sharpe_ratio": lambda f, r, n: f(r, 0.001, annualization=n),
    "sortino_ratio": lambda f, r, n: f(r, 0.001, annualization=n),
    "downside_risk": lambda f, r, n: f(r, -0.002, annualization=n),
}


@pytest.mark.parametrize("name", ONE)
@quick(60)
@given(returns=drawn(), periods=st.sampled_from(YEARS))
def test_of_one_series(name: str, returns: np.ndarray, periods: float) -> None:
    if name == "stability_of_timeseries" and not _moves(returns):
        assert math.isnan(metrics.stability_of_timeseries(returns))
        return
    if name in ("sharpe_ratio", "sortino_ratio") and np.isnan(returns).all():
        assert math.isnan(getattr(metrics, name)(returns, periods))
        return
    found = ONE[name](getattr(metrics, name), returns, periods)
    how = THEIR_ONE.get(name, ONE[name])
    expected = theirs(how, getattr(empyrical, name), returns, periods)
    if name in ("annual_return", "calmar_ratio") and abs(expected) > 1e300:
        return
    same(found, expected)


def _moves(returns: np.ndarray) -> bool:
    """Whether a line has a slope to be measured: below rounding, R² is noise."""
    known = returns[~np.isnan(returns)]
    return len(known) > 1 and bool(np.ptp(np.cumsum(np.log1p(known))) > 1e-12)


@quick(100)
@given(drawn())
def test_a_drawdown_has_no_sign(returns: np.ndarray) -> None:
    same(-metrics.max_drawdown(returns), theirs(empyrical.max_drawdown, returns))
    if len(returns):
        same(-metrics.drawdown_series(returns), theirs(empyrical.stats.drawdown_series, returns))


@quick(100)
@given(drawn(nan=False), st.sampled_from(YEARS), st.sampled_from((0.0, 0.5, -0.2, -1.0)))
def test_omega(returns: np.ndarray, periods: float, wanted: float) -> None:
    expected = theirs(empyrical.omega_ratio, returns, 0.001, wanted, annualization=periods)
    if math.isnan(expected):
        assert math.isnan(metrics.omega_ratio(returns, periods, 0.001, wanted))
    elif wanted > -1.0:
        same(metrics.omega_ratio(returns, periods, 0.001, wanted), expected)


@quick(100)
@given(drawn(nan=False, least=1), st.sampled_from((0.01, 0.05, 0.5, 1.0)))
def test_value_at_risk(returns: np.ndarray, cutoff: float) -> None:
    same(metrics.value_at_risk(returns, cutoff), theirs(empyrical.value_at_risk, returns, cutoff))


@quick(100)
@given(drawn(nan=False, least=1))
def test_skew_and_kurtosis_are_those_of_scipy(returns: np.ndarray) -> None:
    if np.ptp(returns) == 0.0:  # scipy divides what is left of rounding
        assert math.isnan(metrics.skew(returns))
        assert math.isnan(metrics.kurtosis(returns))
        return
    same(metrics.skew(returns), theirs(scipy.stats.skew, returns))
    same(metrics.kurtosis(returns), theirs(scipy.stats.kurtosis, returns))


@quick(100)
@given(st.lists(st.floats(0.01, 1e6), min_size=0, max_size=50))
def test_simple_returns(prices: list[float]) -> None:
    values = np.array(prices, np.float64)
    same(metrics.simple_returns(values), theirs(empyrical.simple_returns, values))


@pytest.mark.parametrize("span", ["weekly", "monthly", "quarterly", "yearly"])
@quick(40)
@given(returns=drawn(least=1), start=st.integers(0, 20_000), step=st.sampled_from((1, 3, 40)))
def test_aggregate_returns(span: str, returns: np.ndarray, start: int, step: int) -> None:
    ts_ns = (start + step * np.arange(len(returns), dtype=np.int64)) * DAY_NS
    series = pd.Series(returns, index=pd.to_datetime(ts_ns))
    expected = theirs(empyrical.aggregate_returns, series, span)
    found = metrics.aggregate_returns(returns, ts_ns, span)  # type: ignore[arg-type]

    same(found.returns, expected.to_numpy())
    assert (np.diff(found.start_ts_ns) > 0).all()
    assert found.start_ts_ns[0] <= ts_ns[0]


TWO = {
    "excess_sharpe": 0,
    "beta": 0,
    "alpha": 1,
    "alpha_beta": 1,
    "up_alpha_beta": 1,
    "down_alpha_beta": 1,
    "capture": 1,
    "up_capture": 1,
    "down_capture": 1,
    "up_down_capture": 1,
    "batting_average": 0,
}


@pytest.mark.parametrize("name", TWO)
@quick(60)
@given(both=pairs())
def test_of_two_series(name: str, both: tuple[np.ndarray, np.ndarray]) -> None:
    returns, benchmark = both
    shown = benchmark[~np.isnan(returns)]
    if len(shown) and 0.0 < np.ptp(shown) < 1e-6:
        return
    found = getattr(metrics, name)(returns, benchmark, *([252.0] if TWO[name] else []))
    expected = theirs(getattr(empyrical, name), returns, benchmark)
    if name == "excess_sharpe" and abs(np.asarray(expected)).max() > 1e6:
        return  # a lead that is constant but for its rounding
    same(np.array(found), np.asarray(expected))


@quick(60)
@given(pairs(least=3))
def test_beta_fragility(both: tuple[np.ndarray, np.ndarray]) -> None:
    returns, benchmark = both
    if len(np.unique(benchmark)) < len(benchmark):
        return
    expected = theirs(empyrical.beta_fragility_heuristic, returns, benchmark)
    same(metrics.beta_fragility_heuristic(returns, benchmark), expected)


@quick(40)
@given(drawn(nan=False), st.integers(1, 10))
def test_rolling(returns: np.ndarray, window: int) -> None:
    found = metrics.rolling(metrics.max_drawdown, window, returns)
    if len(returns) < window:  # where empyrical returns one value of nothing
        assert not len(found)
        return
    same(-found, theirs(empyrical.roll_max_drawdown, returns, window=window))


@quick(60)
@given(drawn(nan=False), drawn(nan=False), st.integers(0, 5))
def test_aligned_is_the_union_of_the_times(a: np.ndarray, b: np.ndarray, shift: int) -> None:
    at_a, at_b = np.arange(len(a)) * DAY_NS, (np.arange(len(b)) + shift) * DAY_NS
    found = metrics.aligned(at_a, a, at_b, b)
    joined = pd.concat([pd.Series(a, at_a), pd.Series(b, at_b)], axis=1).sort_index()

    np.testing.assert_array_equal(found.returns, joined[0])
    np.testing.assert_array_equal(found.benchmark, joined[1])
    np.testing.assert_array_equal(found.ts_ns, joined.index)
