"""The alerter: what deviates, what is told, and what is not told again."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast import DivergenceAlerter
from admf_fast.errors import ConfigError
from admf_fast.monitor import make_baseline, save_baseline
from admf_fast.monitor.figures import AT
from tests.monitor.kit import QUICK, Told, some_days

RESULTS = {"signals": [1.0, 0.5, 0.0], "bars": 30, "risk_metrics": {"max_drawdown": 0.2}}


def test_plain_results_are_watched_by_the_threshold_alone():
    told = Told()
    alerter = DivergenceAlerter(threshold=0.1, send=told)
    alerter.establish_baseline(RESULTS)
    assert alerter.baseline_metrics == {
        "avg_signal_strength": 0.5, "signal_frequency": 0.1, "risk_metrics.max_drawdown": 0.2,
    }  # fmt: skip
    same = {
        "avg_signal_strength": 0.5, "signal_frequency": 0.1,
        "risk_metrics": {"max_drawdown": 0.21},
    }  # fmt: skip
    assert alerter.check_production(same) == []
    (found,) = alerter.check_production(same | {"risk_metrics": {"max_drawdown": 0.3}})
    assert (found.figure, found.detector, found.value) == (
        "risk_metrics.max_drawdown", "threshold", 0.3,
    )  # fmt: skip
    assert told.alerts[0].text == (
        "risk_metrics.max_drawdown is 0.3 and deviates by 50.00% from the 0.2 of the baseline"
    )


@given(st.floats(-10.0, 10.0), st.floats(-10.0, 10.0), st.floats(0.0, 2.0))
def test_the_threshold_is_a_fraction_of_what_is_expected(expected, value, threshold):
    alerter = DivergenceAlerter(threshold)
    alerter.establish_baseline({"signals": [1.0], "bars": 1, "risk_metrics": expected})
    production = {"avg_signal_strength": 1.0, "signal_frequency": 1.0, "risk_metrics": value}
    found = [d.figure for d in alerter.check_production(production)]
    share = abs(value - expected) / (abs(expected) or 1.0)
    assert found == (["risk_metrics"] if share > threshold else [])


def test_an_alert_is_sent_when_it_begins_and_when_it_is_over():
    told = Told()
    alerter = DivergenceAlerter(threshold=0.1, send=told)
    alerter.establish_baseline(RESULTS)
    good = {
        "avg_signal_strength": 0.5, "signal_frequency": 0.1, "risk_metrics.max_drawdown": 0.2,
    }  # fmt: skip
    bad = good | {"signal_frequency": 0.2}
    nothing = good | {"signal_frequency": None}
    for production in (good, bad, bad, nothing, bad, good, good):
        alerter.check_production(production)
    assert [(a.severity, a.key) for a in told.alerts] == [
        ("warning", "figure signal_frequency"), ("info", "figure signal_frequency"),
    ]  # fmt: skip


def test_what_cannot_be_compared_is_an_error_of_the_caller():
    alerter = DivergenceAlerter()
    with pytest.raises(ConfigError, match="call establish_baseline first"):
        alerter.check_production({})
    alerter.establish_baseline(RESULTS)
    with pytest.raises(ConfigError, match=r"signal_frequency, risk_metrics\.max_drawdown missing"):
        alerter.check_production({"avg_signal_strength": 0.5})
    for results in ({}, {"signals": "x", "bars": 1, "risk_metrics": {}}, RESULTS | {"bars": 0}):
        with pytest.raises(ConfigError, match="establish_baseline: expected"):
            alerter.establish_baseline(results)
    for threshold in (-0.1, math.nan, math.inf):
        with pytest.raises(ConfigError, match="expected a fraction"):
            DivergenceAlerter(threshold)


def _days_told(alerter, rows):
    return [{(d.figure, d.detector) for d in alerter.check_day(tuple(row))} for row in rows]


@pytest.fixture(scope="module")
def baseline():
    return make_baseline(some_days(600), msgspec.structs.replace(QUICK, false_alarms=0.01))


def test_the_backtests_own_days_stay_inside_its_bands(baseline):
    alerter = DivergenceAlerter(0.01)
    alerter.establish_baseline(baseline)
    found = _days_told(alerter, some_days(600)[:30])
    assert set().union(*found) == set()


@pytest.mark.parametrize(
    ("change", "figure", "days"),
    [({"cost": 8.0}, "cost_bps", 6), ({"scale": 0.05}, "volatility", 12)],
)
def test_a_change_is_found_and_named(baseline, change, figure, days):
    told = Told()
    alerter = DivergenceAlerter(0.01, told)
    alerter.establish_baseline(baseline)
    found = _days_told(alerter, some_days(days, 5, **change))
    assert {(figure, "cusum")} <= set().union(*found)
    assert f"cusum {figure}" in told.keys
    found = _days_told(alerter, some_days(20, 6, **change))
    assert {(figure, "band")} <= set().union(*found)
    assert figure in alerter.outside


def test_an_alerter_goes_on_from_its_state(baseline):
    rows = some_days(60, 9, cost=5.5)
    whole, first, second = (DivergenceAlerter(0.01) for _ in range(3))
    for alerter in (whole, first, second):
        alerter.establish_baseline(baseline)
    expected = _days_told(whole, rows)
    found = _days_told(first, rows[:25])
    told = Told()
    second._send = told
    second.restore(**first.state())
    assert second.outside.keys() == first.outside.keys()
    assert found + _days_told(second, rows[25:]) == expected
    assert second.state() == whole.state()
    assert set().union(*expected)


def test_a_file_or_a_run_can_be_the_baseline(tmp_path, baseline):
    save_baseline(tmp_path / "b.json", baseline)
    alerter = DivergenceAlerter()
    alerter.establish_baseline(tmp_path / "b.json")
    assert alerter.baseline == baseline


def test_figures_that_never_differ_may_round(baseline):
    alerter = DivergenceAlerter(0.01)
    alerter.establish_baseline(baseline)
    rows = some_days(12)
    rows[:, AT["strength"]] *= np.nextafter(1.0, 2.0)
    _days_told(alerter, rows)
    assert "signal_strength" not in alerter.outside
    rows[:, AT["strength"]] *= 1.05
    _days_told(alerter, rows)
    assert "signal_strength" in alerter.outside
