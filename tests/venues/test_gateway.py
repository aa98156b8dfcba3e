"""The gateway against a venue that does what the test says; each test names its fault."""

import pytest

from admf_fast.journal.messages import BarInput, Command, Note, Report, Sent
from admf_fast.venues.gateway import Gateway
from admf_fast.venues.limits import GatewayLimits
from admf_fast.venues.protocol import OrderView, RefusedError, UnsureError
from tests.venues.rig import (
    SECOND_NS,
    T0_NS,
    Rig,
    Script,
    bar_of,
    gateway_of,
    intent_of,
    of_kind,
    report_of,
    rows_of,
    setup_of,
)

BAR = ("ts_ns", "open", "high", "low", "close", "volume")


def rules(messages):
    return [m.rule for m in of_kind(messages, Note)]


def after(seconds: float) -> int:
    return T0_NS + int(seconds * SECOND_NS)


def test_o01_a_rejected_order_is_over_and_is_not_sent_again():
    venue = Script()
    gateway = gateway_of(venue)
    gateway.send([intent_of()], T0_NS)
    venue.reports = [report_of("1", "rejected", price=0.0, reason="margin")]
    said = gateway.poll(after(1))
    for k in range(2, 100):
        said += gateway.poll(after(k))

    assert [r.status for r in of_kind(said, Report)] == ["rejected"]
    assert len(venue.calls) == 1
    assert not gateway.book.working()


def test_o01_rejects_in_a_row_stop_new_orders():
    venue = Script()
    venue.fails = [RefusedError("filter")] * 3
    gateway = gateway_of(venue, rejects_in_row=3)
    said = []
    for name in "ABCD":
        said += gateway.send([intent_of(name)], T0_NS)

    assert [c.action for c in of_kind(said, Command)] == ["freeze"]
    assert [i.client_id for i in venue.sent("submit")] == ["A", "B", "C"]
    assert [r.status for r in of_kind(said, Report)] == ["rejected"] * 4
    assert of_kind(said, Report)[-1].reason == "frozen"


def test_o01_a_rejected_exit_stops_new_orders_at_once():
    venue = Script()
    gateway = gateway_of(venue)
    gateway.book.held["X"] = 10
    gateway.send([intent_of(lots=-10, reduce_only=True)], T0_NS)
    venue.reports = [report_of("1", "rejected")]

    assert [c.action for c in of_kind(gateway.poll(after(1)), Command)] == ["freeze"]


def test_o02_partial_fills_add_up_to_the_paper_run_however_many():
    setup, rows = setup_of("sizing: {kind: fixed, quantity: 7}\n"), rows_of(120, 5)
    whole, parts = Rig(setup), Rig(setup)
    parts.exchange.faults.parts = 5
    whole.run(rows)
    parts.run(rows)

    assert parts.lots == whole.lots == parts.exchange.held["X"]
    assert parts.cash == pytest.approx(whole.cash, abs=1e-6)
    fills = parts.runner.finish().tables["fills"].num_rows
    assert fills >= 5 * whole.runner.finish().tables["fills"].num_rows - 5


def test_o03_a_report_that_comes_again_changes_nothing_also_after_a_restart():
    setup, rows = setup_of("sizing: {kind: fixed, quantity: 7}\n"), rows_of(120, 5)
    plain, doubled = Rig(setup), Rig(setup)
    doubled.exchange.faults.duplicate = 1_000_000
    plain.run(rows)
    doubled.run(rows)
    every = [m for m in doubled.journal if isinstance(m, Report)]

    assert doubled.gateway.book.duplicates == len(every) > 10
    assert doubled.runner.state_checksum == plain.runner.state_checksum
    again = Script()
    restarted = Gateway(again, doubled.limits)
    for message in doubled.journal:
        restarted.replay(message)
    again.reports = every
    assert of_kind(restarted.poll(rows[-1][0] + 1), Report) == []
    assert restarted.book.held == doubled.gateway.book.held


def test_o05_an_order_that_is_not_ours_goes_to_a_bucket_of_its_own_and_stops_trading():
    rig = Rig(setup_of("sizing: {kind: fixed, quantity: 7}\n")).run(rows_of(40, 5))
    lots, cash = rig.lots, rig.cash
    rig.exchange.trade_by_hand("X", 3, 50.0, rig.now_ns)
    rig.poll(rig.now_ns + 1)

    assert (rig.lots, rig.cash) == (lots, cash), "the strategy is not credited"
    assert rig.gateway.book.external == {"X": 3}
    assert rig.runner.holds == ("frozen",)
    assert len(rig.notes("O05")) == 1
    later = rig.new_gateway()
    for message in rig.journal:
        later.replay(message)
    assert later.book.external == {"X": 3}
    assert later.frozen


@pytest.mark.parametrize("arrived", [True, False])
def test_o06_an_order_of_unknown_fate_is_asked_for_before_anything_else(arrived):
    venue = Script()
    venue.fails = [UnsureError("timed out")]
    if arrived:
        venue.views["A"] = OrderView("A", "accepted", 10, 0, "X")
    gateway = gateway_of(venue)
    said = gateway.send([intent_of()], T0_NS)
    said += gateway.poll(after(2))

    assert rules(said) == ["O06"]
    assert venue.queries == ["A"]
    assert len(venue.sent("submit")) == 1, "not sent again on one look"
    for k in range(3, 16):
        said += gateway.poll(after(k))
    statuses = [r.status for r in of_kind(said, Report)]
    assert statuses == (["accepted"] if arrived else [])
    assert len(venue.sent("submit")) == (1 if arrived else 2)
    assert {i.client_id for i in venue.sent("submit")} == {"A"}
    attempts = [m.attempt for m in of_kind(said, Sent)]
    assert attempts == ([1] if arrived else [1, 2])


