"""The ways in: frames in Python, the commands, the example that ships."""

import gc
import json
import re

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import admf_fast
from admf_fast import load_config
from admf_fast.cli.main import main
from admf_fast.config import config_digest, parse_config, to_yaml
from admf_fast.data import BarBlock
from admf_fast.errors import ConfigError, StateError
from admf_fast.sweep.bars import Bars
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.run import Sweep, collecting_only_new, run_sweep
from admf_fast.sweep.show import grid, top
from admf_fast.sweep.variants import Variants
from tests.sweep.kit import ROOT, SMALL, config_of

EXAMPLE = ROOT / "examples" / "sma_cross_sweep.yaml"


@pytest.fixture
def results(tmp_path):
    run_sweep(config_of(SMALL), tmp_path / "x.parquet")
    return tmp_path / "x.parquet"


def ran(capsys, *arguments):
    code = main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_frame_gives_a_frame_of_its_library():
    from msgspec import structs

    config = config_of(SMALL)
    table = pq.read_table(ROOT / "data" / "AAPL_1d.parquet")
    held = structs.replace(config, bars=structs.replace(config.bars, path="", symbol="AAPL"))
    expected = admf_fast.sweep(config)
    assert expected.num_rows == 10

    frame = admf_fast.sweep(held, pl.from_arrow(table))
    assert isinstance(frame, pl.DataFrame)
    assert frame.equals(pl.from_arrow(expected))
    pandas = admf_fast.sweep(held, table.to_pandas())
    assert type(pandas).__module__.startswith("pandas")
    assert pandas["sharpe"].tolist() == expected["sharpe"].to_pylist()
    both = admf_fast.sweep(held, {"A": pl.from_arrow(table), "B": pl.from_arrow(table)})
    assert both["symbol"].to_list() == ["A", "B"] * 10
    assert both["sharpe"].to_list()[::2] == frame["sharpe"].to_list()


def alive():
    return [one for one in gc.get_objects() if type(one) in (Bars, BarBlock, Sweep)]


def test_a_sweep_leaves_no_bars_behind(tmp_path):
    """Many sweeps of one process need no more memory than one: no ring holds what one had."""
    run_sweep(config_of(SMALL), tmp_path / "first.parquet")
    gc.collect()
    gc.disable()
    try:
        before = set(map(id, alive()))
        run_sweep(config_of(SMALL), tmp_path / "x.parquet")
        left = [type(one) for one in alive() if id(one) not in before]
    finally:
        gc.enable()

    assert left == []


def test_the_collector_looks_at_all_objects_again_after_a_sweep(tmp_path):
    def fail():
        with collecting_only_new():
            raise KeyError(gc.get_freeze_count())

    with pytest.raises(KeyError) as failed:
        fail()
    assert failed.value.args[0] > 0
    assert gc.get_freeze_count() == 0
    run_sweep(config_of(SMALL), tmp_path / "x.parquet")
    assert gc.get_freeze_count() == 0


def test_objects_that_the_process_has_frozen_stay_so():
    gc.freeze()
    try:
        with collecting_only_new():
            pass
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_the_function_is_there_however_it_is_imported():
    from admf_fast import sweep
    from admf_fast.sweep import sweep as function

    for one in (sweep, function, admf_fast.sweep):
        with pytest.raises(ConfigError, match="sweep is missing"):
            one(config_of(""))


