"""Every case of empyrical's own tests that is kept beside the project, where it is there."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from admf_fast import metrics

ORACLE = Path(__file__).parents[3] / "shared" / "oracles" / "empyrical_metrics.json"
CASES = json.loads(ORACLE.read_text())["cases"] if ORACLE.is_file() else []
PERIODS = {"daily": 252.0, "weekly": 52.0, "monthly": 12.0, "yearly": 1.0}
TOLERANCE = 1e-8
# Expected values with fewer digits, cut off or rounded: right to the last one printed. What
# empyrical itself returns for these inputs is compared to 1e-8 in test_empyrical.py.
PRINTED = {
    ("test_cum_returns", 0): 1e-5,
    ("test_cum_returns", 1): 1e-5,
    ("test_cum_returns_final", 1): 1e-5,
    ("test_cum_returns_df", 0): 1e-6,
    ("test_cum_returns_final_df", 0): 1e-6,
    ("test_tail_ratio", 1): 0.05,
}

GPD = (
    "a fit by a general optimiser has no value of its own: it depends on where the search "
    "stops, so it is not offered"
)
TIES = (
    "five of its benchmark returns are equal: which of them is lowest and which in the middle was "
    "decided by an unstable sort; here time decides, which gives 0.05, as in empyrical-reloaded"
)
LEFT_OUT = {**{("test_gpd_risk_estimates", k): GPD for k in range(4)}}
DIFFERENT = {("test_beta_fragility_heuristic", 1): (0.05, TIES)}
# Long inputs are only described in the file: what they were, by the position of the case.
NOISE = np.random.RandomState(1337).normal(0.0, 0.001, 1000)
DESCRIBED = {
    ("test_simple_returns", 0): {"prices": np.linspace(0.0, 1.0, 1000)},
    ("test_excess_sharpe", 1): dict.fromkeys(
        ("returns", "factor_returns"), np.linspace(0.0, 1.0, 1000)
    ),
    ("test_beta", 1): {"returns": NOISE, "benchmark": NOISE},
    ("test_beta", 2): {"returns": NOISE, "benchmark": -NOISE},
    ("test_beta", 3): {"returns": NOISE, "benchmark": np.full(1000, 0.01)},
}


def year(a):
    return PERIODS[a.get("period", "daily")]


def joined(a, other):
    """Both series of a case on the days of either, as arrays."""
    if isinstance(a["returns"], np.ndarray):
        return a["returns"], a[other]
    if not isinstance(a[other], dict):
        return values(a["returns"]), a[other]
    sides = (a["returns"], a[other])
    found = metrics.aligned(*(x for side in sides for x in (days(side), values(side))))
    return found.returns, found.benchmark


def days(series):
    return np.array(series["dates"], "datetime64[ns]").astype(np.int64)


def values(series):
    return np.array(series["values"], np.float64)


def series(a, name="returns"):
    return a[name] if isinstance(a[name], np.ndarray) else values(a[name])


def each_column(function):
    """The function of one series, applied to every column of a table."""

    def applied(a):
        if "columns" not in a["returns"]:
            return function(a)
        table = np.array(a["returns"]["values"], np.float64)
        table = table.reshape(len(table), len(a["returns"]["columns"]))
        found = [function({**a, "returns": column}) for column in table.T]
        return np.array(found).T

    return applied


def windows(metric, other=None):
    def applied(a):
        both = joined(a, other) if other else (series(a),)
        return metrics.rolling(metric, a["window"], *both)

    return applied


def level(a, name):
    return values(a[name]) if isinstance(a[name], dict) else a[name]


def excess_sharpe(a):
    returns, other = joined(a, "factor_returns")
    return metrics.excess_sharpe(returns, np.broadcast_to(other, returns.shape))


def pair_of(function, other, *more):
    return lambda a: function(*joined(a, other), *more)


DAILY = 252.0
HOW = {
    "test_simple_returns": lambda a: metrics.simple_returns(a["prices"]),
    "test_cum_returns": lambda a: metrics.cum_returns(series(a), a["starting_value"]),
    "test_cum_returns_df": each_column(
        lambda a: metrics.cum_returns(series(a), a["starting_value"])
    ),
    "test_cum_returns_final": lambda a: metrics.cum_returns_final(series(a), a["starting_value"]),
    "test_cum_returns_final_df": each_column(
        lambda a: metrics.cum_returns_final(series(a), a["starting_value"])
    ),
    "test_aggregate_returns": lambda a: (
        metrics.aggregate_returns(series(a), days(a["returns"]), a["convert_to"]).returns
    ),
    # A drawdown is a loss without sign here, and below 0 there.
    "test_max_drawdown": lambda a: -metrics.max_drawdown(series(a)),
    "test_annual_ret": lambda a: metrics.annual_return(series(a), year(a)),
    "test_cagr": lambda a: metrics.annual_return(series(a), year(a)),
    "test_annual_volatility": lambda a: metrics.annual_volatility(series(a), year(a)),
    "test_calmar": lambda a: metrics.calmar_ratio(series(a), year(a)),
    "test_omega": lambda a: metrics.omega_ratio(
        series(a), DAILY, level(a, "risk_free"), a["required_return"]
    ),
    "test_sharpe_ratio": lambda a: metrics.sharpe_ratio(series(a), DAILY, a["risk_free"]),
    "test_downside_risk": each_column(
        lambda a: metrics.downside_risk(series(a), year(a), a["required_return"])
    ),
    "test_sortino": each_column(
        lambda a: metrics.sortino_ratio(series(a), year(a), a["required_return"])
    ),
    "test_excess_sharpe": excess_sharpe,
    "test_alpha_beta": pair_of(metrics.alpha_beta, "benchmark", DAILY),
    "test_alpha": pair_of(metrics.alpha, "benchmark", DAILY),
    "test_beta": pair_of(metrics.beta, "benchmark"),
    "test_up_alpha_beta": pair_of(metrics.up_alpha_beta, "benchmark", DAILY),
    "test_down_alpha_beta": pair_of(metrics.down_alpha_beta, "benchmark", DAILY),
    "test_stability_of_timeseries": lambda a: metrics.stability_of_timeseries(series(a)),
    "test_tail_ratio": lambda a: metrics.tail_ratio(series(a)),
    "test_beta_fragility_heuristic": pair_of(metrics.beta_fragility_heuristic, "factor_returns"),
    "test_capture_ratio": pair_of(metrics.capture, "factor_returns", DAILY),
    "test_up_capture": pair_of(metrics.up_capture, "factor_returns", DAILY),
    "test_down_capture": pair_of(metrics.down_capture, "factor_returns", DAILY),
    "test_up_down_capture": pair_of(metrics.up_down_capture, "factor_returns", DAILY),
    "test_roll_max_drawdown": windows(lambda r: -metrics.max_drawdown(r)),
    "test_roll_sharpe_ratio": windows(lambda r: metrics.sharpe_ratio(r, DAILY)),
    "test_roll_alpha_beta": windows(lambda r, b: metrics.alpha_beta(r, b, DAILY), "benchmark"),
    "test_roll_up_capture": windows(lambda r, b: metrics.up_capture(r, b, DAILY), "factor_returns"),
    "test_roll_down_capture": windows(
        lambda r, b: metrics.down_capture(r, b, DAILY), "factor_returns"
    ),
    "test_roll_up_down_capture": windows(
        lambda r, b: metrics.up_down_capture(r, b, DAILY), "factor_returns"
    ),
}


def numbered():
    seen = {}
    for case in CASES:
        name = case["test"]
        seen[name] = seen.get(name, -1) + 1
        yield pytest.param(name, seen[name], case["args"], id=f"{name[5:]}-{seen[name]}")


def expected_of(args):
    wanted = args["expected"]
    return np.array(wanted["values"] if isinstance(wanted, dict) else wanted, np.float64)


def described(args):
    return [n for n, v in args.items() if isinstance(v, dict) and "series" in v]


@pytest.mark.skipif(not CASES, reason="the folder of other projects' numbers is not there")
@pytest.mark.parametrize(("name", "number", "args"), list(numbered()))
def test_case(name, number, args):
    if (name, number) in LEFT_OUT:
        assert not hasattr(metrics, name.removeprefix("test_")), LEFT_OUT[name, number]
        return
    given = {**args, **DESCRIBED.get((name, number), {})}
    assert not described(given)
    found, expected = np.array(HOW[name](given), np.float64), expected_of(args)
    if (name, number) in DIFFERENT:
        expected = np.array(DIFFERENT[name, number][0])

    if found.size == 1 or expected.size == 1:
        found, expected = found.reshape(-1), expected.reshape(-1)
    if expected.size == 0:
        assert found.size == 0
        return
    atol = PRINTED.get((name, number), TOLERANCE)
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=atol, equal_nan=True)


@pytest.mark.skipif(not CASES, reason="the folder of other projects' numbers is not there")
def test_every_case_is_mapped_once():
    names = {case["test"] for case in CASES}
    cases = {tuple(case.values[:2]) for case in numbered()}
    left_out = {name for name, _ in LEFT_OUT}

    assert len(CASES) == len(cases) == 95
    assert names == {*HOW} | left_out
    assert not {*HOW} & left_out
    assert cases >= {*LEFT_OUT, *DIFFERENT, *DESCRIBED, *PRINTED}
    assert sum(bool(described(case["args"])) for case in CASES) == len(DESCRIBED)


def test_a_case_can_fail():
    assert not math.isclose(metrics.max_drawdown([-0.1]), -0.1, abs_tol=TOLERANCE)
