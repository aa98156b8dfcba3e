"""Compiled expressions: what the oracle says, what the words mean, whatever the cut."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import (
    Account,
    FeatureProgram,
    KernelError,
    Program,
    compute,
    get,
    make_terms,
    testing,
)
from admf_kernels.contract import output_of
from admf_kernels.expressions import (
    Ensemble,
    Kernel,
    Member,
    Regimes,
    Rules,
    Side,
    Signal,
    State,
    feature_of,
    strategy_of,
)
from admf_kernels.expressions.tree import text_of
from admf_kernels.lane_program import LaneProgram
from admf_kernels.plain import PlainProgram
from admf_kernels.plan import Plan
from tests.kernels.expressions.trees import Reading, conditions, numbers, sources
from tests.kernels.strategies import bars, cuts, quick

LONG, SHORT = "close > sma(close, 5)", "close < sma(close, 5)"


def lists(data):
    return {n: getattr(data, n).tolist() for n in ("open", "high", "low", "close", "volume")}


def readable(trees):
    """Those whose meaning `Reading` can tell: a moving average depends on its first bar."""
    return trees.filter(lambda tree: "sma(" not in text_of(tree))


def signals_of(strategy, data):
    program = Program(strategy, strategy.checked(), block_bars=len(data.ts_ns))
    rows = program.feed(*data)
    return program.per_bar["signal"][rows], program.ready_bars(program.reads)


@quick(12)
@given(data=st.data())
def test_a_feature_is_what_its_text_means(data):
    tree = data.draw(readable(sources(3)))
    drawn = data.draw(bars(min_bars=30))
    feature = feature_of(text_of(tree))
    column = _compute(feature, drawn)

    reading = Reading(lists(drawn))
    first = Plan([feature]).ready_bars(feature) - 1
    expected = [reading.finite(tree, t) for t in range(first, drawn.bars)]
    assert np.isnan(column[:first]).all()
    assert column[first:].view(np.int64).tolist() == np.array(expected).view(np.int64).tolist()


def _compute(feature, data):
    program = FeatureProgram([feature], block_bars=data.bars)
    return program.column(feature)[program.feed(*data)]


@quick(150)
@given(data=st.data())
def test_a_signal_is_what_its_text_means(data):
    """In plain Python, so that many can be tried; compiled ones are compared with that."""
    drawn = data.draw(bars(min_bars=30))
    trees = [
        data.draw(readable(kind)) for kind in (numbers(3, inside=True), conditions(3, inside=True))
    ]
    number, condition = map(text_of, trees)
    text = f"clip({number}, -1, 1) if ({condition}) else clip(-({number}), -0.5, 0.5)"
    program = PlainProgram(strategy_of(Signal(signal=text)), None, make_terms(Account(cash=1e300)))
    ready = program.first_bar
    found = [program.step(*bar).signal for bar in zip(*(c.tolist() for c in drawn), strict=True)]

    reading = Reading(lists(drawn))
    for t in range(drawn.bars):
        value = 0.0
        if t >= ready - 1:
            number = reading.at(trees[0], t)
            limits = (-1.0, 1.0) if reading.at(trees[1], t) else (-0.5, 0.5)
            number = number if limits[1] == 1.0 else -number
            value = 0.0 if math.isnan(number) else max(limits[0], min(number, limits[1]))
        assert found[t] == value, (text, t)


@quick(4)
@given(data=st.data())
def test_any_rules_are_equal_in_plain_python_and_for_any_cut(data):
    """The oracle of all kernels, over hostile bars and trees with every form in them."""
    texts = [text_of(data.draw(conditions(3))) for _ in range(5)]
    made = strategy_of(
        Rules(
            long=Side(enter=texts[0], exit=texts[1]),
            short=Side(enter=texts[2], when=texts[3]),
            when=texts[4],
        )
    )
    drawn = data.draw(bars(min_bars=20))

    testing.check_plain(made, bars=drawn)
    testing.check_blocks(made, bars=drawn, sizes=[data.draw(cuts(drawn.bars))])
    testing.check_prefix(made, bars=drawn)


FORMS = {
    "rules": Rules(
        long=Side(enter=LONG), short=Side(enter=SHORT, exit="bars_since(rsi(5) > 60) < 3")
    ),
    "signal": Signal(signal="clip((close - sma(n)) / sma(high - low, n), -1, 1)", params={"n": 7}),
    "filtered": Kernel(
        kernel=get("rsi_reversion"), params={"period": 5}, when="volume > sma(volume, 20) * 0.9"
    ),
    "ensemble": Ensemble(
        members=[
            Member(form=Kernel(kernel=get("bollinger_reversion")), weight=2.0),
            Member(form=Rules(long=Side(enter=LONG)), name="trend"),
            Member(form=Kernel(kernel=get("donchian_breakout"), params={"entry": 9, "exit": 4})),
        ],
        threshold=0.3,
        scale=True,
    ),
    "regimes": Regimes(
        states=[State(name="up", when="sma(5) > sma(20)"), State(name="down", when=[SHORT])],
        use={
            "up": Kernel(kernel=get("sma_cross"), params={"fast": 3, "slow": 8}),
            "down": None,
            "otherwise": Signal(signal="-0.5 if position > 0 else 0.25"),
        },
        confirm_bars=3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_passes_what_kernels_have_to_pass(form):
    testing.check_kernel(strategy_of(FORMS[form]))


BUILT_IN = {
    "sma_cross": Rules(
        long=Side(enter="sma(fast) > sma(slow)", exit="sma(fast) <= sma(slow)"),
        short=Side(enter="sma(fast) < sma(slow)", exit="sma(fast) >= sma(slow)"),
        params={"fast": 10, "slow": 30},
    ),
    "bollinger_reversion": Rules(
        long=Side(enter="close < bands", exit="close >= middle"),
        short=Side(enter="close > bollinger(20, 2).upper", exit="close <= middle"),
        variables={"bands": "bollinger(20, 2).lower", "middle": "bollinger(20, 2).middle"},
    ),
    "donchian_breakout": Rules(
        long=Side(enter="close > lag(highest(high, 20))", exit="close < lag(lowest(low, 10))"),
        short=Side(enter="close < lag(lowest(low, 20))", exit="close > lag(highest(high, 10))"),
    ),
    "rsi_reversion": Rules(
        long=Side(enter="rsi(14) < 30", exit="rsi(14) >= 50"),
        short=Side(enter="rsi(14) > 70", exit="rsi(14) <= 50"),
    ),
}


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("seed", [1, 2])
def test_an_expression_gives_the_signals_of_the_kernel_it_copies(name, seed):
    data = testing.random_bars(3000, seed)
    expected, _ = signals_of(get(name), data)

    found, _ = signals_of(strategy_of(BUILT_IN[name]), data)

    assert found.tobytes() == expected.tobytes()
    assert len(set(found)) == 3


def test_bars_since_counts_from_the_last_time_and_has_no_value_before_the_first():
    data = testing.random_bars(300, 5)
    text = "1 if bars_since(close > highest(lag(high), 20)) >= 3 else 0"
    found, _ = signals_of(strategy_of(Signal(signal=text)), data)

    highs = [max(data.high[max(0, t - 20) : t], default=math.inf) for t in range(300)]
    since = None
    for t in range(300):
        if t >= 20:
            since = 0 if data.close[t] > highs[t] else (since if since is None else since + 1)
        assert found[t] == (1.0 if since is not None and since >= 3 else 0.0), t


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("crosses_above(x, 2)", (1, 2, 3, 3, 2, 3), (0, 0, 1, 0, 0, 1)),
        ("crosses_below(x, 2)", (3, 2, 1, 1, 2, 1), (0, 0, 1, 0, 0, 1)),
        ("crosses(x, 2)", (1, 3, 2, 3, 2, 1), (0, 1, 0, 1, 0, 1)),
        ("rising(x, 2)", (1, 2, 3, 3, 4, 4), (0, 0, 1, 0, 1, 0)),
        ("falling(x)", (3, 2, 2, 1, 0, 3), (0, 1, 0, 1, 1, 0)),
        ("change(x, 2) > 0", (1, 2, 3, 1, 3, 2), (0, 0, 1, 0, 0, 1)),
        ("min(5, 1 / (x - 1)) > 0", (1, 2, 1, 2, 1, 1), (0, 1, 0, 1, 0, 0)),
        ("min(1 / (x - 1), 5) > 0", (1, 2, 1, 2, 1, 1), (0, 1, 0, 1, 0, 0)),
        ("max(5, 1 / (x - 1)) > 0", (1, 2, 1, 2, 1, 1), (0, 1, 0, 1, 0, 0)),
        ("max(1 / (x - 1), 5) > 0", (1, 2, 1, 2, 1, 1), (0, 1, 0, 1, 0, 0)),
        ("x > 1 if x < 3 else x > 4", (1, 2, 3, 4, 5, 2), (0, 1, 0, 0, 1, 1)),
        ("x > 4 if x > 2 else x < 2", (1, 2, 3, 4, 5, 2), (1, 0, 0, 0, 1, 0)),
        ("between(x, 2, 3)", (1, 2, 3, 4, 2, 2), (0, 1, 1, 0, 1, 1)),
    ],
)
def test_small_examples_by_hand(text, values, expected):
    data = testing.random_bars(6)._replace(volume=np.array(values, float))
    signal = Signal(signal=f"1 if ({text}) else 0", variables={"x": "volume"})
    found, _ = signals_of(strategy_of(signal), data)

    assert found.tolist() == [float(e) for e in expected]


def test_a_division_by_zero_has_no_value_and_a_feature_of_it_is_zero():
    data = testing.random_bars(50)
    still = data._replace(high=data.low)
    for text in ("1 if close / (high - low) > 0 else -1", "1 if close / (high - low) <= 0 else -1"):
        found, _ = signals_of(strategy_of(Signal(signal=text)), still)
        assert set(found) == {-1.0}
    flat, _ = signals_of(strategy_of(Signal(signal="close / (high - low)")), still)
    assert set(flat) == {0.0}
    assert set(_compute(feature_of("close / (high - low)"), still)) == {0.0}


@pytest.mark.parametrize(
    "form",
    [
        Signal(signal="2"),
        Ensemble(members=[Member(form=Signal(signal="-1.5")), Member(form=Signal(signal="1"))]),
        Regimes(
            states=[State(name="a", when="true")],
            use={"a": None, "otherwise": Signal(signal="1e308 * 10")},
        ),
    ],
)
def test_a_signal_out_of_range_stops_the_run_wherever_it_is_made(form):
    made = strategy_of(form)
    with pytest.raises(KernelError, match="signal is not in"):
        Program(made, made.checked()).feed(*testing.random_bars(10))


def test_params_are_swept_without_compiling_again_and_lanes_equal_single_runs():
    made = strategy_of(BUILT_IN["sma_cross"])
    data = testing.random_bars(400, 3)
    sets = [made.checked(fast=f, slow=s) for f, s in ((3, 9), (10, 30), (5, 50))]

    lanes = LaneProgram(made, sets, tap=2)
    found = lanes.per_bar["signal"][lanes.feed(*data)].copy()
    single = Program(made, sets[2])

    assert found.tobytes() == single.per_bar["signal"][single.feed(*data)].tobytes()
    with pytest.raises(KernelError, match="fast must be a finite int"):
        made.checked(fast=2.5)
    with pytest.raises(KernelError, match="expected parameters that its features take"):
        made.checked(fast=0)


def test_members_bring_their_parameters_ranges_and_rules():
    made = strategy_of(FORMS["ensemble"])

    assert made.params._fields == (
        "m1_period", "m1_deviations", "m3_entry", "m3_exit",
    )  # fmt: skip
    assert made.checked().m3_entry == 9
    with pytest.raises(KernelError, match="m1_period must be in"):
        made.checked(m1_period=1)
    with pytest.raises(KernelError, match="m3: exit <= entry"):
        made.checked(m3_exit=10)


def test_what_differs_is_named_differently_and_what_is_equal_alike():
    def reference(text, **params):
        return strategy_of(Signal(signal=text, params=params)).reference

    assert reference("1 if close>sma(20) else 0") == reference("1 if (close > sma(20)) else 0.0")
    assert reference("1 if close > sma(20) else 0") != reference("1 if close > sma(21) else 0")
    assert reference("1 if close > 20 else 0") != reference("1 if close > 21 else 0")
    one, other = (reference("1 if close > sma(n) else 0", n=n) for n in (3, 4))
    assert one == other
    assert reference("1 if close > sma(n) else 0", n=3) != reference(
        "1 if close > sma(m) else 0", m=3
    )


PROCESS = """
from admf_kernels import drivers, make_terms
from admf_kernels.codegen import run
from admf_kernels.codegen.engine import Form
from admf_kernels.expressions import Rules, Side, strategy_of
made = strategy_of(Rules(
    long=Side(enter=["crosses_above(sma(a), sma(b))", "bars_since(close > open / 2) < z"]),
    short=Side(enter="close - open < q"), variables={"q": "ema(high - low, b)"},
    params={"b": 30, "a": 10, "z": 3},
))
terms = make_terms()
form = Form(terms.uses)
driver = run.source(made, tuple(made.outputs_for(made.checked())), form)
called = [made.step, *drivers.AROUND]
print(made.reference, drivers.key_of(driver, called, drivers._names(made)))
reads = made.outputs_for(made.checked()).values()
indicators = [o.feature.indicator for o in reads]
print(drivers.code_digest(made, indicators, form=form, made=terms))
"""


def test_another_process_finds_the_same_names_and_the_same_compiled_code():
    found = {
        subprocess.run(
            [sys.executable, "-c", PROCESS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert len(found.pop().split()) == 3


def test_the_clock_is_read_by_name():
    """The columns are fed elsewhere; here the step alone is asked."""
    made = strategy_of(
        Rules(long=Side(enter='time >= "09:45"', exit="minutes_left <= 5"), when="weekday != 4")
    )
    step = made.step

    assert made.arguments == ("s", "weekday", "minute_of_day", "minutes_left")
    flat, held = made.state(0.0), made.state(1.0)
    assert step(flat, 1.0, 585.0, 300.0)[1] == 1.0
    assert step(flat, 1.0, 584.0, 300.0)[1] == 0.0
    assert step(flat, 4.0, 585.0, 300.0)[1] == 0.0
    assert step(held, 4.0, 585.0, 300.0)[1] == 1.0
    assert step(held, 1.0, 955.0, 5.0)[1] == 0.0


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ('between(time, "09:30", "15:55")', (570.0, 700.0, 955.0), (569.0, 956.0)),
        ('between(time, "22:00", "05:00")', (1320.0, 0.0, 300.0), (1319.0, 301.0)),
        ('"09:30" <= time < "10:00"', (570.0, 599.0), (569.0, 600.0)),
    ],
)
def test_times_of_day(text, inside, outside):
    step = strategy_of(Signal(signal=f"1 if {text} else 0")).step

    assert [step(minute) for minute in inside] == [1.0] * len(inside)
    assert [step(minute) for minute in outside] == [0.0] * len(outside)


def test_features_of_a_configuration_are_used_by_name():
    smooth = output_of(get("sma")(5, of=get("rsi")(7)))
    made = strategy_of(
        Signal(signal="1 if smooth > sma(smooth, 3) else 0"), features={"smooth": smooth}
    )
    data = testing.random_bars(200)
    found, _ = signals_of(made, data)

    column = compute(smooth, data.close)
    over = compute(get("sma")(3, of=smooth), data.close)
    assert found.tolist() == [1.0 if a > b else 0.0 for a, b in zip(column, over, strict=True)]
