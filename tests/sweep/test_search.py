"""A study as the driver of a sweep: the same seed finds the same, stopped or not."""

import builtins
import json

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from admf_fast.cli.main import main
from admf_fast.errors import ConfigError
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.proposals import Proposals, is_ordered
from admf_fast.sweep.run import run_sweep
from admf_fast.sweep.values import values_of
from admf_fast.sweep.variants import Variants
from tests.sweep.kit import BASE, ROOT, alone, config_of

SPACE = """\
sweep:
  grid:
    strategy.params.fast: range(2, 30)
    strategy.params.slow: {values: "range(10, 90, 2)", when: fast < 25}
    costs.slippage_bps: uniform(0, 3)
  zip:
    - {direction: [long_short, long_only], costs.fee_bps: [0, 1.5]}
  where: fast < slow
"""
SEARCH = "  search: {trials: 40, metric: sharpe, seed: 3, batch: 8}\n"
TWO = "  data: [../data/AAPL_1d.parquet, ../data/MSFT_1d.parquet]\n"


def searched(path, text=SPACE + SEARCH + TWO, **options):
    result = run_sweep(config_of(text), path, **options)
    return result, path.read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("whole") / "x.parquet", threads=1)


def test_the_winner_is_the_run_of_its_set_alone(whole, tmp_path):
    result, _ = whole
    rows = pl.read_parquet(result.path).filter(pl.col("set") == result.best.set)
    config = config_of(SPACE + SEARCH + TWO)
    variants = Variants(config, space_of(config))
    figures, signals = alone(variants, [*result.best.params.values()])
    row = rows.filter(pl.col("symbol") == "AAPL")
    names = row.columns[row.columns.index("bars") :][: len(figures) // 8]

    assert b"".join(row[n].to_numpy().tobytes() for n in names) == figures
    assert row["signals_digest"].to_list() == [signals]
    assert result.best.figure == rows["sharpe"].sum() / 2


def test_the_winner_is_the_best_row_and_rows_are_those_of_a_sweep(whole):
    result, _ = whole
    table = pl.read_parquet(result.path)
    means = table.group_by("set", maintain_order=True).agg(pl.col("sharpe").mean())
    assert means["set"].to_list() == [*range(result.sets)]
    assert result.best.set == means["sharpe"].arg_max()
    assert table.filter(pl.col("fast") >= pl.col("slow")).is_empty()
    assert table["slow"].null_count() == table.filter(pl.col("fast") >= 25).height
    assert set(table.select("direction", "costs.fee_bps").unique().rows()) <= {
        ("long_short", 0.0), ("long_only", 1.5),
    }  # fmt: skip
    counts = result.best.counts
    assert counts["proposed"] == 40 == result.sets + counts["repeated"]
    about = json.loads(pq.read_metadata(result.path).metadata[b"admf.sweep"])
    assert about["search"]["seed"] == 3
    assert about["search"]["proposed"] == 40


def test_threads_and_interruptions_change_no_byte(whole, tmp_path):
    _, expected = whole
    assert searched(tmp_path / "a.parquet", threads=3)[1] == expected

    def stop(watched):
        if watched.done > 3 * 8 * 6540:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path / "b.parquet", threads=1, progress=stop)
    result, found = searched(tmp_path / "b.parquet")
    assert found == expected
    assert result.chunks_kept >= 4


def test_parts_of_another_study_are_never_taken(whole, tmp_path):
    path = tmp_path / "x.parquet"

    def stop(watched):
        if watched.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        searched(path, SPACE + SEARCH.replace("seed: 3", "seed: 4") + TWO, progress=stop)
    result, found = searched(path)
    assert (found, result.chunks_kept) == (whole[1], 0)
    assert "were removed" in result.notes[0]


def test_a_study_learns(tmp_path):
    """On a smooth figure of its own it comes nearer than chance does, and of equal seeds twice."""
    text = SPACE + "  search: {trials: 80, seed: %d, batch: 10, sampler: %s}\n"

    def reached(seed, sampler):
        config = config_of(text % (seed, sampler))
        space = space_of(config)
        study = Proposals(space, space.search)
        best, told = -np.inf, []
        while batch := study.ask():
            figures = [-((v[0] - 17) ** 2) - (v[2] - 1.2) ** 2 * 50.0 for v in batch]
            study.tell(figures)
            told += batch
            best = max(best, *figures)
        return best, told

    for seed in (1, 2):
        learned, told = reached(seed, "tpe")
        assert learned >= reached(seed, "random")[0]
        assert reached(seed, "tpe") == (learned, told)


def test_sets_known_already_are_answered_at_once(tmp_path):
    text = "sweep:\n  grid: {strategy.params.fast: [5, 10], costs.fee_bps: [0, 1]}\n"
    text += "  search: {trials: 100, batch: 3}\n"
    result, _ = searched(tmp_path / "x.parquet", text)
    assert result.sets == 4
    assert result.best.counts == {"proposed": 100, "repeated": 96, "refused": 0}


def test_where_may_leave_nothing_to_propose(tmp_path):
    text = "sweep:\n  grid: {strategy.params.fast: [5, 10]}\n  where: fast > 20\n"
    with pytest.raises(ConfigError, match="no set that was proposed"):
        searched(tmp_path / "x.parquet", text + "  search: {trials: 5}\n")


def test_sets_without_a_figure_are_rows_and_the_study_goes_on(tmp_path):
    text = "sweep:\n  grid: {strategy.params.fast: 'range(5, 80, 5)'}\n"
    result, _ = searched(tmp_path / "x.parquet", text + "  search: {trials: 30, batch: 4}\n")
    table = pl.read_parquet(tmp_path / "x.parquet")
    assert result.found.failed == table["error"].is_not_null().sum() > 0
    assert table["error"][result.best.set] is None


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        ("range(1, 5)", True), ([5, 3, 1], True), ([1, 5, 3], False), ([1, 1], False),
        ([True, False], False), (["a", "b"], False), ("logspace(1, 100, 5)", True),
    ],
)  # fmt: skip
def test_values_are_near_each_other_where_they_are_ordered(given, ordered):
    assert is_ordered(values_of(given)) == ordered


def test_without_optuna_the_error_names_the_extra(tmp_path, monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == "optuna":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ConfigError, match=r"pip install 'admf-fast\[search\]'"):
        searched(tmp_path / "x.parquet")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  search: {trials: 5, metric: sharp}\n", "did you mean sharpe"),
        ("  search: {trials: 5}\n  sample: {sets: 3}\n", "expected search or sample; found both"),
    ],
)
def test_a_wrong_search_is_refused(tmp_path, text, said):
    with pytest.raises(ConfigError, match=said):
        searched(tmp_path / "x.parquet", SPACE + text)


def test_the_command_searches(tmp_path, capsys):
    (tmp_path / "c.yaml").write_text((BASE + SPACE).replace("../data", str(ROOT / "data")))
    command = ["sweep", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "x.parquet")]
    assert main([*command, "--metric", "calmar"]) == 2
    assert main([*command, "--trials", "10", "--metric", "calmar", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["search"]["metric"] == "calmar"
    table = pl.read_parquet(tmp_path / "x.parquet")
    assert found["search"]["best"]["calmar"] == table["calmar"].max()
    assert main([*command, "--trials", "10"]) == 0
    assert "best sharpe" in capsys.readouterr().out
