"""Splits in whole lots: nothing lost, nothing twice, no part a lot away from its share."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.rollout import OrderSplit, StageSpec, apportion, split_capital

names = st.sampled_from(["backtest", "paper", "live", "other"])
some_weights = st.dictionaries(names, st.integers(0, 1000), min_size=1).filter(
    lambda w: sum(w.values()) > 0
)
lots = st.integers(-(2**48), 2**48) | st.integers(-20, 20)
percents = st.floats(0.0, 100.0, exclude_min=True)


def shares_hold(parts, whole, weights):
    total = sum(weights.values())
    assert sum(parts.values()) == whole
    for name, part in parts.items():
        assert abs(part - Fraction(whole * weights.get(name, 0), total)) < 1


@given(lots, some_weights)
def test_parts_add_up_and_keep_to_their_quota(whole, weights):
    parts = apportion(whole, weights)
    shares_hold(parts, whole, weights)
    assert {n: -p for n, p in parts.items()} == apportion(-whole, weights)


orders = st.lists(lots | st.tuples(some_weights), max_size=40)


@given(some_weights, orders)
def test_any_orders_and_percentages_lose_and_double_nothing(weights, moves):
    split = OrderSplit(weights)
    sent = {}
    whole = 0
    for move in moves:
        if isinstance(move, tuple):
            (weights,) = move
            made = split.reweigh(weights)
            assert sum(made.values()) == 0
        else:
            whole += move
            made = split.order(move)
            assert sum(made.values()) == move
        for name, part in made.items():
            sent[name] = sent.get(name, 0) + part
        assert split.whole == whole
        assert {n: p for n, p in sent.items() if p} == {n: p for n, p in split.parts.items() if p}
        shares_hold(split.parts, whole, weights)


@given(percents, st.sampled_from(["paper", "live"]), st.lists(lots, max_size=30))
def test_no_part_of_a_stage_trades_against_the_order(percent, mode, moves):
    stage = StageSpec(name="s", mode=mode, percent=percent)
    split = OrderSplit(stage.weights)
    for move in moves:
        # Through zero, what is closed and what is opened are two steps of one direction.
        made = split.order(move)
        assert all(part * move >= 0 for part in made.values())


@given(percents)
def test_the_weights_of_a_stage_are_its_decimal_and_no_rounding(percent):
    weights = StageSpec(name="s", mode="live", percent=percent).weights
    share = Fraction(weights["live"], sum(weights.values()))
    assert share == Fraction(repr(percent)) / 100
    assert set(weights) <= {"paper", "live"}


def test_the_part_listed_first_gets_the_odd_lot_of_equals():
    assert apportion(1, {"paper": 1, "live": 1}) == {"paper": 1, "live": 0}
    assert apportion(3, {"paper": 1, "live": 1}) == {"paper": 2, "live": 1}
    # One per cent of 49 lots is no lot yet, of 51 it is.
    assert apportion(49, {"paper": 99, "live": 1})["live"] == 0
    assert apportion(51, {"paper": 99, "live": 1})["live"] == 1


def test_splitting_each_order_by_itself_would_drift():
    weights = {"paper": 1, "live": 1}
    split = OrderSplit(weights)
    each = {"paper": 0, "live": 0}
    for _ in range(100):
        split.order(1)
        for name, part in apportion(1, weights).items():
            each[name] += part
    assert split.parts == {"paper": 50, "live": 50}
    assert each == {"paper": 100, "live": 0}  # what the rule is there for


@given(st.integers(0, 10**12), percents)
def test_capital_is_split_to_the_cent(cents, percent):
    weights = StageSpec(name="s", mode="live", percent=percent).weights
    assert sum(split_capital(cents / 100.0, weights).values()) == cents


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": 2, "b": -1}])
def test_weights_that_divide_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="expected"):
        apportion(1, weights)
    with pytest.raises(ValueError, match="whole steps"):
        split_capital(0.123, {"a": 1})
