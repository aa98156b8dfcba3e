"""A lane is the run of its set alone, byte for byte, whatever runs beside it and how."""

import itertools
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_fast.runners.historical import run_historical
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.lanes import FEWEST_BARS, LaneRun
from admf_fast.sweep.run import run_sweep
from admf_fast.sweep.variants import Variants
from admf_kernels.codegen.eight import WIDTH
from admf_kernels.layout import pack
from tests.sweep.kit import BASE, EXITS, SMALL, alone, config_of, walk

GRIDS = {
    "plain": (BASE, "strategy.params.fast: 'range(2, 9)', strategy.params.slow: 'range(10, 40)', "
              "costs.fee_bps: [0, 1, 2.5], account.cash: [1000, 100000]"),
    "at the close": (BASE + "execution: {fill: same_close}\nsizing: {kind: all_in}\n",
                     "strategy.params.fast: 'range(2, 9)', costs.fee_bps: [0, 2.5], "
                     "sizing.at: [close, fill], direction: [long_short, long_only]"),
    "exits": (EXITS, "strategy.params.fast: 'range(2, 9)', exits.stop_loss.atr: [1, 2, 5], "
              "exits.atr_period: [5, 14], exits.trailing_stop.atr: [1, 3], "
              "sizing.percent: [0.5, 2], exits.memory: [none, all]"),
}  # fmt: skip


def made(form):
    base, grid = GRIDS[form]
    config = config_of(f"sweep: {{grid: {{{grid}}}}}", base)
    space = space_of(config)
    return Variants(config, space), space.sets()


MADE = {form: made(form) for form in GRIDS}
BARS = walk(700)


def fed(variants, cuts):
    run = LaneRun(variants)
    edges = sorted({0, len(BARS), *cuts})
    for first, last in itertools.pairwise(edges):
        for _ in run.feed(BARS.slice(first, last)):
            pass
    return run.results()


@settings(max_examples=18)
@given(
    st.sampled_from(tuple(GRIDS)),
    st.integers(1, 67),
    st.integers(0, 10**6),
    st.lists(st.integers(1, 699), max_size=4),
)
def test_a_sampled_lane_equals_the_run_alone(form, lanes, seed, cuts):
    variants, sets = MADE[form]
    random = np.random.Generator(np.random.Philox(seed))
    chosen = [variants.at(sets[k]) for k in random.integers(0, len(sets), lanes)]
    found = fed(chosen, cuts)

    assert all(not result.refusal for result in found)
    k = int(random.integers(0, lanes))
    setup = chosen[k].setup
    program_setup = type(setup)(
        **{n: getattr(setup, n) for n in setup.__dataclass_fields__} | {"params": chosen[k].params}
    )
    expected = run_historical(program_setup, [BARS])
    assert pack(found[k].summary).tobytes() == pack(expected.summary).tobytes()
    assert found[k].signals == expected.layers["signals"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.0, 0.2), min_size=1, max_size=20))
def test_calls_take_whole_eights_of_bars_however_long_they_last(waits_s):
    clock = itertools.accumulate(itertools.cycle([0.0, *waits_s]))
    run = LaneRun([MADE["plain"][0].at(MADE["plain"][1][0])])
    with pytest.MonkeyPatch.context() as patched:
        timed = SimpleNamespace(perf_counter=lambda: next(clock))
        patched.setattr("admf_fast.sweep.lanes.time", timed)
        *sizes, last = run.feed(BARS)

    assert all(size % WIDTH == 0 and size >= FEWEST_BARS for size in sizes)
    assert sum(sizes) + last == len(BARS)


@pytest.mark.parametrize("form", GRIDS)
def test_a_set_means_the_configuration_it_would_be_written_as(form):
    variants, sets = MADE[form]
    for values in sets[:: len(sets) // 3]:
        result = fed([variants.at(values)], ())[0]
        names = ("timestamp", "open", "high", "low", "close", "volume")
        frame = dict(zip(names, BARS.columns(), strict=True))
        data = pl.DataFrame(frame).with_columns(
            pl.from_epoch("timestamp", "ns").dt.replace_time_zone("UTC")
        )
        expected = alone(_at_close(variants), values, data)
        assert (pack(result.summary).tobytes(), result.signals) == expected


def _at_close(variants):
    """The same variants, over bars that are handed in and stamped at their close."""
    from msgspec import structs

    bars = structs.replace(variants.config.bars, path="", stamp="close", symbol="X")
    config = structs.replace(variants.config, bars=bars)
    return Variants(config, _SameSpace(variants))


class _SameSpace:
    def __init__(self, variants):
        from admf_fast.sweep.space import Axis

        pairs = zip(variants._keys, variants._names, strict=True)
        self.axes = tuple(Axis(key, name, None) for key, name in pairs)


def test_teeth_another_set_or_another_bar_is_noticed():
    variants, sets = MADE["exits"]
    two = [variants.at(sets[0]), variants.at(sets[-1])]
    first, other = fed(two, ())
    assert pack(first.summary).tobytes() != pack(other.summary).tobytes()

    run = LaneRun(two[:1])
    for _ in run.feed(BARS.slice(0, len(BARS) - 1)):
        pass
    assert pack(run.results()[0].summary).tobytes() != pack(first.summary).tobytes()


def test_c03_threads_and_chunks_change_no_byte(tmp_path):
    text = SMALL + "  data: [../data/AAPL_1d.parquet, ../data/MSFT_1d.parquet]\n"
    found = []
    for k, (threads, size) in enumerate([(1, None), (2, 1), (2, 3), (3, 7), (1, 100)]):
        path = tmp_path / f"{k}.parquet"
        result = run_sweep(config_of(text), path, threads=threads, chunk_sets=size)
        found.append((result.found.digest, path.read_bytes()))
        assert not path.with_name(path.name + ".work").exists()

    assert all(one == found[0] for one in found)
    table = pl.read_parquet(tmp_path / "0.parquet")
    assert table["set"].to_list() == [k for k in range(10) for _ in range(2)]
    assert table["symbol"].to_list() == ["AAPL", "MSFT"] * 10


def test_a_row_of_the_file_is_the_run_alone(tmp_path):
    config = config_of(SMALL)
    run_sweep(config, tmp_path / "x.parquet", threads=2, chunk_sets=3)
    table = pl.read_parquet(tmp_path / "x.parquet")
    variants = Variants(config, space_of(config))
    for row in table.sample(3, seed=5).iter_rows(named=True):
        values = [row[n] for n in ("fast", "slow", "costs.fee_bps")]
        figures, signals = alone(variants, values)
        names = table.columns[5 : 5 + len(figures) // 8]
        words = [
            np.float64(row[n]) if table.schema[n] == pl.Float64 else np.int64(row[n]) for n in names
        ]
        assert b"".join(w.tobytes() for w in words) == figures
        assert row["signals_digest"] == signals
