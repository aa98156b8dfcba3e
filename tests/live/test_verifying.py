"""Journals verified by the historical runner: honest ones pass, a changed one is named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.config import canonical
from admf_fast.errors import StateError
from admf_fast.journal.journal import Journal
from admf_fast.journal.messages import (
    AnyMessage,
    BarInput,
    Command,
    Outcome,
    Report,
    Started,
    encode,
)
from admf_fast.journal.reading import read_journal
from admf_fast.live.changes import Setups
from admf_fast.live.core import LiveCore
from admf_fast.live.run import LiveRun
from admf_fast.live.shadowing import CoreShadow
from admf_fast.live.verifying import verify
from admf_fast.runners.venue import with_venue
from admf_fast.venues.exchange import Exchange
from admf_fast.venues.gateway import Gateway
from admf_fast.venues.limits import GatewayLimits
from admf_kernels.execution.records import Bar
from tests.kernels.strategies import quick
from tests.live.kit import ToldClock, bar_inputs, setup_of

COSTS = "costs: {fee_bps: 2}\n"


def journaled(
    folder: Path, inputs: list[BarInput | Command], *, more: str = "",
    change: Callable[[AnyMessage], AnyMessage] = lambda message: message, starts: int = 1,
) -> Path:  # fmt: skip
    """Write the journal of a run, its records changed on the way; returns the run folder."""
    setup = setup_of(more)
    core = LiveCore(setup, lineage="L")
    folder.mkdir(parents=True)
    journal = Journal(str(folder / "journal"))
    started = Started(lineage="L", mode="paper", config=canonical(setup.config),
                      digests={"config": "c", "code": "k"})  # fmt: skip
    every = max(len(inputs) // starts, 1)
    for k, message in enumerate(inputs):
        if k % every == 0 and k // every < starts:
            journal.append(encode(started))
        sequence = journal.append(encode(change(message)))
        applied = core.apply(message, sequence)
        journal.append(encode(change(applied.outcome)))
    journal.close()
    return folder


def halts(at: dict[int, str], bars: list[BarInput]) -> list[BarInput | Command]:
    """Return bars with commands of an operator between them."""
    found: list[BarInput | Command] = []
    for k, bar in enumerate(bars):
        if k in at:
            found.append(Command(action=at[k], origin="command", ts_ns=bar.ts_ns))
        found.append(bar)
    return found


@quick(8)
@given(data=st.data())
def test_an_honest_journal_is_what_the_historical_runner_makes_of_it(data, tmp_path_factory):
    """With commands, refused bars and restarts anywhere, warm bars first."""
    bars = bar_inputs(300, data.draw(st.integers(0, 99)))
    warm = data.draw(st.sampled_from((0, 1, 40)))
    bars = [msgspec.structs.replace(b, warm=k < warm) for k, b in enumerate(bars)]
    actions = st.sampled_from(("freeze", "flatten", "resume"))
    inputs = halts(data.draw(st.dictionaries(st.integers(warm, 299), actions, max_size=6)), bars)
    for at in data.draw(st.lists(st.integers(warm + 1, 290), max_size=3)):
        inputs.insert(at, bars[max(at - 30, warm)])  # late: refused then, refused now
    folder = tmp_path_factory.mktemp("run") / "run"
    journaled(folder, inputs, more=COSTS, starts=data.draw(st.integers(1, 3)))
    found = verify(folder)

    assert found.identical, found.divergence
    assert found.bars == sum(isinstance(message, BarInput) for message in inputs)
    assert (found.run, found.mode, found.source) == ("L", "paper", "journal")
    found.require()


@pytest.mark.parametrize("field", ["checksum", "events", "last_event"])
@pytest.mark.parametrize("at", [0, 150, 299])
def test_a_changed_outcome_is_named_with_its_bar(tmp_path, field, at):
    bars = bar_inputs(300, 5)
    seen: list[int] = []

    def change(message: AnyMessage) -> AnyMessage:
        if isinstance(message, Outcome):
            seen.append(1)
            if len(seen) == at + 1:
                return msgspec.structs.replace(message, **{field: getattr(message, field) ^ 1})
        return message

    found = verify(journaled(tmp_path / "run", [*bars], change=change))

    assert not found.identical
    assert found.divergence is not None
    layer = "state" if field == "checksum" else "events"
    assert found.divergence[2:6] == (layer, at, bars[at].ts_ns, field)


def test_a_bar_that_was_changed_in_the_journal_is_found_on_that_bar(tmp_path):
    """The journal says another close than the run had seen: the outcome cannot follow from it."""
    bars = bar_inputs(300, 5)

    def change(message: AnyMessage) -> AnyMessage:
        if isinstance(message, BarInput) and message.ts_ns == bars[120].ts_ns:
            return msgspec.structs.replace(message, close=message.low)
        return message

    found = verify(journaled(tmp_path / "run", [*bars], change=change))

    assert found.divergence is not None
    assert found.divergence.bar == 120
    assert found.divergence.layer == "state"


def test_a_command_that_left_no_record_is_found(tmp_path):
    """P01: what was done and not journaled shows on the first bar that it changed."""
    bars = bar_inputs(300, 5)
    folder = journaled(tmp_path / "run", halts({100: "freeze"}, bars))
    records = [m for _, m in read_journal(str(folder / "journal"))]
    kept = [m for m in records if not isinstance(m, Command)]
    lost = next(m for k, m in enumerate(records) if isinstance(records[k - 1], Command))
    again = tmp_path / "again"
    again.mkdir()
    journal = Journal(str(again / "journal"))
    for message in kept:
        if message != lost:
            journal.append(encode(message))
    journal.close()
    found = verify(again)

    assert found.divergence is not None
    # The sequences of the records after it moved: the first outcome says so already.
    assert found.divergence.bar == 100


def test_a_journal_that_a_crash_cut_short_is_verified_up_to_there(tmp_path):
    """The last input may lack its answer; one before it may not."""
    bars = bar_inputs(50, 5)
    folder = journaled(tmp_path / "run", [*bars])
    records = [m for _, m in read_journal(str(folder / "journal"))]
    for name, kept, identical in (
        ("cut", records[:-1], True),
        ("hole", [*records[:40], *records[41:]], False),
    ):
        again = tmp_path / name
        again.mkdir()
        journal = Journal(str(again / "journal"))
        for message in kept:
            journal.append(encode(message))
        journal.close()
        assert verify(again).identical is identical


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(StateError, match=r"manifest\.json"):
        verify(tmp_path)
    (tmp_path / "run").mkdir()
    Journal(str(tmp_path / "run" / "journal")).close()
    with pytest.raises(StateError, match="holds no run"):
        verify(tmp_path / "run")


VENUE = "live: {mode: live, venue: 'unix:nobody', account: A}\n"


@pytest.mark.parametrize("changed", [False, True])
def test_a_run_whose_orders_a_venue_filled_is_verified_with_its_reports(tmp_path, changed):
    """Reports come between the bars where they came; one with another price is found."""
    setups = Setups(with_venue(replace(setup_of(VENUE), symbols=("X",))))
    exchange = Exchange(setups.current.terms)
    limits = GatewayLimits(orders_per_minute=0, send_rate=1e6, send_burst=1000, price_band=0.0)
    run = LiveRun(
        tmp_path / "run", setups, clock=ToldClock(100_000_000), gateway=Gateway(exchange, limits),
        lineage="L",
    )  # fmt: skip
    run.open()
    run.watch(shadow := CoreShadow(run.core))
    for number, bar in enumerate(bar_inputs(60, 3), 1):
        prices = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        exchange.bar(Bar(number, bar.ts_ns, *prices, 1.0))
        for _ in range(10):
            run.poll()
        run.take(bar)
    run.end("ended")
    records = [m for _, m in read_journal(str(tmp_path / "run" / "journal"))]
    fills = [m for m in records if isinstance(m, Report) and m.lots]
    assert len(fills) >= 3
    assert not any(shadow.divergences.counts.values())
    if not changed:
        found = verify(tmp_path / "run")
        assert found.identical, found.divergence
        assert (found.mode, found.bars) == ("live", 60)
        return
    again = tmp_path / "again"
    again.mkdir()
    journal = Journal(str(again / "journal"))
    wrong = msgspec.structs.replace(fills[1], price=fills[1].price + 1.0)
    for message in records:
        journal.append(encode(wrong if message is fills[1] else message))
    journal.close()
    found = verify(again)
    assert found.divergence is not None
    assert found.divergence.ts_ns == fills[1].ts_ns
    assert found.divergence.field == "checksum"
