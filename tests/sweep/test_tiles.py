"""How sets are cut into chunks: all of them once, those that share features together."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.sweep import tiles
from admf_fast.sweep.chunk import bands_of, chunks_of
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.run import run_sweep
from admf_fast.sweep.tiles import box_of, in_rows, tiles_of
from admf_fast.sweep.variants import Variants
from tests.sweep.kit import config_of

COUNTS = st.lists(st.integers(1, 12), min_size=1, max_size=4)


def cut(text, size, inputs=1):
    config = config_of(text)
    space = space_of(config)
    variants, sets = Variants(config, space), space.sets()
    return tiles_of(space, sets, variants, size, inputs), sets, variants


def columns_in(tile, sets, variants):
    """How many distinct features the sets of a tile read."""
    found = [variants.at(sets[k]) for k in tile]
    reads = [v.setup.strategy.columns_for(v.params).values() for v in found if v.setup]
    return len({source for each in reads for source in each})


GRIDS = {
    "two averages": "{strategy.params.fast: 'range(2, 13)', strategy.params.slow: 'range(20, 31)'}",
    "with costs": "{strategy.params.fast: 'range(2, 7)', costs.fee_bps: [0, 1, 2, 5],"
    " strategy.params.slow: 'range(20, 27)'}",
    "exits": "{exits.stop_loss.percent: [1, 2, 3], strategy.params.fast: 'range(2, 9)',"
    " exits.take_profit.percent: [2, 4, 6, 8]}",
    "conditions": "{strategy.params.fast: 'range(2, 30)', strategy.params.slow: 'range(3, 31)'},"
    " where: fast < slow",
}


@pytest.mark.parametrize("name", GRIDS)
@given(size=st.integers(1, 150))
def test_every_set_is_in_one_chunk(name, size):
    found, sets, _ = cut(f"sweep: {{grid: {GRIDS[name]}}}\n", size)
    assert sorted(itertools.chain(*found)) == [*range(len(sets))]
    assert all(len(tile) <= size for tile in found)
    assert all(tile == sorted(tile) for tile in found)
    assert found == cut(f"sweep: {{grid: {GRIDS[name]}}}\n", size)[0]


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("size", [12, 36, 64])
def test_chunks_have_fewer_features_than_rows_of_the_grid(name, size):
    found, sets, variants = cut(f"sweep: {{grid: {GRIDS[name]}}}\n", size)
    ours = sum(columns_in(tile, sets, variants) for tile in found)
    rows = sum(columns_in(tile, sets, variants) for tile in in_rows(len(sets), size))
    assert ours <= 1.05 * rows
    assert len(found) == len(in_rows(len(sets), size))


@pytest.mark.parametrize(
    "slow", ["'range(70, 169)'}", "'range(3, 101)'}, where: fast < slow"], ids=["all", "half"]
)
def test_chunks_of_a_large_grid_have_a_third_of_the_features(slow):
    grid = f"{{strategy.params.fast: 'range(2, 61)', strategy.params.slow: {slow}"
    found, sets, variants = cut(f"sweep: {{grid: {grid}}}\n", 256)
    ours = sum(columns_in(tile, sets, variants) for tile in found)
    rows = sum(columns_in(tile, sets, variants) for tile in in_rows(len(sets), 256))
    assert ours < 0.45 * rows


def test_sets_whose_keys_move_together_are_one_axis():
    text = """\
sweep:
  zip:
    - {strategy.params.fast: [2, 3, 4, 5], costs.fee_bps: [1, 2, 3, 4]}
  grid: {strategy.params.slow: 'range(20, 27)'}
"""
    found, sets, variants = cut(text, 8)
    assert sorted(itertools.chain(*found)) == [*range(len(sets))]
    assert {columns_in(tile, sets, variants) for tile in found} == {6}  # 2 x 4 values


def test_drawn_sets_share_nothing():
    text = (
        "sweep: {grid: {strategy.params.fast: 'range(2, 30)', strategy.params.slow: "
        "'range(40, 90)'}, sample: {method: sobol, sets: 64}}\n"
    )
    found, sets, _ = cut(text, 10)
    assert found == in_rows(len(sets), 10)


def span(box, counts):
    """Among how many consecutive sets those of a box lie: from its first to its last."""
    return 1 + sum((b - 1) * math.prod(counts[k + 1 :]) for k, b in enumerate(box))


@given(COUNTS, st.integers(1, 300), st.data())
def test_a_box_is_no_larger_than_asked_and_cannot_grow(counts, size, data):
    axes = st.sets(st.integers(0, len(counts) - 1))
    columns = data.draw(st.lists(axes, max_size=4))
    most = data.draw(st.integers(1, 2000))
    box = box_of(counts, columns, size, most)
    assert math.prod(box) <= size
    assert span(box, counts) <= most or max(box) == 1
    assert all(1 <= b <= n for b, n in zip(box, counts, strict=True))
    for k, (b, n) in enumerate(zip(box, counts, strict=True)):
        if b < n:
            pieces = -(-n // b) - 1
            larger = [*box[:k], -(-n // pieces), *box[k + 1 :]]
            assert math.prod(larger) > size or span(larger, counts) > most


@pytest.mark.parametrize(
    ("counts", "columns", "size", "box"),
    [
        ([100, 100], [{0}, {1}], 256, [12, 20]),
        ([10, 20], [{0}, {1}], 100, [10, 10]),
        ([55, 50], [{0}], 128, [2, 50]),  # what no feature depends on goes first
        ([50, 55], [{1}], 128, [50, 2]),
        ([100, 100], [{0, 1}], 128, [1, 100]),
        ([100, 100], [], 128, [1, 100]),
    ],
)  # fmt: skip
def test_boxes_that_are_known(counts, columns, size, box):
    assert box_of(counts, columns, size, 10**6) == box


@pytest.mark.parametrize("name", GRIDS)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 2000), st.integers(1, 60))
def test_bands_are_put_in_order_before_they_are_large(name, size, inputs, rows, parts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "BAND_ROWS", rows)
        patch.setattr(tiles, "BAND_PARTS", parts)
        found, sets, _ = cut(f"sweep: {{grid: {GRIDS[name]}}}\n", size, inputs)
    chunks = chunks_of(found, inputs)
    bands = [*bands_of(chunks, inputs)]

    assert [c for band in bands for c in band] == chunks
    assert [c.number for c in chunks] == [*range(len(chunks))]
    first = 0
    for band in bands:
        for place in range(inputs):
            numbers = sorted(k for c in band if c.input == place for k in c.sets)
            assert numbers == [*range(first, first + len(numbers))]
        first += len(numbers)
        assert len(numbers) * inputs <= max(size * inputs, rows)
        # Chunks of a band are about equally many sets: at worst one more than asked for.
        assert len(band) <= max(inputs, parts)
    assert first == len(sets)


def test_parts_of_sets_that_were_cut_otherwise_are_not_taken(tmp_path, monkeypatch):
    text = f"sweep: {{grid: {GRIDS['two averages']}}}\n"
    run_sweep(config_of(text), tmp_path / "whole.parquet")
    path = tmp_path / "x.parquet"

    def stop(watched):
        if watched.chunks >= 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tiles, "box_of", lambda counts, *_: [1] * len(counts))
        with pytest.raises(KeyboardInterrupt):
            run_sweep(config_of(text), path, threads=1, chunk_sets=20, progress=stop)
    assert len([*path.with_name("x.parquet.work").glob("part-*")]) >= 2
    assert run_sweep(config_of(text), path, threads=1, chunk_sets=20).chunks_kept == 0
    assert path.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
