"""The same bars through every way of running them leave the same bytes."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.calendars import load_calendar
from admf_fast.data import BarBlock
from admf_fast.feeds import replay
from admf_fast.parity import ways
from admf_fast.parity.compare import Difference, Log, digests_of, first_difference
from admf_fast.parity.sample import plain_sample
from admf_fast.runners.historical import run_historical
from admf_fast.runners.live import run_live
from admf_kernels import names
from admf_kernels.contract import Composite, Indicator
from admf_kernels.testing import random_bars
from tests.engine.kit import block_of, in_parts, log_of, setup_of, setups, until
from tests.kernels.strategies import bars, features, quick

FEATURES = tuple(names((Indicator, Composite)))
seeds = st.integers(0, 2**32)


def _same(name: str, expected: Log, found: Log) -> None:
    difference = first_difference(name, expected, found)
    assert difference is None, str(difference)
    assert digests_of(found) == digests_of(expected)


@quick(60)
@given(setups(), bars(), seeds)
def test_blocks_live_and_lane_are_one_block(setup, drawn, seed):
    block = block_of(drawn)
    expected = ways.one_block(setup, block)

    _same("random blocks", expected, ways.random_blocks(setup, block, seed))
    _same("live", expected, ways.bar_by_bar(setup, block))
    _same("lane", expected, ways.lane(setup, block, seed))


@quick(30)
@given(setups(), bars(), seeds)
def test_plain_python_is_one_block(setup, drawn, seed):
    block = block_of(drawn)
    run, difference = plain_sample(setup, block, ways.one_block(setup, block), seed)

    assert difference is None, str(difference)
    assert run.identical
    assert run.bars == len(block)  # short enough to be the sample


@quick(60)
@given(setups(), bars(), st.data())
def test_saved_and_restored_anywhere_is_one_block(setup, drawn, data):
    block = block_of(drawn)
    cuts = data.draw(st.lists(st.integers(0, len(block)), min_size=1, max_size=4))

    _same("in parts", ways.one_block(setup, block), in_parts(setup, block, cuts))


@quick(60)
@given(setups(), bars(min_bars=2), st.data())
def test_later_bars_change_nothing_earlier(setup, drawn, data):
    """The first bars alone, and the same bars before another future, leave the same rows."""
    block = block_of(drawn)
    count = data.draw(st.integers(1, len(block) - 1))
    scale = np.where(np.arange(len(block)) < count, 1.0, 3.0)
    prices = (column * scale for column in block.columns()[1:])
    other = BarBlock(block.ts_ns, *prices)
    alone = ways.one_block(setup, block.slice(0, count))
    last_ns = int(block.ts_ns[count - 1])

    _same("a longer run", Log(alone.tables, None), until(ways.one_block(setup, block), last_ns))
    _same("another future", Log(alone.tables, None), until(ways.one_block(setup, other), last_ns))


@quick(40)
@given(setups(), bars(), st.lists(features(FEATURES), min_size=1, max_size=3))
def test_features_that_nobody_reads_change_nothing(setup, drawn, more):
    """The checksum of the state and the digests of the layers included."""
    block = block_of(drawn)
    named = {f"more_{k}": feature for k, feature in enumerate(more)}
    wider = replace(setup, features=named, calendar=load_calendar("24/7"))
    plain = run_historical(setup, [block])
    for found in (run_historical(wider, [block]), run_live(wider, replay([block]))):
        _same("with more features", log_of(plain), log_of(found))
        assert found.layers == plain.layers


@quick(40)
@given(setups(), bars())
def test_digests_of_a_run_are_those_of_its_tables(setup, drawn):
    """The digests made while running are those made afterwards from what was recorded."""
    for result in (
        run_historical(setup, [block_of(drawn)]),
        run_live(setup, replay([block_of(drawn)])),
    ):
        assert digests_of(log_of(result)) == result.layers


@pytest.fixture(scope="module")
def expected() -> Log:
    return ways.one_block(setup_of("sma_cross"), block_of(random_bars(400, 3)))


def _changed(log: Log, table: str, name: str, row: int) -> Log:
    column = log.tables[table].column(name).to_numpy().copy()
    column.view(np.int64)[row] += 1
    place = log.tables[table].column_names.index(name)
    field = log.tables[table].schema.field(name)
    changed = log.tables[table].set_column(place, field, [column])
    return log._replace(tables={**log.tables, table: changed})


@quick(40)
@given(st.data())
def test_a_difference_of_one_bit_is_named_by_bar_layer_and_field(expected, data):
    table = data.draw(st.sampled_from(("signals", "orders", "fills", "trades", "equity")))
    schema = expected.tables[table].schema
    names = [f.name for f in schema if f.type in (pa.int64(), pa.float64())]
    name = data.draw(st.sampled_from(names))
    row = data.draw(st.integers(0, len(expected.tables[table]) - 1))
    found = _changed(expected, table, name, row)
    ts_ns = expected.tables[table].column("ts")[row].value
    bar = (
        expected.tables["equity"]
        .column("ts")
        .to_pylist()
        .index(expected.tables[table].column("ts")[row].as_py())
    )
    difference = first_difference("changed", expected, found)

    assert isinstance(difference, Difference)
    layer = "state" if name == "checksum" else table
    assert difference[:5] == ("changed", layer, bar, ts_ns, name)
    before, after = digests_of(expected), digests_of(found)
    assert [n for n in before if before[n] != after[n]] == [layer]


def test_a_missing_row_is_named(expected):
    fewer = {**expected.tables, "fills": expected.tables["fills"].slice(0, 1)}
    difference = first_difference("shorter", expected, Log(fewer, expected.summary))

    assert difference is not None
    assert difference[1] == "fills"
    assert difference.field == "rows"
    assert difference.found == "1 rows"


def test_a_figure_that_differs_is_named(expected):
    other = expected.summary._replace(sharpe=np.nextafter(expected.summary.sharpe, np.inf))
    difference = first_difference("other", expected, Log(expected.tables, other))

    assert difference is not None
    assert difference[1:5] == ("metrics", -1, -1, "sharpe")
