"""Choosing and testing: splits by time, the choice, the test as a run of its own."""

import itertools
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
from admf_fast.config import HoldoutSpec, KFoldSpec, WalkForwardSpec
from admf_fast.data import format_ts
from admf_fast.errors import ConfigError
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.folds import DAY_NS, folds_of, split_digest
from admf_fast.sweep.validation import validate_sets
from admf_fast.sweep.validation_output import fold_json
from admf_fast.sweep.variants import Variants
from admf_kernels.layout import pack
from tests.sweep.kit import config_of

TEXT = """\
sweep:
  grid: {strategy.params.fast: [5, 10, 20], strategy.params.slow: [30, 50]}
"""
WALK = "train: 800, test: 300, gap: 7, unit: days"
SPLITS = {
    "walkforward": WALK,
    "kfold": "folds: 5, purge: 3, embargo: 11, unit: days",
    "holdout": "test_from: '2010-06-01', gap: 5, unit: days",
}


def config_for(kind, more=""):
    return config_of(f"{TEXT}  {kind}: {{{SPLITS[kind]}{more}}}\n")


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
        trained, tested = (np.unique(day[slice(*bars)]) for bars in (fold.train[0], fold.test))
        between = np.unique(day[fold.train[0][1] : fold.test[0]])
        assert (len(tested), len(between)) == (test, gap)
        assert len(trained) == train or (anchored and fold.train[0][0] == 0)
        assert not set(trained) & set(tested)
        assert before is None or before.test[1] == fold.test[0]
    assert split_digest(folds) != split_digest(folds[:-1])


