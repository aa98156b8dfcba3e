"""The proof as a whole: every example, bars of any number, and what a failed one says."""

import json
from pathlib import Path

import pytest

from admf_fast import prove
from admf_fast.config import load_config
from admf_fast.data import SynthSpec, concat_blocks, synth_blocks
from admf_fast.errors import DivergenceError
from admf_fast.parity import proving, ways
from admf_fast.parity.proving import RUNS, prove_bars
from admf_fast.parity.ways import random_cuts
from admf_fast.runners.recorder import LAYERS, PANEL_LAYERS
from admf_fast.runners.setup import prepare
from admf_kernels.testing import random_bars
from tests.engine.kit import bars_of, block_of, config_of, setup_of

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(
    p
    for p in (ROOT / "examples").rglob("*")
    if p.suffix in (".yaml", ".yml", ".toml") and p.name != "plan.yaml"  # of a rollout
)
NAMES = ["one block", "random blocks", "live, bar by bar", "restarted", "lane of a sweep",
         "plain Python"]  # fmt: skip
PANEL_NAMES = ["one block", "random blocks", "live, moment by moment", "restarted",
               "general form", "plain Python"]  # fmt: skip


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_every_example_is_proven(path):
    config = load_config(path)
    proof = prove(config)

    assert proof.identical, str(proof.difference)
    names = PANEL_NAMES if config.instruments else NAMES
    assert [run.name for run in proof.runs] == names
    assert all(run.bars == proof.bars for run in proof.runs[:-1])
    assert all(run.layers == proof.layers for run in proof.runs[:-1])
    assert set(proof.layers) == set(PANEL_LAYERS if config.instruments else LAYERS)


def test_two_hundred_thousand_synthetic_minutes_are_proven():
    bars = concat_blocks(list(synth_blocks(SynthSpec(bars=200_000, gap_probability=0.001))))
    done = []
    proof = prove_bars(setup_of("sma_cross"), bars, progress=done.append)

    assert proof.identical, str(proof.difference)
    assert proof.bars == 200_000
    assert sum(done) == RUNS * 200_000


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_bars_are_proven_as_well(count):
    bars = bars_of([(10.0, 11.0, 1.0)] * count)
    proof = prove_bars(prepare(config_of(kernel="buy_and_hold")), bars)

    assert proof.identical
    assert proof.bars == count


@pytest.fixture
def differing(monkeypatch):
    """Proof of bars of which the live runner sees one otherwise."""
    honest = ways.bar_by_bar

    def tampered(setup, bars, progress=None):
        close = bars.close.copy()
        close[150] = bars.low[150]
        return honest(setup, type(bars)(*bars.columns()[:4], close, bars.volume), progress)

    monkeypatch.setattr(proving.ways, "bar_by_bar", tampered)
    return prove_bars(setup_of("sma_cross"), block_of(random_bars(300, 4)))


def test_a_difference_is_named_with_run_bar_layer_field_and_both_values(differing):
    difference = differing.difference

    assert not differing.identical
    assert [r.name for r in differing.runs if not r.identical] == ["live, bar by bar"]
    assert difference is not None
    assert (difference.run, difference.bar) == ("live, bar by bar", 150)
    assert difference.layer in LAYERS
    assert difference.expected != difference.found
    text = str(difference)
    assert all(
        part in text
        for part in ("live, bar by bar", "bar 150", f"{difference.layer}.{difference.field}")
    )
    with pytest.raises(DivergenceError, match="bar 150"):
        differing.require()


def test_a_proof_is_plain_json(differing):
    found = json.loads(json.dumps(differing.to_json()))

    assert (found["identical"], found["bars"]) == (False, 300)
    assert [run["name"] for run in found["runs"]] == NAMES
    assert set(found["layers"]) == set(LAYERS)
    assert found["difference"]["bar"] == 150


def test_the_same_proof_twice_makes_the_same_choices():
    """Restarts and samples follow from the configuration; without a difference it requires."""
    bars = block_of(random_bars(300, 4))
    first, second = (prove_bars(setup_of("sma_cross"), bars) for _ in range(2))

    assert [r.note for r in first.runs] == [r.note for r in second.runs]
    assert any(r.note.startswith("restarted after bars ") for r in first.runs)
    first.require()


@pytest.mark.parametrize("count", [0, 1, 7, 5000, 60_000])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_blocks_cover_all_bars_once(count, seed):
    cuts = list(random_cuts(count, seed))

    assert [b for a, b in cuts for b in range(a, b)] == list(range(count))
    assert all(b > a for a, b in cuts)
