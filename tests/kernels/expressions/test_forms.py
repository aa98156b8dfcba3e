"""Rules, filters, votes and regimes against a few lines of plain Python each."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import Account, Program, make_terms, strategy
from admf_kernels.execution.terms import FIXED
from admf_kernels.expressions import (
    Ensemble,
    ExpressionError,
    Kernel,
    Member,
    Regimes,
    Rules,
    Side,
    Signal,
    State,
    strategy_of,
)
from admf_kernels.recording import Bars
from tests.kernels.strategies import quick

RICH = make_terms(Account(cash=1e9, sizing=FIXED, sizing_value=1.0))
SIGNALS = (-1.0, -0.5, 0.0, 0.5, 1.0)
COUNT = 400


@strategy()
def follow(volume: float) -> float:
    """Want what the volume says."""
    return volume


def signals(form, **columns):
    """Run a form over columns that say what is to happen; prices stay near 10."""
    flat = np.full(COUNT, 10.0)
    ts_ns = 60_000_000_000 * np.arange(1, COUNT + 1)
    data = Bars(ts_ns, flat, flat, flat, flat, flat)._replace(
        **{name: np.array(values, float) for name, values in columns.items()}
    )
    made = strategy_of(form)
    program = Program(made, made.checked(), RICH, block_bars=COUNT)
    return program.per_bar["signal"][program.feed(*data)].tolist()


def drawn(seed, choices, count=1):
    random = np.random.default_rng(seed)
    return [random.choice(choices, COUNT).tolist() for _ in range(count)]


def side(enter, leave=(), when=()):
    return Side(enter=enter, exit=leave, when=when)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("exits", [(True, True), (True, False), (False, False)])
def test_rules_of_two_sides(seed, exits):
    """long.enter: high; long.exit: low; short.enter: volume; short.exit: open; when: close."""
    up, out, down, back, when = drawn(seed, (0.0, 1.0), 5)
    form = Rules(
        long=side("high > 0.5", "low > 0.5" if exits[0] else ()),
        short=side("volume > 0.5", "open > 10.5" if exits[1] else ()),
        when=["close > 10.5", "true"],
    )
    columns = {"open": [10 + b for b in back], "close": [10 + w for w in when]}
    found = signals(form, high=up, low=out, volume=down, **columns)

    held = 0.0
    for t in range(COUNT):
        leave_long, leave_short = exits[0] and out[t] > 0, exits[1] and back[t] > 0
        if (held > 0 and leave_long) or (held < 0 and leave_short):
            held = 0.0
        long = up[t] > 0 and when[t] > 0 and not leave_long
        short = down[t] > 0 and when[t] > 0 and not leave_short
        if long != short:
            held = 1.0 if long else -1.0
        assert found[t] == held, t


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("seed", range(2))
def test_one_side_without_exit_is_held_while_its_condition_holds(seed, sign):
    enter, when = drawn(seed, (0.0, 1.0), 2)
    only = side(["high > 0.5", "high < 2"], when="low > 0.5")
    form = Rules(long=only) if sign > 0 else Rules(short=only)
    found = signals(form, high=enter, low=when)

    held = 0.0
    for t in range(COUNT):
        held = sign if enter[t] > 0 and (held != 0.0 or when[t] > 0) else 0.0
        assert found[t] == held, t


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("form", [Kernel(kernel=follow), Signal(signal="volume")], ids=["k", "s"])
def test_a_filter_lets_nothing_in_and_everything_out(seed, form):
    wanted, when = drawn(seed, SIGNALS)[0], drawn(seed + 9, (0.0, 1.0))[0]
    made = type(form)(**{**vars(form), "when": "high > 0.5"})
    found = signals(made, volume=wanted, high=when)

    before = 0.0
    for t, (signal, now) in enumerate(pairwise([0.0, *found])):
        assert signal == before
        before = now
        if when[t] > 0:
            assert now == wanted[t]
        elif wanted[t] * signal <= 0:
            assert now == 0.0  # left, or nothing entered
        else:
            assert abs(now) == min(abs(wanted[t]), abs(signal))
            assert now * signal > 0


@quick(6)
@given(
    seed=st.integers(0, 1000),
    weights=st.lists(st.sampled_from((0.5, 1.0, 2.0, 3.7)), min_size=3, max_size=3),
    threshold=st.sampled_from((0.1, 0.25, 0.5, 1.0)),
    scale=st.booleans(),
)
def test_weighted_votes(seed, weights, threshold, scale):
    votes = drawn(seed, SIGNALS, 3)
    texts = ("high", "low", "volume")
    members = [
        Member(form=Signal(signal=text), weight=weight)
        for text, weight in zip(texts, weights, strict=True)
    ]
    found = signals(
        Ensemble(members=members, threshold=threshold, scale=scale),
        **dict(zip(texts, votes, strict=True)),
    )
    total = weights[0] + weights[1] + weights[2]
    for t in range(COUNT):
        a, b, c = (weight * vote[t] for weight, vote in zip(weights, votes, strict=True))
        mean = (a + b + c) / total
        sign = float(mean > 0) - float(mean < 0)
        assert found[t] == ((mean if scale else sign) if abs(mean) >= threshold else 0.0), t


@pytest.mark.parametrize("vote", ["majority", "unanimous"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_counted_votes(vote, count):
    """A tie has no majority; who wants to be flat votes for neither side."""
    texts = ("high", "low", "volume")[:count]
    votes = drawn(count, SIGNALS, count)
    members = [Member(form=Signal(signal=text)) for text in texts]
    found = signals(Ensemble(members=members, vote=vote), **dict(zip(texts, votes, strict=True)))

    for t in range(COUNT):
        longs = len([v for v in votes if v[t] > 0])
        shorts = len([v for v in votes if v[t] < 0])
        enough = count if vote == "unanimous" else count // 2 + 1
        assert found[t] == (1.0 if longs >= enough else -1.0 if shorts >= enough else 0.0), t
    assert {1.0, -1.0} < {*found, 1.0, -1.0, 0.0} or count == 1


@pytest.mark.parametrize("confirm_bars", [1, 2, 4])
@pytest.mark.parametrize("otherwise", ["calm", "bear"])
def test_regimes(confirm_bars, otherwise):
    (market,) = drawn(confirm_bars, (1.0, 1.0, 2.0, 3.0, 4.0))
    market = np.repeat(market, 3)[:COUNT].tolist()
    (wanted,) = drawn(7, SIGNALS)
    form = Regimes(
        states=[
            State(name="bull", when="high <= 2"),
            State(name="bear", when=["high > 1.5", "high < 3.5"]),  # bull comes first
        ],
        use={"bull": Kernel(kernel=follow), "bear": Signal(signal="-volume / 2"), "calm": None}
        if otherwise == "calm"
        else {"bear": Signal(signal="-volume / 2"), "bull": Kernel(kernel=follow)},
        otherwise=otherwise,
        confirm_bars=confirm_bars,
    )
    found = signals(form, high=market, volume=wanted)

    names = ["bull" if m <= 2 else "bear" if m < 3.5 else otherwise for m in market]
    ruling = None
    for t in range(COUNT):
        last = names[max(0, t - confirm_bars + 1) : t + 1]
        if len(last) == confirm_bars and len(set(last)) == 1:
            ruling = last[0]
        expected = {"bull": wanted[t], "bear": -wanted[t] / 2}.get(ruling, 0.0)
        assert found[t] == expected, t


def test_members_advance_in_every_regime():
    """What a strategy holds when its regime comes does not depend on when that was."""
    (enter,), (market,) = drawn(1, (0.0, 0.0, 0.0, 1.0)), drawn(2, (0.0, 1.0))
    rules = Rules(long=side("low > 0.5", "low < -1"))
    form = Regimes(states=[State(name="on", when="high > 0.5")], use={"on": rules})

    alone = signals(rules, low=enter)
    found = signals(form, low=enter, high=market)

    assert found == [a if m > 0 else 0.0 for a, m in zip(alone, market, strict=True)]


@pytest.mark.parametrize(
    ("form", "place", "reason"),
    [
        (Rules(), (), "expected long, short or both"),
        (Rules(long=side(())), ("long", "enter"), "expected a condition, found none"),
        (Rules(long=side(["true", "zz > 1"])), ("long", "enter", 1), "column 1: no 'zz'"),
        (Rules(long=side("true"), when="close"), ("when",), "expected a condition"),
        (Signal(signal="close > 1"), ("signal",), "expected a number, found a condition"),
        (Kernel(kernel=follow, params={"a": 1}), ("params",), "no parameter 'a'"),
        (Ensemble(members=()), ("ensemble", "members"), "one member or more"),
        (
            Ensemble(members=[Member(form=Signal(signal="x"))]),
            ("ensemble", "members", 0, "signal"),
            "no 'x' is known",
        ),
        (
            Ensemble(members=[Member(form=Signal(signal="1"), weight=0.0)]),
            ("ensemble", "members", 0, "weight"),
            "expected a number > 0",
        ),
        (
            Ensemble(members=[Member(form=Signal(signal="1"), weight=2.0)], vote="majority"),
            ("ensemble", "members", 0, "weight"),
            "majority counts members alone",
        ),
        (
            Ensemble(members=[Member(form=Signal(signal="1"))], vote="unanimous", threshold=0.7),
            ("ensemble", "threshold"),
            "unanimous counts members alone",
        ),
        (
            Ensemble(members=[Member(form=Signal(signal="1"), name="a")] * 2),
            ("ensemble", "members", 1, "name"),
            "two members are named 'a'",
        ),
        (
            Regimes(states=[State(name="a", when="true")], use={}),
            ("regimes", "use"),
            "expected a strategy for the regime 'a', or flat",
        ),
        (
            Regimes(states=[State(name="a", when="true")], use={"a": None, "b": None}),
            ("regimes", "use", "b"),
            "no regime is named 'b'; expected one of a, otherwise",
        ),
        (
            Regimes(states=[State(name="a", when="true")] * 2, use={"a": None}),
            ("regimes", "states", 1),
            "two states are named 'a'",
        ),
        (
            Regimes(states=[State(name="a", when="close")], use={"a": None}),
            ("regimes", "states", 0, "when"),
            "expected a condition",
        ),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_with_its_place(form, place, reason):
    with pytest.raises(ExpressionError) as caught:
        strategy_of(form)

    assert caught.value.place == place
    assert reason in str(caught.value)
