"""Walk-forward: splits by time, the choice, the test as a run of its own, and the guards."""

import json
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from admf_fast import backtest
from admf_fast.cli.main import main
from admf_fast.config import WalkForwardSpec
from admf_fast.errors import ConfigError
from admf_fast.sweep import guards
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.folds import DAY_NS, folds_of, split_digest
from admf_fast.sweep.variants import Variants
from admf_fast.sweep.walkforward import walk_forward
from admf_kernels.layout import pack
from tests.sweep.kit import config_of

TEXT = """\
sweep:
  grid: {{strategy.params.fast: [5, 10, 20], strategy.params.slow: [30, 50]}}
  walkforward: {{train: 800, test: 300, gap: 7, unit: days, warmup: {warmup}, anchored: {anchored}}}
"""


@given(
    st.integers(1, 30), st.integers(1, 20), st.integers(0, 5), st.booleans(),
    st.sampled_from(("bars", "days")),
)  # fmt: skip
def test_no_test_bar_is_seen_before_its_train_bars_and_the_gap(train, test, gap, anchored, unit):
    random = np.random.Generator(np.random.Philox(train * 100 + test))
    ts_ns = 1 + np.cumsum(random.integers(1, DAY_NS // 2, 200))
    spec = WalkForwardSpec(train=train, test=test, gap=gap, anchored=anchored, unit=unit)
    try:
        folds = folds_of(spec, ts_ns)
    except ConfigError:
        days = np.unique((ts_ns - 1) // DAY_NS).size
        assert train + gap + test > (days if unit == "days" else 200)
        return
    day = (ts_ns - 1) // DAY_NS if unit == "days" else np.arange(200)
    for before, fold in zip([None, *folds], folds, strict=False):
        trained, tested = (np.unique(day[slice(*bars)]) for bars in (fold.train, fold.test))
        between = np.unique(day[fold.train[1] : fold.test[0]])
        assert (len(tested), len(between)) == (test, gap)
        assert len(trained) == train or (anchored and fold.train[0] == 0)
        assert not set(trained) & set(tested)
        assert before is None or before.test[1] == fold.test[0]
    assert split_digest(folds) != split_digest(folds[:-1])


@pytest.mark.parametrize(
    ("warmup", "anchored"), [("cold", "false"), ("ready", "true"), (40, "false")]
)
def test_the_test_of_a_fold_is_the_run_of_its_set_alone(warmup, anchored):
    config = config_of(TEXT.format(warmup=warmup, anchored=anchored))
    walk = walk_forward(config, threads=2)[0]
    space = space_of(config)
    variants, sets = Variants(config, space), space.sets()
    assert len(walk.folds) == 8
    for one in walk.folds[::3]:
        expected = {"cold": 0, "ready": one.params["slow"] - 1}.get(str(warmup), warmup)
        assert one.warmup_bars == expected
        alone = variants.config_at(sets[one.chosen])
        from admf_fast.sweep.walk_output import _fold_json

        run = _fold_json(one, walk.by)["run"]
        bars = structs.replace(alone.bars, start=run["bars.start"], end=run["bars.end"])
        result = backtest(structs.replace(alone, bars=bars), write=False).result
        assert pack(result.summary).tobytes() == pack(one.test.summary).tobytes()
        assert result.layers["signals"] == one.test.signals


def test_the_chosen_set_is_the_best_on_the_train_bars():
    config = config_of(TEXT.format(warmup="cold", anchored="false"))
    walk = walk_forward(config)[0]
    space = space_of(config)
    variants, sets = Variants(config, space), space.sets()
    from admf_fast.data import format_ts

    one = walk.folds[2]
    start, end = (format_ts(ts + k * 10**9) for k, ts in enumerate(one.fold.train_ts_ns))
    found = []
    for values in sets:
        alone = variants.config_at(values)
        bars = structs.replace(alone.bars, start=start, end=end)
        found.append(backtest(structs.replace(alone, bars=bars), write=False).result.summary.sharpe)
    assert one.chosen == int(np.argmax(found))
    assert one.train.summary.sharpe == max(found)


def test_the_command_tells_the_same_and_writes_the_folds(tmp_path, capsys):
    from tests.sweep.kit import ROOT

    path = ROOT / "examples" / "walkforward_sweep.yaml"
    assert main(["walkforward", str(path), "--out", str(tmp_path / "f.parquet"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["inputs"][0]
    table = pl.read_parquet(tmp_path / "f.parquet")
    assert table["set"].to_list() == [fold["set"] for fold in found["folds"]]
    assert table["test_sharpe"].to_list() == [fold["test_sharpe"] for fold in found["folds"]]
    assert main(["walkforward", str(path)]) == 0
    assert found["split"][:16] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("", "walkforward is missing"),
        ("  walkforward: {train: 9000, test: 10}\n", "there are 3,270"),
        ("  walkforward: {train: 90, test: 10, by: sharp}\n", "did you mean sharpe"),
    ],
)
def test_what_cannot_be_walked_is_refused(section, said):
    with pytest.raises(ConfigError, match=said):
        walk_forward(config_of("sweep:\n  grid: {strategy.params.fast: [5]}\n" + section))


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
