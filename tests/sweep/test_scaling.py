"""The model of costs: its laws, its table in the pages, and the command that shows it."""

import itertools
import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.cli.main import main
from admf_fast.sweep import calibration
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.scaling import (
    CHUNK_EXTRA_SETS,
    CHUNK_S_MAX,
    CHUNK_SETS,
    CHUNK_SIZES,
    DASK,
    FEWEST_SETS,
    THREADS,
    UNEVEN,
    Costs,
    best_chunk_sets,
    estimate,
    thread_chunk_sets,
)
from admf_fast.sweep.tiles import tiles_of
from admf_fast.sweep.variants import Variants
from tests.sweep.kit import ROOT, SMALL, config_of, walk

SETS = st.integers(1, 200_000)
BARS = st.lists(st.integers(1, 5_000_000), min_size=1, max_size=9)
CORES = st.sampled_from([1, 2, 3, 16, 100, 1000])
COSTS = st.sampled_from([THREADS, DASK])
BARS_ALONE = Costs(read_ns=0.0, set_s=0.0, part_s=0.0, row_s=0.0, storage_bytes_s=math.inf)


@given(SETS, BARS, CORES, COSTS)
def test_an_estimate_keeps_its_laws(sets, bars, cores, costs):
    found = estimate(sets, bars, cores, costs)

    assert 0.0 < found.efficiency <= 1.0
    assert found.seconds >= found.core_s / cores
    assert found.tasks == -(-sets // found.chunk_sets) * len(bars)
    assert found.bytes_read >= costs.bar_bytes * sum(bars)
    assert found.limit in {"cores", "chunks", "scheduler", "storage", "driver"}
    faster = estimate(sets, bars, cores, costs._replace(bar_set_ns=costs.bar_set_ns / 2))
    assert faster.seconds <= found.seconds


@given(SETS, BARS, st.integers(1, 200_000))
def test_a_set_takes_as_long_whatever_stands_beside_it(sets, bars, size):
    found = estimate(sets, bars, 1, BARS_ALONE, size)
    assert found.seconds == pytest.approx(sets * sum(bars) * BARS_ALONE.bar_set_ns / 1e9)
    assert found.core_s == pytest.approx(found.seconds)


@given(SETS, BARS, COSTS)
def test_more_cores_take_no_longer_to_compute(sets, bars, costs):
    compute_s = [estimate(sets, bars, cores, costs, 64).compute_s for cores in (1, 2, 4, 64)]
    # Each new core reads the bars for itself: that is all that can make it more.
    reading_s = sum(bars) * costs.read_ns / 1e9
    assert all(b <= a + reading_s for a, b in itertools.pairwise(compute_s))


@given(SETS, BARS, CORES, COSTS, st.sampled_from(CHUNK_SIZES))
def test_no_other_chunk_takes_less(sets, bars, cores, costs, other):
    best = best_chunk_sets(sets, bars, cores, costs)
    chunk_s = other * max(bars) * costs.bar_set_ns / 1e9
    if other < sets and (chunk_s <= CHUNK_S_MAX or other == FEWEST_SETS):
        found = estimate(sets, bars, cores, costs, best)
        assert found.seconds <= estimate(sets, bars, cores, costs, other).seconds


def test_what_limits_is_said():
    million, many = [1_000_000], [1_000_000] * 500
    assert estimate(10_000, many, 4, DASK).limit == "cores"
    assert estimate(10_000, million, 1000, DASK).limit == "driver"
    assert estimate(200, [20_000_000], 1000, DASK, 100).limit == "chunks"
    assert estimate(1_000_000, [10_000], 1000, DASK, 8).limit == "scheduler"
    slow = DASK._replace(storage_bytes_s=1e6)
    assert estimate(10_000, many, 100, slow, 128).limit == "storage"


@given(st.integers(1, 3000), st.integers(1, 9), st.sampled_from([1, 2, 3, 8, 64]))
def test_no_other_size_leaves_the_busiest_thread_less_to_do(sets, inputs, threads):
    def busiest(size):
        chunks = len(range(0, sets, size)) * inputs
        waits = UNEVEN * size if threads > 1 else 0.0
        return len(range(0, chunks, threads)) * (size + CHUNK_EXTRA_SETS) + waits

    chosen = thread_chunk_sets(sets, inputs, threads)
    sizes = range(1, min(CHUNK_SETS, sets) + 1)
    assert busiest(chosen) == min(map(busiest, sizes))
    assert all(size <= chosen for size in sizes if busiest(size) == busiest(chosen))


@given(st.integers(1, 1000), st.integers(1, 9), st.sampled_from([1, 2, 3, 8, 64]))
def test_no_thread_has_much_more_to_do_than_another(sets, inputs, threads):
    size = thread_chunk_sets(sets, inputs, threads)
    loads = [0] * threads
    for _ in range(-(-sets // size) * inputs):  # each chunk goes to whoever has least
        loads[loads.index(min(loads))] += size + CHUNK_EXTRA_SETS

    each = sets * inputs / threads
    chunks = -(-each // CHUNK_SETS) + inputs
    assert 1 <= size <= min(CHUNK_SETS, sets)
    assert max(loads) <= 1.5 * each + (chunks + 1) * (CHUNK_EXTRA_SETS + 1) or size == 1


@pytest.mark.parametrize(
    ("sets", "inputs", "threads", "size"),
    [
        (128, 3, 2, 64),
        (10, 3, 2, 10),
        (200, 1, 2, 100),
        (512, 1, 2, 128),
        (200, 1, 1, 200),
        (10_000, 1, 2, 250),
        (1, 5, 4, 1),
    ],
)
def test_chunks_of_several_inputs_are_dealt_evenly(sets, inputs, threads, size):
    assert thread_chunk_sets(sets, inputs, threads) == size


@pytest.mark.parametrize("count", [1, 3, 100])
def test_what_is_measured_is_of_one_bar_and_set(count, monkeypatch):
    config = config_of(SMALL)
    space = space_of(config)
    variants, sets = Variants(config, space), (space.sets() * 10)[:count]
    monkeypatch.setattr(
        calibration, "_fed_s", lambda run, _, piece: run.lanes * len(piece) * 2.0**-27
    )
    assert calibration.calibrated(space, variants, sets, _Few()) == 1e9 * 2.0**-27


def test_where_the_chunk_in_the_middle_is_refused_another_is_measured(monkeypatch):
    grid = (
        "{costs.fee_bps: [0, -1, 1], strategy.params.fast: 'range(2, 25)', "
        "strategy.params.slow: 'range(30, 53)'}"
    )
    config = config_of(f"sweep: {{grid: {grid}}}\n")
    space = space_of(config)
    variants, sets = Variants(config, space), space.sets()
    tiles = tiles_of(space, sets, variants, CHUNK_SETS)
    assert all(variants.at(sets[k]).refusal for k in tiles[len(tiles) // 2])
    monkeypatch.setattr(calibration, "_fed_s", lambda run, _, piece: run.lanes * len(piece) * 1.0)
    assert calibration.calibrated(space, variants, sets, _Few()) == 1e9


class _Few:
    symbol = "AAPL"

    def blocks(self):
        yield walk(300)


def test_the_command_says_what_a_sweep_would_take_and_runs_nothing(tmp_path, monkeypatch, capsys):
    example = str(ROOT / "examples" / "sma_cross_sweep.yaml")
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", example, "--estimate", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["sets"], found["inputs"], found["bars"]) == (348, 2, 6540)
    assert 0.1 < found["bar_set_ns"] < 1e6
    assert [one["cores"] for one in found["dask"]] == [1, 2, 10, 100, 1000]
    assert main(["sweep", example, "--estimate", "--out", "x.parquet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("348 sets on 2 inputs (6,540 bars), ")
    assert len(lines) == 2 + len(found["threads"]) + len(found["dask"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Missing option '--out'"),
        (["--out", "x", "--workers", "2"], "belong to --engine dask"),
        (["--out", "x", "--scheduler", "tcp://h:1"], "belong to --engine dask"),
        (["--out", "x", "--engine", "dask", "--threads", "2"], "use --workers"),
        (
            ["--out", "x", "--engine", "dask", "--scheduler", "tcp://h:1", "--workers", "2"],
            "leave out --workers",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, said, capsys):
    example = str(ROOT / "examples" / "sma_cross_sweep.yaml")
    assert main(["sweep", example, *options]) == 2
    assert said in capsys.readouterr().err


def test_without_the_extra_it_is_named(tmp_path, monkeypatch, capsys):
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    example = str(ROOT / "examples" / "sma_cross_sweep.yaml")
    out = str(tmp_path / "x.parquet")
    assert main(["sweep", example, "--out", out, "--engine", "dask"]) == 2
    assert "pip install 'admf-fast[dask]'" in capsys.readouterr().err


def test_the_table_of_the_page_is_the_model_s():
    page = (ROOT / "docs" / "scaling.md").read_text()
    rows = re.findall(r"^\| ([\d,]+) x ([\d,]+) x ([\d,]+) \|(.*)\|$", page, re.M)
    assert len(rows) >= 4
    ns = re.search(r"^With ([\d.]+) ns per bar and set", page, re.M)
    costs = DASK._replace(bar_set_ns=float(ns[1]))
    for sets, inputs, bars, cells in rows:
        numbers = [int(n.replace(",", "")) for n in (sets, inputs, bars)]
        for cores, cell in zip((1, 10, 100, 1000), cells.split("|"), strict=True):
            found = estimate(numbers[0], [numbers[2]] * numbers[1], cores, costs)
            assert cell.strip() == f"{found.seconds:,.0f} s, {found.efficiency:.0%}, {found.limit}"
