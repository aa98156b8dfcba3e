"""Backtest and live agree, containers leave each other alone, and events flow alike."""

from hypothesis import given
from hypothesis import strategies as st

from admf_fast.containers import (
    create_backtest_container,
    create_live_container,
    create_paper_container,
    create_shadow_container,
    external_references,
    run_backtest,
    run_simulated_live,
)
from admf_fast.feeds.as_events import events_of_bars
from tests.containers.kit import averages, block, blocks, config_of, examples, heard, some_bars
from tests.kernels.strategies import quick

LIVE = (create_live_container, create_paper_container, create_shadow_container)
cuts = st.lists(st.integers(0, 400), max_size=5)


@quick(25)
@given(examples, averages, some_bars, cuts, st.sampled_from(LIVE))
def test_backtest_live_parity(example, pair, bars, cut, create):
    """Signals, orders, fills equal; the result equal to the last bit."""
    config = config_of(example, *pair)
    history = run_backtest(create_backtest_container(config), blocks(bars, cut))
    live = run_simulated_live(create(config), bars)

    assert live.signals == history.signals
    assert live.orders == history.orders
    assert live.fills == history.fills
    assert live.pnl.hex() == history.pnl.hex()
    assert live.layers == history.layers


def test_the_result_is_what_cash_became():
    config = config_of()
    made = run_backtest(create_backtest_container(config), block())

    assert made.pnl == made.summary.equity_final - config.account.cash
    assert made.pnl == made.tables["equity"]["equity"][-1].as_py() - config.account.cash
    assert made.pnl != 0.0


@quick(15)
@given(examples, averages, some_bars, cuts)
def test_event_flow_consistency(example, pair, bars, cut):
    """The same types, sources and ids, and everything else, in the same order."""
    config = config_of(example, *pair)
    history = create_backtest_container(config, container_id="one")
    live = create_live_container(config, container_id="one")
    flows = []
    for container, run, data in (
        (history, run_backtest, blocks(bars, cut)),
        (live, run_simulated_live, bars),
    ):
        recorder = heard(container)
        run(container, data)
        assert recorder.breaks == []
        flows.append(recorder.get_events())

    assert [(e.type, e.source, e.id) for e in flows[0]] == [
        (e.type, e.source, e.id) for e in flows[1]
    ]
    assert flows[0] == flows[1]


def bytes_of(container) -> bytes:
    """Return all memory that decides: the words of the state and the rows of the columns."""
    program = container.runner.program
    return program.state.tobytes() + program.columns.tobytes() + program.checksum.tobytes()


def side_by_side(pairs, events, disturbed=frozenset()):
    """Run containers in turns, those disturbed with other memory from the middle on."""
    made = []
    for k, (fast, slow) in enumerate(pairs):
        made.append(create_live_container(config_of(fast=fast, slow=slow), container_id=f"c{k:03}"))
        made[-1].initialize()
    for number, event in enumerate(events):
        for k, container in enumerate(made):
            if k in disturbed and number == len(events) // 2:
                container.runner.program.columns[1:, :] *= 1.5
                container.runner.program.state[0] += 1
            container.process_event(event)
    return made


def pairs_of(count: int):
    return [(2 + k % 7, 10 + k % 11) for k in range(count)]


@quick(5)
@given(st.sets(st.integers(0, 9), min_size=1, max_size=9), st.integers(0, 10**6))
def test_state_isolation(disturbed, seed):
    """Whatever is done to the memory of some never changes a byte of the others."""
    events = list(events_of_bars([block(40, seed)], "X"))
    plain = [bytes_of(c) for c in side_by_side(pairs_of(10), events)]
    other = side_by_side(pairs_of(10), events, disturbed)

    for k, container in enumerate(other):
        assert (bytes_of(container) == plain[k]) == (k not in disturbed)
        assert container.config.strategy.params["slow"] == pairs_of(10)[k][1]
    assert [c.get_external_references() for c in other] == [[]] * 10
    assert len(set(plain)) == 10


def test_state_isolation_of_five_hundred():
    events = list(events_of_bars([block(30)], "X"))
    pairs, disturbed = pairs_of(500), set(range(0, 500, 3))
    made = side_by_side(pairs, events, disturbed)
    kinds = sorted(set(pairs))
    alone = {pair: bytes_of(side_by_side([pair], events)[0]) for pair in kinds}

    assert len(set(alone.values())) == len(kinds)
    for k, container in enumerate(made):
        assert (bytes_of(container) == alone[pairs[k]]) == (k not in disturbed)
    assert not any(external_references(made))