def test_o06_an_order_without_an_answer_becomes_unsure():
    venue = Script()
    gateway = gateway_of(venue)
    gateway.send([intent_of()], T0_NS)

    assert rules(gateway.poll(after(4.9))) == []
    assert rules(gateway.poll(after(5.0))) == ["O06"]
    assert venue.queries == ["A"]
    assert not gateway.settled


@pytest.mark.parametrize("forgets", [True, False])
def test_o07_an_order_that_filled_unheard_is_not_sent_twice_though_its_id_is_free_again(forgets):
    rig = Rig(setup_of("sizing: {kind: fixed, quantity: 7}\n"), GatewayLimits())
    rig.exchange.faults.forget_final = forgets
    rows = iter(rows_of(200, 5))
    rig.exchange.faults.lose_acks = 1
    rig.exchange.faults.mute_reports = 1  # the acknowledgement
    for row in rows:
        rig.exchange.bar(bar := bar_of(row))
        assert bar.ts_ns == row[0]
        rig.poll(row[0])
        if rig.lots:
            break
        rig.step(row)
    for k in range(100):
        rig.poll(row[0] + k * SECOND_NS)

    sent = [m for m in rig.journal if isinstance(m, Sent) and m.action == "submit"]
    assert len(sent) == 1
    assert abs(rig.lots) == 7 == abs(rig.exchange.held["X"])


def test_o08_wherever_the_process_dies_orders_are_sent_once_and_none_is_lost():
    """Killed after every journaled message: the books of both sides agree afterwards."""
    rows = rows_of(60, 5)
    setup = setup_of("sizing: {kind: fixed, quantity: 7}\n")
    whole = Rig(setup, GatewayLimits(orders_per_minute=0, price_band=0.0)).run(rows)
    total = len(whole.journal)
    assert total > 12
    for dead in range(1, total + 1):
        rig = _killed(setup, rows, dead)
        names = [o.intent.client_id for o in [*rig.exchange.orders.values(), *rig.exchange.past]]
        assert len(names) == len(set(names))
        assert rig.gateway.settled
        held = rig.exchange.held.get("X", 0)
        assert rig.gateway.book.held.get("X", 0) == held == rig.lots, dead


class _DeadError(Exception):
    pass


def _killed(setup, rows, dead):
    """Run until the journal holds so many messages; then start again from the journal."""
    limits = GatewayLimits(orders_per_minute=0, price_band=0.0)
    rig = Rig(setup, limits)

    class Mortal(list):
        def append(self, message):
            super().append(message)
            if len(self) == dead:
                raise _DeadError

        def __iadd__(self, more):
            for message in more:
                self.append(message)
            return self

    rig.journal = Mortal()
    inputs = {}
    try:
        for row in rows:
            rig.trade(row)
            inputs.setdefault(len(rig.journal), []).append(row)
            rig.step(row)
    except _DeadError:
        pass
    return _restarted(rig, setup, inputs, rig.now_ns)


def _restarted(rig, setup, inputs, now_ns):
    """Replay inputs in their order into a fresh runner, messages into a fresh gateway."""
    again = Rig(setup, rig.limits)
    again.exchange = rig.exchange
    again.gateway = again.new_gateway()
    again.now_ns = now_ns
    lost = []
    for k, message in enumerate([*rig.journal, None]):
        for row in inputs.get(k, ()):
            lost += again.intents.of(again.runner.step(*row), row[0])
            again.gateway.replay(BarInput(symbol="X", **dict(zip(BAR, row, strict=True))))
        if isinstance(message, Report):
            lost += again.intents.of(again.runner.report(message), message.ts_ns)
        elif isinstance(message, Command):
            lost += again.intents.of(again.runner.halt(message.action), message.ts_ns)
        if message is not None:
            again.gateway.replay(message)
            if message in lost:
                lost.remove(message)
    again.journal = list(rig.journal)
    # What was decided and not journaled is journaled now, then asked for, then sent.
    again.journal += lost
    for intent in lost:
        again.gateway.replay(intent)
    again.apply(again.gateway.start(now_ns))
    for k in range(1, 60):
        again.poll(now_ns + k * SECOND_NS)
    return again


@pytest.mark.parametrize(("wrong", "lots"), [
    ({"lots": 11}, 11), ({"lots": -3}, -3), ({"lots": 10, "price": 101.0}, 10),
])  # fmt: skip
def test_o09_what_a_venue_did_is_booked_and_stops_trading(wrong, lots):
    venue = Script()
    gateway = gateway_of(venue)
    gateway.send([intent_of()], T0_NS)
    venue.reports = [report_of("1", "filled", **wrong)]
    said = gateway.poll(after(1))

    assert gateway.book.held == {"X": lots}
    assert rules(said) == ["O09"]
    assert [c.action for c in of_kind(said, Command)] == ["freeze"]
    assert [r.adopted for r in of_kind(said, Report)] == [abs(lots) != 10]


def test_o09_a_fee_below_zero_is_booked_and_told():
    venue = Script()
    gateway = gateway_of(venue)
    gateway.send([intent_of()], T0_NS)
    venue.reports = [report_of("1", "filled", lots=10, fee=-0.5)]
    said = gateway.poll(after(1))

    assert rules(said) == ["O09"]
    assert not of_kind(said, Command)
