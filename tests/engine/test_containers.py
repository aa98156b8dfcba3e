"""Containers: a life cycle with typed errors, and nothing shared between them."""

import itertools

import pytest

from admf_fast.containers import BacktestContainer, LiveContainer
from admf_fast.errors import BarError, ContainerError, StateError
from admf_fast.events import BarEvent, BarsEvent, FillEvent, SignalEvent, TradeEvent
from admf_fast.feeds import replay
from admf_kernels.testing import random_bars
from tests.engine.kit import block_of, config_of

BLOCK = block_of(random_bars(300, 11))
NAMES = ("ts_ns", "open", "high", "low", "close", "volume")
KINDS = (BacktestContainer, LiveContainer)


def config(fast: int = 3, slow: int = 9):
    strategy = f"strategy: {{kernel: sma_cross, params: {{fast: {fast}, slow: {slow}}}}}\n"
    return config_of(strategy + "costs: {fee_bps: 2, slippage_bps: 1}\n")


def bar_event(k: int, symbol: str = "X") -> BarEvent:
    values = dict(zip(NAMES, (column[k].item() for column in BLOCK.columns()), strict=True))
    return BarEvent(source="feed", symbol=symbol, sequence=0, **values)


def bars_event(first: int = 0, last: int = 300, symbol: str = "X") -> BarsEvent:
    block = BLOCK.slice(first, last)
    ts_ns = int(block.ts_ns[-1])
    return BarsEvent(source="feed", symbol=symbol, ts_ns=ts_ns, sequence=0, block=block)


def event_for(kind, k: int = 0, **more):
    return bar_event(k, **more) if kind is LiveContainer else bars_event(k, k + 1, **more)


def started(kind, saved=None, **given):
    """Return a running container and the list its events go to, but for those about itself."""
    container, log = kind(given.pop("config", None) or config(), **given), []
    container.event_bus.subscribe_all(lambda e: e.type == "SYSTEM" or log.append(e))
    container.initialize(saved)
    return container, log


def events_of(kind, **given):
    container, log = started(kind, **given)
    events = (
        [bars_event(0, 120), bars_event(120, 300)]
        if kind is BacktestContainer
        else [bar_event(k) for k in range(300)]
    )
    for event in events:
        container.process_event(event)
    return log, container