@given(
    st.integers(2, 12), st.integers(0, 9), st.integers(0, 9), st.sampled_from(("bars", "days")),
)  # fmt: skip
def test_every_bar_is_tested_once_and_never_near_its_train_bars(folds, purge, embargo, unit):
    random = np.random.Generator(np.random.Philox(folds))
    ts_ns = 1 + np.cumsum(random.integers(1, DAY_NS // 2, 200))
    spec = KFoldSpec(folds=folds, purge=purge, embargo=embargo, unit=unit)
    found = folds_of(spec, ts_ns)
    day = (ts_ns - 1) // DAY_NS if unit == "days" else np.arange(200)
    units = np.unique(day)
    assert [*itertools.chain.from_iterable(range(*fold.test) for fold in found)] == [*range(200)]
    for fold in found:
        tested = np.searchsorted(units, np.unique(day[slice(*fold.test)]))
        trained = [np.searchsorted(units, np.unique(day[slice(*span)])) for span in fold.train]
        away = {*range(tested[0] - purge, tested[-1] + 1 + embargo)}
        assert {*range(len(units))} - away == {*np.concatenate(trained).tolist()}


@pytest.mark.parametrize("gap", [0, 4])
def test_held_out_bars_begin_at_a_time(gap):
    ts_ns = DAY_NS * np.arange(18_000, 18_100)
    spec = HoldoutSpec(test_from="2019-05-01T00:00:00", gap=gap)
    (fold,) = folds_of(spec, ts_ns)
    first = int(fold.test_ts_ns[0])
    assert np.datetime64(first, "ns") == np.datetime64("2019-05-01")
    assert fold.test == (fold.train[0][1] + gap, 100)
    for outside in ("1990-01-01", "2090-01-01"):
        with pytest.raises(ConfigError, match="there are no bars"):
            folds_of(HoldoutSpec(test_from=outside), ts_ns)


@pytest.mark.parametrize(
    ("kind", "more", "folds"),
    [
        ("walkforward", ", warmup: cold", 8),
        ("walkforward", ", warmup: ready, anchored: true", 8),
        ("walkforward", ", warmup: 40", 8),
        ("walkforward", ", warmup: train", 8),
        ("kfold", ", warmup: ready", 5),
        ("kfold", ", warmup: train", 5),
        ("holdout", ", warmup: cold", 1),
        ("holdout", ", warmup: train", 1),
    ],
)
def test_the_test_of_a_fold_is_the_run_of_its_set_alone(kind, more, folds):
    config = config_for(kind, more)
    found = validate_sets(config, kind, threads=2)[0]
    space = space_of(config)
    variants, sets = Variants(config, space), space.sets()
    assert len(found.folds) == folds
    for one in found.folds[:: max(1, folds // 2)]:
        assert one.warmup_bars == _warmup(one, more)
        alone = variants.config_at(sets[one.chosen])
        run = fold_json(one, found.by)["run"]
        bars = structs.replace(alone.bars, start=run["bars.start"], end=run["bars.end"])
        result = backtest(structs.replace(alone, bars=bars), write=False).result
        assert pack(result.summary).tobytes() == pack(one.test.summary).tobytes()
        assert result.layers["signals"] == one.test.signals
        _check_own_bars(one, result.tables["equity"]["equity"].to_numpy())


def _warmup(one, more):
    """Bars before the test that the policy asks for."""
    begin = one.fold.test[0]
    before = [first for first, last in one.fold.train if last <= begin]
    wanted = {"cold": 0, "ready": one.params["slow"] - 1, "40": 40}
    wanted["train"] = begin - before[0] if before else 0
    return min(begin, next(bars for name, bars in wanted.items() if f"warmup: {name}" in more))


def _check_own_bars(one, equity):
    """The figures of the test bars alone are those of the end of the run's equity."""
    equity = np.concatenate([[100_000.0], equity])[one.warmup_bars :]
    returns = equity[1:] / equity[:-1] - 1.0
    own = one.test_bars
    assert len(returns) == one.fold.test[1] - one.fold.test[0]
    assert own.total_return == equity[-1] / equity[0] - 1.0
    spread = np.std(returns, ddof=1)
    assert own.sharpe == pytest.approx(np.mean(returns) / spread * math.sqrt(252), rel=1e-9)
    if one.warmup_bars == 0:
        assert own.total_return == pytest.approx(one.test.summary.total_return, rel=1e-12)
        assert own.sharpe == pytest.approx(one.test.summary.sharpe, rel=1e-12)


def test_a_set_of_a_fold_is_chosen_by_both_sides_of_its_test():
    config = config_for("kfold")
    one = validate_sets(config, "kfold")[0].folds[2]
    space = space_of(config)
    variants, sets = Variants(config, space), space.sets()
    assert len(one.fold.train_ts_ns) == 2
    figures = []
    for values in sets:
        sides = []
        for span in one.fold.train_ts_ns:
            alone = variants.config_at(values)
            start, end = (format_ts(ts + k * 10**9) for k, ts in enumerate(span))
            bars = structs.replace(alone.bars, start=start, end=end)
            summary = backtest(structs.replace(alone, bars=bars), write=False).result.summary
            sides.append((summary.bars, summary.sharpe))
        total = sum(bars for bars, _ in sides)
        figures.append(sum(bars * sharpe for bars, sharpe in sides) / total)
    assert one.chosen == int(np.argmax(figures))
    assert one.train_figure == pytest.approx(max(figures), rel=1e-12)


def test_a_split_that_was_written_down_is_the_only_one_taken():
    found = validate_sets(config_for("holdout"), "holdout")[0]
    validate_sets(config_for("holdout", f", split: '{found.split[:12]}'"), "holdout")
    with pytest.raises(ConfigError, match="expected the split 0000000000"):
        validate_sets(config_for("holdout", ", split: '0000000000'"), "holdout")


def test_shuffled_bars_show_what_choosing_finds_in_chance():
    found = validate_sets(config_for("holdout", ", shuffles: 20"), "holdout")[0].guarded
    again = validate_sets(config_for("holdout", ", shuffles: 20"), "holdout", threads=1)[0].guarded
    assert found.shuffled == again.shuffled
    assert found.shuffled.samples == 20
    assert 1 / 21 <= found.shuffled.p_value <= 1.0
    assert validate_sets(config_for("holdout"), "holdout")[0].guarded.shuffled.samples == 0


def test_the_chosen_set_is_the_best_on_the_train_bars():
    config = config_for("walkforward")
    walk = validate_sets(config, "walkforward")[0]
    space = space_of(config)
    variants, sets = Variants(config, space), space.sets()
    one = walk.folds[2]
    start, end = (format_ts(ts + k * 10**9) for k, ts in enumerate(one.fold.train_ts_ns[0]))
    found = []
    for values in sets:
        alone = variants.config_at(values)
        bars = structs.replace(alone.bars, start=start, end=end)
        found.append(backtest(structs.replace(alone, bars=bars), write=False).result.summary.sharpe)
    assert one.chosen == int(np.argmax(found))
    assert one.train_figure == max(found)


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
        validate_sets(
            config_of("sweep:\n  grid: {strategy.params.fast: [5]}\n" + section), "walkforward"
        )