def test_the_example_runs_and_its_results_can_be_looked_at(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = ran(capsys, "sweep", EXAMPLE, "--out", "s.parquet", "--threads", 2, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["sets"], found["rows"], found["bars"]) == (348, 696, 6540)
    assert found["peak_memory_bytes"] > 0
    assert found["ns_per_bar_and_set"] > 0

    code, out, _ = ran(capsys, "top", "s.parquet", "--by", "calmar", "-n", 3, "--json")
    rows = json.loads(out)["rows"]
    best = pl.read_parquet("s.parquet").sort("calmar", descending=True)["calmar"].head(3)
    assert [row["calmar"] for row in rows] == best.to_list()
    code, out, _ = ran(capsys, "top", "s.parquet", "-n", 2, "--symbol", "MSFT")
    assert out.splitlines()[0].split()[:3] == ["set", "symbol", "fast"]
    assert all("MSFT" in line for line in out.splitlines()[1:])


@pytest.mark.parametrize("suffix", ["html", "png", "svg"])
def test_a_heatmap_is_written(results, suffix, capsys):
    target = results.with_name(f"x.{suffix}")
    code, out, err = ran(capsys, "heatmap", results, "fast", "slow", "--out", target)

    assert (code, out) == (0, f"Written: {target}\n"), err
    content = target.read_bytes()
    starts = {"html": b"<!doctype html>", "png": b"\x89PNG", "svg": b"<?xml"}
    assert content.startswith(starts[suffix])
    assert len(content) > 5_000


def test_a_heatmap_says_what_its_cells_put_together(results):
    table = pq.read_table(results)
    others = table.set_column(1, "symbol", pa.array(["OTHER"] * len(table)).cast(table[1].type))
    both = results.with_name("both.parquet")
    rows = pa.concat_tables([table, others]).replace_schema_metadata(
        pq.read_metadata(results).metadata
    )
    pq.write_table(rows, both)

    assert "symbol" not in grid(results, "fast", "slow", "sharpe").title
    title = grid(both, "fast", "slow", "sharpe", aggregate="median").title
    assert title.startswith("sharpe over fast and slow, median of all ")
    assert "symbol" in title
    assert "symbol" not in grid(both, "fast", "slow", "sharpe", symbol="OTHER").title


def test_parallel_coordinates_are_written(results, capsys):
    target = results.with_name("p.html")
    _, out, _ = ran(capsys, "parallel", results, "--out", target, "--json")

    assert json.loads(out)["lines"] == 10
    assert b"parcoords" in target.read_bytes()


def test_cells_of_a_grid_are_the_aggregates_of_their_rows(results):
    table = pl.read_parquet(results)
    for aggregate in ("mean", "min", "max"):
        found = grid(results, "fast", "slow", "sharpe", aggregate=aggregate)
        assert (found.x, found.y) == ([5, 10, 20], [15, 50])
        for j, slow in enumerate(found.y):
            for i, fast in enumerate(found.x):
                rows = table.filter((pl.col("fast") == fast) & (pl.col("slow") == slow))["sharpe"]
                expected = getattr(rows, aggregate)()
                assert found.z[j][i] == (pytest.approx(expected) if len(rows) else None)


def test_questions_that_make_no_sense_are_answered(results, tmp_path):
    with pytest.raises(ConfigError, match="did you mean sharpe"):
        top(results, "sharp", 5)
    with pytest.raises(ConfigError, match=r"fats is no parameter .*did you mean fast"):
        grid(results, "fats", "slow", "sharpe")
    with pytest.raises(ConfigError, match="MSFT is no symbol"):
        top(results, "sharpe", 5, symbol="MSFT")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(StateError, match="results of admf sweep, found a Parquet file that no"):
        top(tmp_path / "other.parquet", "sharpe", 5)
    with pytest.raises(StateError, match="results of admf sweep, found no such file"):
        top(tmp_path / "none.parquet", "sharpe", 5)


def test_smallest_first(results):
    table = top(results, "max_drawdown", 10, smallest=True)
    values = table["max_drawdown"].to_pylist()

    assert values == sorted(values)
    assert len(values) == 10


def test_a_sweep_is_no_part_of_what_a_run_means():
    assert config_digest(config_of(SMALL)) == config_digest(config_of(""))
    assert load_config(EXAMPLE).sweep


PAGES = [(ROOT / "docs" / f"{name}.md").read_text() for name in ("sweeps", "validation")]
TEXTS = [b for page in PAGES for b in re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S)]
BLOCKS = [b for b in TEXTS if "sweep:" in b and "from_signals" not in b]


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_examples_of_the_page_have_sets(block):
    config = parse_config(block, name="page.yaml", format="yaml", base_dir=str(ROOT / "examples"))
    sets = space_of(config).sets()

    assert len(sets) in {0: range(20, 49), 1: range(300, 501), 2: (6,)}[BLOCKS.index(block)]
    assert all(not Variants(config, space_of(config)).at(values).refusal for values in sets[:3])


def test_a_sweep_is_written_out_and_read_back():
    for path in (EXAMPLE, ROOT / "examples" / "walkforward_sweep.yaml"):
        config = load_config(path)
        again = parse_config(to_yaml(config), name="a.yaml", format="yaml")
        assert again.sweep == config.sweep
        assert space_of(again).sets() == space_of(config).sets()
