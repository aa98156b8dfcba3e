"""Which event caused which, positions, and what limits did: from the log, alike in every mode."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from admf_fast import jobs
from admf_fast.config import load_config
from admf_fast.containers import (
    BacktestContainer,
    EventRecorder,
    LiveContainer,
    run_backtest,
    run_simulated_live,
)
from admf_fast.errors import ContainerError
from admf_fast.events import At, BarsEvent, events_of
from admf_fast.events.record import RECORDED
from admf_kernels.execution import reasons
from tests.containers.kit import EXAMPLES, averages, block, config_of, examples, heard, some_bars
from tests.kernels.strategies import quick


def recorded(config, bars, kind=LiveContainer, **given):
    container = kind(config, **given)
    recorder = heard(container)
    run = run_backtest if kind is BacktestContainer else run_simulated_live
    return recorder, run(container, bars)


@quick(25)
@given(examples, averages, some_bars)
def test_every_event_has_a_cause_that_came_before_and_ends_in_a_bar(example, pair, bars):
    recorder, _ = recorded(config_of(example, *pair), bars)
    events = recorder.get_events()
    numbered = {e.sequence: e for e in events if e.numbered}
    before = {
        "SIGNAL": {"BAR"}, "ORDER": {"BAR", "SIGNAL", "FILL"}, "FILL": {"ORDER"},
        "TRADE": {"FILL"}, "POSITION": {"FILL"}, "RISK": {"ORDER"},
    }  # fmt: skip
    for event in events:
        if event.type in ("BAR", "SYSTEM"):
            assert event.cause == 0
            continue
        cause = numbered[event.cause]
        assert cause.sequence < event.sequence or not event.numbered
        assert cause.type in before[event.type]
        chain = recorder.chain(event)
        assert chain[-1].type == "BAR"
        assert [e.ts_ns for e in chain] == sorted((e.ts_ns for e in chain), reverse=True)


@quick(25)
@given(examples, averages, some_bars)
def test_positions_are_the_sum_of_the_fills(example, pair, bars):
    recorder, result = recorded(config_of(example, *pair), bars)
    lots, seen = 0, []
    for event in recorder.get_events():
        if event.type == "FILL":
            lots += event.lots
            seen.append((event.sequence, lots, event.price))
    positions = recorder.get_events("POSITION")

    assert [(e.sequence, e.lots, e.price) for e in positions] == seen
    assert lots == (result.tables["equity"]["lots"][-1].as_py() if len(bars) else 0)


def test_the_chain_of_a_protective_stop_leads_to_the_signal():
    recorder, _ = recorded(config_of("bracket"), block(300))
    stops = [e for e in recorder.get_events("FILL") if e.role in ("stop_loss", "trailing_stop")]
    chains = [[e.type for e in recorder.chain(stop)] for stop in stops]

    # Its fill, its order, the fill it protects, that one's order, the signal, the bar; in again
    # after an exit there is no new signal.
    assert chains
    assert all(chain[:4] == ["FILL", "ORDER", "FILL", "ORDER"] for chain in chains)
    assert {tuple(chain[4:]) for chain in chains} == {("SIGNAL", "BAR"), ("BAR",)}


def order_row(sequence, order_id, status, role, reason=0, lots=5):
    values = (0, sequence, 0, order_id, status, 0, 0, role, lots, 0.0, 0.0, reason)
    return ("orders", values)


AT = At("c", "X", 1000, 10, 0)


def test_what_limits_did():
    """A denied order and an order by a limit are followed by RISK; others are not."""
    rows = [
        order_row(11, 11, reasons.DENIED, reasons.SIGNAL, reasons.MAX_POSITION),
        order_row(12, 12, reasons.ACCEPTED, reasons.DRAWDOWN, lots=-3),
        order_row(13, 12, reasons.CANCELED, reasons.DRAWDOWN, reasons.BY_STRATEGY),
        order_row(14, 14, reasons.ACCEPTED, reasons.SIGNAL),
    ]
    events = events_of(rows, {0: AT})
    risk = [e for e in events if e.type == "RISK"]

    assert [e.type for e in events] == ["ORDER", "RISK", "ORDER", "RISK", "ORDER", "ORDER"]
    assert [(e.sequence, e.cause, e.action, e.rule, e.order_id, e.lots) for e in risk] == [
        (11, 11, "denied", "max_position", 11, 5),
        (12, 12, "flatten", "drawdown", 12, -3),
    ]
    assert [e.id for e in risk] == ["c-1000-11-risk", "c-1000-12-risk"]


def test_an_exit_left_over_comes_from_the_fill_that_closed_the_position():
    rows = [
        ("fills", (0, 11, 0, 4, reasons.FILLED, reasons.TAKE_PROFIT, -5, 20.0, 0.1, 0)),
        ("trades", (0, 11, 0, 500, 5, 10.0, 20.0, 50.0, 0.2, reasons.TAKE_PROFIT, 3, 0.0, 1.0)),
        order_row(12, 3, reasons.CANCELED, reasons.STOP_LOSS, reasons.OTHER_LEG),
        ("signals", (0, 13, 0, -1.0)),
        order_row(14, 14, reasons.ACCEPTED, reasons.SIGNAL),
        order_row(15, 15, reasons.ACCEPTED, reasons.MAX_BARS),
    ]
    events = events_of(rows, {0: AT})

    assert [(e.type, e.sequence, e.cause) for e in events] == [
        ("FILL", 11, 4), ("TRADE", 11, 11), ("POSITION", 11, 11), ("ORDER", 12, 11),
        ("SIGNAL", 13, 10), ("ORDER", 14, 13), ("ORDER", 15, 10),
    ]  # fmt: skip
    assert events[2].lots == 0


def test_splits_change_positions_too():
    rows = [
        ("adjustments", (0, 11, 0, 2.0, 0.0, 10, 0.0)),
        ("fills", (0, 12, 0, 4, reasons.FILLED, reasons.SIGNAL, -4, 20.0, 0.1, 0)),
    ]
    events = events_of(rows, {0: AT._replace(lots=6)})

    assert [(e.type, e.sequence, e.cause) for e in events] == [
        ("ADJUSTMENT", 11, 10), ("POSITION", 11, 11), ("FILL", 12, 4), ("POSITION", 12, 12),
    ]  # fmt: skip
    assert [(e.lots, e.price) for e in events if e.type == "POSITION"] == [(10, 0.0), (6, 20.0)]


@pytest.mark.parametrize("kind", [BacktestContainer, LiveContainer])
def test_system_events_frame_a_run_and_take_no_number(kind):
    container = kind(config_of(), container_id="c")
    recorder = heard(container)
    container.initialize()
    container.announce("hold", "gap")
    run = run_backtest if kind is BacktestContainer else run_simulated_live
    run(container, block(50))
    last = recorder.get_events()[-2]
    system = recorder.get_events("SYSTEM")

    assert [(e.number, e.action, e.reason, e.sequence) for e in system] == [
        (1, "start", "", 0), (2, "hold", "gap", 0), (3, "stop", "", last.sequence),
    ]  # fmt: skip
    assert system[2].ts_ns == block(50).ts_ns[-1]
    assert len({e.id for e in recorder.get_events()}) == len(recorder.get_events())
    assert recorder.breaks == []


@quick(20)
@given(st.data())
def test_a_lost_doubled_or_exchanged_event_is_noticed_where_it_is(data):
    recorder, _ = recorded(config_of("bracket"), block(120))
    events = recorder.get_events()[:-1]
    inside = [k for k, e in enumerate(events) if e.numbered and k + 1 < len(events)]
    k = data.draw(st.sampled_from([k for k in inside if events[k + 1].numbered]))
    fault = data.draw(st.sampled_from(("lost", "doubled", "exchanged")))
    changed = list(events)
    if fault == "lost":
        del changed[k]
    elif fault == "doubled":
        changed.insert(k, changed[k])
    else:
        changed[k : k + 2] = changed[k + 1], changed[k]
    second = EventRecorder()
    for event in changed:
        second.record(event)

    assert second.break_count == len(second.breaks) > 0
    found = second.breaks[0]
    assert found.source == "bracket"
    assert found.expected != found.found or fault == "exchanged"
    assert found.event_id == changed[k + (fault == "doubled")].id
    assert str(found.expected) in str(found)


def test_times_that_go_back_are_noticed():
    recorder, _ = recorded(config_of(), block(40))
    bars = recorder.get_events("BAR")[:2]
    second = EventRecorder()
    second.record(bars[0])
    second.record(replace(bars[1], ts_ns=bars[0].ts_ns - 1))

    assert second.break_count == 1


def test_a_bounded_recorder_keeps_the_last_and_checks_all():
    whole, _ = recorded(config_of(), block(100))
    few = EventRecorder(most=10)
    for k, event in enumerate(whole.get_events()):
        if k != 5:
            few.record(event)

    assert few.get_events() == whole.get_events()[-10:]
    assert few.dropped == len(whole) - 11
    assert few.break_count == 1
    few.clear()
    assert (len(few), few.dropped, few.break_count, few.breaks) == (0, 0, 0, [])


def test_a_block_of_bars_is_no_event_to_keep():
    event = BarsEvent(source="f", symbol="X", ts_ns=1, sequence=0, block=block(2))
    with pytest.raises(ContainerError, match="found BarsEvent"):
        EventRecorder().record(event)


def test_tables_files_and_lines_hold_every_event(tmp_path):
    recorder, result = recorded(config_of("bracket"), block(300))
    tables = recorder.tables()
    recorder.write_parquet(tmp_path / "events")
    recorder.write_json_lines(tmp_path / "events.jsonl")

    assert list(tables) == list(RECORDED)
    for kind, table in tables.items():
        events = recorder.get_events(kind)
        assert table.schema == RECORDED[kind]
        assert table["id"].to_pylist() == [e.id for e in events]
        assert table["cause"].to_pylist() == [e.cause for e in events]
        assert pq.read_table(tmp_path / "events" / f"{kind.lower()}.parquet") == table
    # The same numbers as in the tables of the run.
    for kind, name, columns in (
        ("FILL", "fills", ("sequence", "lots", "price", "fee")),
        ("SIGNAL", "signals", ("sequence", "signal")),
        ("ORDER", "orders", ("sequence", "order_id", "lots", "limit", "stop")),
        ("TRADE", "trades", ("sequence", "pnl", "mae", "mfe", "bars")),
    ):
        for column in columns:
            assert tables[kind][column] == result.tables[name][column]
        assert tables[kind]["ts"].cast(pa.int64()) == result.tables[name]["ts"].cast(pa.int64())
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [e.to_json() for e in recorder.get_events()]


def test_several_instruments_keep_their_causes_apart():
    """What a run of a portfolio tells as it goes is what its tables hold, and hangs together."""
    config = load_config(EXAMPLES / "portfolio.yaml")
    events = []
    job = jobs.live(config, "replay:", write=False, on_event=events.append)
    tables = job.result.tables
    bars = {(r["ts"], r["symbol"]): r for r in tables["positions"].to_pylist()}
    known = {r["sequence"]: r["symbol"] for r in bars.values()}
    known |= {e.sequence: e.symbol for e in events if e.numbered}
    lots = {}

    assert {e.type for e in events} == {"SIGNAL", "ORDER", "FILL", "TRADE", "POSITION", "RISK"}
    for kind, table in (("FILL", "fills"), ("ORDER", "orders"), ("TRADE", "trades")):
        told = [e.sequence for e in events if e.type == kind]
        assert told == tables[table]["sequence"].to_pylist()
    for event in events:
        assert known[event.cause] == event.symbol
        if event.type == "FILL":
            lots[event.symbol] = lots.get(event.symbol, 0) + event.lots
        elif event.type == "POSITION":
            assert event.lots == lots[event.symbol]
    assert len({e.id for e in events}) == len(events)
