"""Guards against overfitting: against their definitions, and told from chance."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.sweep import guards
from admf_fast.sweep.bars import Bars
from admf_fast.sweep.shuffled import Shuffled
from tests.sweep.kit import walk


def _sums(returns, parts):
    """Sums of returns (sets, bars) by part."""
    pieces = np.array_split(returns, parts, axis=1)
    return np.array([[(p.shape[1], r.sum(), (r * r).sum()) for r in p] for p in pieces])


def test_overfitting_is_certain_to_be_absent_where_one_set_is_the_best_everywhere():
    random = np.random.Generator(np.random.Philox(1))
    returns = random.normal(0.0, 0.01, (20, 1000))
    returns[7] += 0.01
    found = guards.overfitting(_sums(returns, 8))

    assert found.probability == 0.0
    assert found.splits == math.comb(8, 4)
    assert found.median_rank == pytest.approx(20 / 21)


def test_overfitting_of_noise_is_a_toss_of_a_coin():
    random = np.random.Generator(np.random.Philox(2))
    found = [
        guards.overfitting(_sums(random.normal(0.0, 0.01, (30, 400)), 6)).probability
        for _ in range(60)
    ]
    assert 0.4 < np.mean(found) < 0.6


def test_overfitting_agrees_with_ranks_of_the_returns_themselves():
    random = np.random.Generator(np.random.Philox(3))
    returns = random.normal(0.0005, 0.01, (5, 240))
    found = guards.overfitting(_sums(returns, 4))
    from itertools import combinations

    below = 0
    blocks = np.array_split(returns, 4, axis=1)
    for chosen in combinations(range(4), 2):
        sides = [
            np.concatenate([b for k, b in enumerate(blocks) if (k in chosen) == side], axis=1)
            for side in (True, False)
        ]
        train, test = (s.mean(axis=1) / s.std(axis=1, ddof=1) for s in sides)
        rank = (np.sum(test < test[np.argmax(train)]) + 1) / 6
        below += rank <= 0.5
    assert found.probability == pytest.approx(below / 6)


def test_the_deflated_sharpe_ratio_is_that_of_its_paper():
    # Bailey and López de Prado (2014), the example: 0.9004.
    found = guards.deflated_from(2.5 / math.sqrt(250), 1250, -3.0, 10.0, 100, math.sqrt(0.5 / 250))
    assert found.probability == pytest.approx(0.9004, abs=5e-4)


def test_chance_is_told_from_skill():
    random = np.random.Generator(np.random.Philox(4))
    noise = random.normal(0.0, 0.01, 2000)
    skill = noise - noise.mean() + 0.001
    for test in (guards.block_bootstrap, guards.permutation):
        assert test(skill).p_value < 0.01
        assert test(noise - noise.mean()).p_value > 0.3
        assert test(skill) == test(skill)
    assert math.isnan(guards.block_bootstrap(np.zeros(0)).p_value)


def test_a_deflated_ratio_of_more_trials_is_smaller():
    random = np.random.Generator(np.random.Philox(5))
    returns = random.normal(0.0008, 0.01, 1000)
    few, many = (
        guards.deflated_sharpe(returns, random.normal(0.0, 0.03, count)).probability
        for count in (5, 5000)
    )
    assert many < few <= 1.0


numbers = st.lists(st.integers(-5, 5).map(float), min_size=8, max_size=8)


@given(numbers, numbers)
def test_decay_agrees_with_scipy_and_with_sorting(train, test):
    from scipy.stats import spearmanr

    found = guards.decay(np.array([train]), np.array([test]))
    if len(set(train)) > 1 and len(set(test)) > 1:
        assert found.correlation == pytest.approx(spearmanr(train, test).statistic, abs=1e-12)
    else:
        assert math.isnan(found.correlation)
    assert sum(row.sets for row in found.rows) == 8
    order = sorted(range(8), key=lambda k: (-train[k], k))
    places = [[k for place, k in enumerate(order) if place * 5 // 8 == part] for part in range(5)]
    for row, chosen in zip(found.rows, places, strict=True):
        assert row.train == pytest.approx(np.mean([train[k] for k in chosen]))
        assert row.test == pytest.approx(np.mean([test[k] for k in chosen]))


def test_decay_is_over_all_folds_and_leaves_out_what_has_no_figure():
    train = np.array([[3.0, 2.0, -math.inf], [1.0, 5.0, 2.0]])
    test = np.array([[1.0, 0.0, 7.0], [0.0, 2.0, 1.0]])
    found = guards.decay(train, test)
    assert found.correlation == 1.0
    assert sum(row.sets for row in found.rows) == 5
    assert found.rows[0] == guards.DecayRow(2, 4.0, 1.5)
    assert guards.decay(np.zeros((1, 0)), np.zeros((1, 0))).rows == ()


@pytest.mark.parametrize("seed", [0, 7])
def test_shuffled_bars_are_the_same_changes_in_another_order(seed):
    block = walk(400)
    bars = Bars("X", 400, "", None, [block.slice(0, 150), block.slice(150, 400)])
    (made,) = Shuffled(bars, seed).blocks()

    def changes(one):
        inside = np.log(np.stack([one.high, one.low, one.close]) / one.open)
        return np.sort(inside[:, 1:]), np.sort(np.log(one.open[1:] / one.close[:-1]))

    for real, other in zip(changes(block), changes(made), strict=True):
        np.testing.assert_allclose(real, other, atol=1e-9)
    assert made.close[-1] == pytest.approx(block.close[-1])
    assert (made.ts_ns == block.ts_ns).all()
    assert not np.allclose(made.close, block.close, rtol=1e-3)
    assert (made.high >= np.maximum(made.open, made.close)).all()
    assert (made.low <= np.minimum(made.open, made.close)).all()
    (again,) = Shuffled(bars, seed).blocks()
    assert all((a == b).all() for a, b in zip(made.columns(), again.columns(), strict=True))