USES = {
    "process_event": lambda c, kind: c.process_event(event_for(kind)),
    "get_state": lambda c, kind: c.get_state(),
    "result": lambda c, kind: c.result(),
    "runner": lambda c, kind: c.runner,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use", USES)
def test_used_too_early_or_too_late(kind, use):
    container = kind(config(), container_id="mine")
    with pytest.raises(ContainerError, match="mine: used before initialize"):
        USES[use](container, kind)
    container.initialize()
    container.dispose()
    with pytest.raises(ContainerError, match="mine: used after dispose"):
        USES[use](container, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_initialized_twice_or_after_dispose(kind):
    container, _ = started(kind)
    with pytest.raises(ContainerError, match="initialize twice"):
        container.initialize()
    container.dispose()
    container.dispose()
    with pytest.raises(ContainerError, match="initialize after dispose"):
        container.initialize()


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_is_the_end(kind):
    _, container = events_of(kind)

    assert container.result().bars == 300
    with pytest.raises(ContainerError, match="after dispose"):
        container.process_event(event_for(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_state_leaves_it_as_it_was(kind):
    container = kind(config())
    with pytest.raises(StateError):
        container.initialize(b"damaged")
    container.initialize()
    assert container.get_state()["bars"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_another_event_or_symbol_is_refused_and_changes_nothing(kind):
    container, log = started(kind)
    before = container.get_state()
    other = bars_event() if kind is LiveContainer else bar_event(0)
    signal = SignalEvent(source="a", symbol="X", ts_ns=1, sequence=1, signal=1.0)
    for wrong in (other, signal):
        with pytest.raises(ContainerError, match=f"found {type(wrong).__name__}"):
            container.process_event(wrong)
    with pytest.raises(ContainerError, match="expected bars of X, found 'Y'"):
        container.process_event(event_for(kind, symbol="Y"))

    assert container.get_state() == before
    assert log == []


def test_a_bad_bar_is_refused_and_publishes_nothing():
    container, log = started(LiveContainer)
    container.process_event(bar_event(1))
    before, published = container.get_state(), list(log)

    with pytest.raises(BarError):
        container.process_event(bar_event(0))
    assert container.get_state() == before
    assert log == published


@pytest.mark.parametrize("kind", KINDS)
def test_a_subscriber_that_raises_fails_the_run(kind):
    """Its exception reaches whoever drives the container, as it is."""
    container = kind(config())
    seen = []

    def fails(event) -> None:
        seen.append(event)
        raise RuntimeError("not today")

    container.event_bus.subscribe(BarEvent, fails)
    container.initialize()
    with pytest.raises(RuntimeError, match="not today"):
        container.process_event(event_for(kind))
    assert len(seen) == 1


def test_backtest_and_live_publish_the_same_events():
    """Types, sources, ids, values, order; the state after them as well."""
    history, one = events_of(BacktestContainer, container_id="c")
    live, other = events_of(LiveContainer, container_id="c")

    assert live == history
    assert [e.id for e in live] == [e.id for e in history]
    assert {e.type for e in live} == {"BAR", "SIGNAL", "ORDER", "FILL", "TRADE", "POSITION"}
    assert {e.source for e in live} == {"c"}
    assert one.get_state() == other.get_state()


@pytest.mark.parametrize("kind", KINDS)
def test_sequences_have_no_gaps(kind):
    """A trade carries the sequence of the fill that closed it, and comes after it."""
    log, _ = events_of(kind)
    fills = {e.sequence: e for e in log if isinstance(e, FillEvent)}
    numbered = [e.sequence for e in log if e.numbered]

    assert numbered == list(range(1, len(numbered) + 1))
    for before, event in itertools.pairwise(log):
        if isinstance(event, TradeEvent):
            assert before is fills[event.sequence]


@pytest.mark.parametrize("kind", KINDS)
def test_events_come_bar_by_bar_and_times_never_go_back(kind):
    log, _ = events_of(kind)
    times = [e.ts_ns for e in log]
    bars = [e for e in log if isinstance(e, BarEvent)]

    assert times == sorted(times)
    assert [tuple(getattr(b, n) for n in NAMES) for b in bars] == list(replay([BLOCK]))
    assert [e.ts_ns for e in log if isinstance(e, BarEvent)] == sorted(set(times))


@pytest.mark.parametrize("kind", KINDS)
def test_twenty_containers_side_by_side_are_each_as_alone(kind):
    """Other parameters each, fed in turns, one of them disposed of in between."""
    given = [{"config": config(2 + k % 5, 8 + k), "container_id": f"c{k:02d}"} for k in range(20)]
    alone = [events_of(kind, **dict(g))[0] for g in given]
    running = [started(kind, **dict(g)) for g in given]
    step = 1 if kind is LiveContainer else 60
    for first in range(0, 300, step):
        for k, (container, _) in enumerate(running):
            if k == 7 and first >= 120:
                container.dispose()
                continue
            last = first + step
            event = bar_event(first) if kind is LiveContainer else bars_event(first, last)
            container.process_event(event)

    for k, (_, log) in enumerate(running):
        assert log == (alone[k] if k != 7 else alone[k][: len(log)])
    assert len({tuple(e.id for e in log) for _, log in running}) == 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_state_of_one_kind_continues_in_the_other(kind, other):
    whole, _ = events_of(kind, container_id="c")
    first, before = started(kind, container_id="c")
    for k in range(100):
        first.process_event(event_for(kind, k))
    state = first.get_state()
    second, after = started(other, state["bytes"], container_id="c")

    assert second.get_state() == state
    for k in range(100, 300):
        second.process_event(event_for(other, k))
    assert before + after == whole


def test_a_state_is_a_copy():
    container, _ = started(LiveContainer)
    container.process_event(bar_event(0))
    state = container.get_state()
    kept = {"bytes": state["bytes"], "values": dict(state["values"])}
    for k in range(1, 50):
        container.process_event(bar_event(k))

    assert {"bytes": state["bytes"], "values": state["values"]} == kept


def test_nobody_listening_changes_nothing():
    silent = LiveContainer(config())
    silent.initialize()
    _, heard = events_of(LiveContainer)
    for k in range(300):
        silent.process_event(bar_event(k))

    assert silent.get_state() == heard.get_state()
    assert silent.result().layers == heard.result().layers


def test_a_container_is_named_after_its_configuration():
    assert LiveContainer(config()).container_id == "small"
    assert LiveContainer(config(), container_id="mine").event_bus.owner == "mine"


def test_subscribers_get_what_they_asked_for_in_order():
    container = LiveContainer(config())
    seen: list[tuple[str, type]] = []
    for name, kind in (("a", FillEvent), ("b", SignalEvent), ("c", FillEvent)):
        container.event_bus.subscribe(kind, lambda e, name=name: seen.append((name, type(e))))
    container.initialize()
    for k in range(60):
        container.process_event(bar_event(k))

    assert seen
    fills = [name for name, kind in seen if kind is FillEvent]
    assert fills == ["a", "c"] * (len(fills) // 2)
    assert {kind for name, kind in seen if name == "b"} == {SignalEvent}
