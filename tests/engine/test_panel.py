"""Several instruments: the same moments through every way of running them leave the same bytes."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.data import BarBlock
from admf_fast.errors import BarError, StateError
from admf_fast.parity import panel_ways
from admf_fast.parity.compare import Log, digests_of, first_difference
from admf_fast.runners.historical import run_historical
from admf_fast.runners.panel_runner import LivePanelRunner, PanelRunner, run_panel
from admf_kernels import drivers
from admf_kernels.compiler import cache
from admf_kernels.execution.terms import PERCENT, Account, Exits, Instrument, Limits
from admf_kernels.execution.uses import make_terms
from tests.engine import kit
from tests.engine.panel_kit import (
    ACCOUNTS,
    in_parts,
    log_of,
    panel_of,
    panels,
    random_block,
    run_of,
    setup_of,
    setups,
)
from tests.kernels.strategies import quick

seeds = st.integers(0, 2**32)


def _same(name: str, expected: Log, found: Log) -> None:
    difference = first_difference(name, expected, found)
    assert difference is None, str(difference)
    if found.summary is not None:
        assert digests_of(found) == digests_of(expected)


@st.composite
def cases(draw, **more):
    setup = draw(setups())
    return setup, draw(panels(len(setup.instruments), **more))


@quick(40)
@given(cases())
def test_plain_python_is_one_block(case):
    setup, panel = case
    made = panel_ways.plain_log(setup, panel)

    assert isinstance(made, Log), str(made)
    expected = panel_ways.one_block(setup, panel)
    _same("plain Python", Log(expected.tables, None), made)


@quick(25)
@given(cases())
def test_the_general_form_is_one_block(case):
    setup, panel = case

    _same("general", run_of(setup, panel), panel_ways.general_form(setup, panel))


@quick(40)
@given(cases(), seeds)
def test_blocks_and_moments_are_one_block(case, seed):
    setup, panel = case
    expected = panel_ways.one_block(setup, panel)

    _same("random blocks", expected, panel_ways.random_blocks(setup, panel, seed))
    _same("live", expected, panel_ways.by_moment(setup, panel))


@quick(40)
@given(cases(), st.data())
def test_saved_and_restored_anywhere_is_one_block(case, data):
    setup, panel = case
    cuts = data.draw(st.lists(st.integers(0, len(panel)), min_size=1, max_size=4))

    _same("in parts", run_of(setup, panel), in_parts(setup, panel, cuts))


@quick(40)
@given(cases(min_moments=2), st.data())
def test_later_bars_change_nothing_earlier(case, data):
    """The first moments alone, and before another future, leave the same rows."""
    setup, panel = case
    count = data.draw(st.integers(1, len(panel) - 1))
    last_ns = int(panel.ts_ns[count - 1])
    alone = Log(run_of(setup, panel.slice(0, count)).tables, None)
    other = panel_of([_tripled_after(block, last_ns) for block in panel.blocks])

    _same("a longer run", alone, kit.until(run_of(setup, panel), last_ns))
    _same("another future", alone, kit.until(run_of(setup, other), last_ns))


def _tripled_after(block: BarBlock, last_ns: int) -> BarBlock:
    scale = np.where(block.ts_ns > last_ns, 3.0, 1.0)
    prices = (column * scale for column in block.columns()[1:5])
    return BarBlock(block.ts_ns, *prices, block.volume)


@quick(30)
@given(cases())
def test_digests_of_a_run_are_those_of_its_tables(case):
    setup, panel = case
    result = run_panel(setup, [panel])

    assert digests_of(log_of(result)) == result.layers


@quick(40)
@given(st.sampled_from(sorted(ACCOUNTS)), st.data())
def test_one_instrument_is_the_run_of_one_instrument(name, data):
    """Events, cash, equity and figures, and the numbers of all events."""
    terms = ACCOUNTS[name](data.draw)
    panel = data.draw(panels(1))
    setup = setup_of(kit.follow_volume, [terms])
    alone = kit.setup_of(kit.follow_volume, terms=terms, inputs=dict(setup.instruments[0].inputs))
    one, several = run_historical(alone, [panel.blocks[0]]), run_of(setup, panel)

    for table in ("signals", "orders", "fills", "trades"):
        assert (
            one.tables[table]
            .drop_columns("symbol")
            .equals(several.tables[table].drop_columns("symbol"))
        )
    names = ["ts", "sequence", "signal", "lots"]
    assert one.tables["equity"].select(names).equals(several.tables["positions"].select(names))
    names = ["ts", "cash", "equity"]
    assert one.tables["equity"].select(names).equals(several.tables["equity"].select(names))
    assert repr(one.summary) == repr(several.summary)


COSTS = make_terms(
    Account(sizing=PERCENT, sizing_value=0.3),
    Instrument(fee_rate=0.0007, slippage_rate=0.0001),
    x=Exits(stop=1, stop_value=0.04),
    r=Limits(gross=0.5),
)


def fixed_case():
    rng = np.random.default_rng(3)
    ts_ns = kit.START_NS + kit.MINUTE_NS * np.arange(1, 301)
    blocks = [random_block(rng, ts_ns[rng.random(300) < 0.9]) for _ in range(3)]
    return setup_of(kit.follow_volume, [COSTS] * 3), panel_of(blocks)


def differences(setup, panel):
    """Return the ways that do not equal one block."""
    expected = panel_ways.one_block(setup, panel)
    plain = panel_ways.plain_log(setup, panel)
    assert isinstance(plain, Log)
    logs = {
        "random blocks": panel_ways.random_blocks(setup, panel, 193),
        "live": panel_ways.by_moment(setup, panel),
        "restored": in_parts(setup, panel, range(23, 300, 23)),
    }
    found = {name: first_difference(name, expected, log) for name, log in logs.items()}
    found["plain"] = first_difference("plain", Log(expected.tables, None), plain)
    return {name: difference for name, difference in found.items() if difference}


def _swap(old, new):
    def changed(text):
        assert old in text
        return text.replace(old, new)

    return changed


FAULTS = {
    "leaves positions out of the equity that sizes": (
        _swap("exposure.equity += there.lots * price", "exposure.equity += 0.0 * price"),
        {"plain"}, ("orders", "state"),
    ),
    "forgets what orders work towards": (
        _swap("entry.to_goal == 0 else entry.goal", "entry.to_goal == 0 else there.lots"),
        {"plain"}, ("orders", "state"),
    ),
    "counts moments anew in every block": (
        _swap("    status = 0\n", "    state_i[0] = 0\n    status = 0\n"),
        {"random blocks", "live", "restored"}, ("state",),
    ),
}  # fmt: skip


@pytest.fixture
def put_in(monkeypatch, tmp_path):
    """Put a fault into the panel drivers while a test runs, with a cache of its own."""
    honest = drivers.native

    def put(change):
        def native(name, source, functions, names):
            return honest(
                name, change(source) if name.startswith("panel_") else source, functions, names
            )

        monkeypatch.setattr(drivers, "native", native)
        drivers.for_panel.cache_clear()

    yield put
    monkeypatch.undo()
    drivers.for_panel.cache_clear()


def test_without_a_fault_nothing_differs():
    assert differences(*fixed_case()) == {}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_driver_is_caught(put_in, name, monkeypatch, tmp_path):
    change, seen_by, layers = FAULTS[name]
    setup, panel = fixed_case()
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    put_in(change)
    found = differences(setup, panel)

    assert set(found) == seen_by
    assert all(difference.layer in layers for difference in found.values())


def test_a_state_of_other_instruments_is_refused():
    setup, panel = fixed_case()
    runner = PanelRunner(setup)
    runner.feed(panel)
    saved = runner.save()

    with pytest.raises(StateError, match="belongs to other parameters"):
        PanelRunner(setup_of(kit.follow_volume, [COSTS] * 2)).restore(saved)
    with pytest.raises(StateError, match="damaged"):
        PanelRunner(setup).restore(saved[:-1] + bytes([saved[-1] ^ 1]))


def test_a_moment_that_breaks_a_rule_is_not_taken():
    setup, _ = fixed_case()
    runner = LivePanelRunner(setup)
    bar = (1.0, 1.0, 1.0, 1.0, 0.0)
    runner.step(100, {0: bar})
    for ts_ns, bars, said in (
        (100, {0: bar}, "after the last one"),
        (101, {}, "expected bars of instruments 0 to 2"),
        (101, {3: bar}, "expected bars of instruments 0 to 2"),
        (101, {1: (1.0, 1.0, 2.0, 1.0, 0.0)}, "bar of B at ts_ns 101"),
    ):
        with pytest.raises(BarError, match=said):
            runner.step(ts_ns, bars)
    restored = LivePanelRunner(setup)
    restored.restore(runner.save())
    with pytest.raises(BarError, match="after the last one"):
        restored.step(100, {0: bar})
    runner.step(101, {1: bar})

    assert runner.finish().bars == 2


def test_words_of_symbols_are_compared_by_code():
    """A table whose batches came with other dictionaries holds the same codes."""
    log = run_of(*fixed_case())
    again = {n: pa.concat_tables([t.slice(0, 5), t.slice(5)]) for n, t in log.tables.items()}

    _same("in two chunks", log, Log(again, log.summary))
