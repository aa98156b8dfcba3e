"""What the gateway looks after: changes, positions, rates, outages, age; by fault."""

import msgspec
import pytest

from admf_fast.errors import VenueError
from admf_fast.journal.messages import Command, Expired, Note, Report
from admf_fast.venues.gateway import Gateway
from admf_fast.venues.limits import GatewayLimits
from admf_fast.venues.protocol import OrderView, RefusedError
from tests.venues.rig import (
    SECOND_NS,
    T0_NS,
    Rig,
    Script,
    gateway_of,
    intent_of,
    of_kind,
    report_of,
    rows_of,
    setup_of,
)


def rules(messages):
    return [m.rule for m in of_kind(messages, Note)]


def after(seconds: float) -> int:
    return T0_NS + int(seconds * SECOND_NS)


def test_o10_a_change_that_comes_too_late_leaves_one_order():
    venue = Script()
    gateway = gateway_of(venue)
    gateway.send([intent_of()], T0_NS)
    venue.reports = [report_of("1", "accepted")]
    venue.views["A"] = OrderView("A", "accepted", 10, 0, "X")
    gateway.poll(after(1))
    venue.fails = [RefusedError("filled")]
    venue.views["A"] = OrderView("A", "filled", 10, 10, "X")
    gateway.send([intent_of(action="replace", limit=99.0)], after(2))
    venue.reports = [report_of("2", "filled", lots=10)]
    said = gateway.poll(after(3))
    for k in range(4, 60):
        said += gateway.poll(after(k))

    assert [a for a, _ in venue.calls] == ["submit", "replace"]
    assert gateway.book.held == {"X": 10}
    assert not gateway.book.working()


def test_o10_only_the_newest_terms_are_sent():
    venue = Script()
    gateway = gateway_of(venue, send_burst=1, send_rate=1.0)
    gateway.send([intent_of()], T0_NS)
    for limit in (99.0, 98.0, 97.0):
        gateway.send([intent_of(action="replace", limit=limit)], T0_NS)
    venue.reports = [report_of("1", "accepted")]
    venue.views["A"] = OrderView("A", "accepted", 10, 0, "X")
    for k in range(1, 10):
        gateway.poll(after(k))
        venue.reports = [report_of("2", "replaced")] if venue.sent("replace") else []

    assert [i.limit for i in venue.sent("replace")] == [97.0]


def test_o11_a_position_that_differs_twice_stops_trading_and_once_does_not():
    venue = Script()
    gateway = gateway_of(venue)
    venue.held = {"X": 4}
    said = gateway.start(T0_NS)
    assert rules(said) == []
    venue.held = {}
    for k in range(200):
        said += gateway.poll(after(k))
    assert rules(said) == []
    venue.held = {"X": 4}
    for k in range(200, 400):
        said += gateway.poll(after(k))
    assert "O11" in rules(said)
    assert gateway.frozen


def test_o16_the_position_limit_holds_by_the_books_of_the_venue_too():
    venue = Script()
    gateway = gateway_of(venue, position_lots=1500)
    gateway.book.held["X"] = -1000  # its exit filled, and nobody told
    said = gateway.start(T0_NS)
    for k in range(20):
        said += gateway.poll(after(k))
    assert gateway.frozen
    gateway.replay(Command(action="resume", origin="command", reason="not looked at"))
    said = gateway.send([intent_of(lots=2000)], after(20))
    for k in range(20, 200):
        said += gateway.poll(after(k))

    assert venue.sent("submit") == []
    assert "O11" in rules(said)
    assert [r.reason for r in of_kind(said, Report)] == ["frozen"]


def test_o16_an_order_waits_only_until_the_books_agree():
    venue = Script()
    gateway = gateway_of(venue, position_lots=1500)
    venue.held = {"X": 1000}
    gateway.start(T0_NS)
    gateway.send([intent_of("A", lots=600)], after(1))
    assert venue.sent("submit") == []
    venue.held = {}
    for k in range(2, 12):
        gateway.poll(after(k))

    assert [i.client_id for i in venue.sent("submit")] == ["A"]
    assert not gateway.frozen


def test_o11_missing_fills_freeze_again_after_a_resume():
    venue = Script()
    gateway = gateway_of(venue)
    gateway.send([intent_of()], T0_NS)
    venue.views["A"] = OrderView("A", "filled", 10, 10, "X")
    venue.held = {"X": 0}  # as ours: other fills that are missing make up for it
    for k in range(1, 60):
        gateway.poll(after(k))
    assert gateway.frozen
    gateway.replay(Command(action="resume", origin="command", reason="not looked at"))
    said = gateway.poll(after(60)) + gateway.poll(after(70))

    assert gateway.frozen
    assert [c.reason[:12] for c in of_kind(said, Command)] == ["O11: order 6"]


@pytest.mark.parametrize("end", ["canceled", "filled"])
def test_o16_a_turn_waits_for_the_exits_that_could_fill_as_well(end):
    venue = Script()
    gateway = gateway_of(venue, position_lots=1500)
    venue.held["X"] = gateway.book.held["X"] = -1000
    venue.views["A"] = OrderView("A", "accepted", 1000, 0, "X")
    exit_ = intent_of("A", lots=1000, reduce_only=True)
    gateway.send([exit_], T0_NS)
    venue.reports = [report_of("1", "accepted")]
    gateway.poll(after(0.1))
    said = gateway.send([intent_of("B", lots=2000)], after(1))
    assert [(a, i.client_id) for a, i in venue.calls] == [("submit", "A"), ("cancel", "A")]
    assert "order 67 waits until exits are canceled: with them 2000 lots" in said[0].text
    venue.reports = [report_of("2", end, lots=1000 * (end == "filled"))]
    said = gateway.poll(after(2)) + gateway.poll(after(2))

    assert [i.lots for i in venue.sent("submit")[1:]] == ([2000] if end == "canceled" else [])
    assert gateway.frozen == (end == "filled"), "2000 lots from nothing are too many"


def test_o12_an_order_that_a_list_omits_is_asked_for_and_not_taken_for_canceled():
    rig = Rig(
        setup_of("entry: {order: limit, limit: {percent: 9}}\n"), GatewayLimits(price_band=0.0)
    )
    rig.run_until(rows_of(400, 5), lambda rig: rig.gateway.book.working())
    working = rig.gateway.book.working()
    rig.exchange.faults.hide_open = 10
    for _ in range(200):
        rig.poll(rig.now_ns + SECOND_NS)

    assert rig.gateway.book.working() == working
    assert rig.gateway.settled
    assert not rig.gateway.frozen


def test_o12_an_order_that_two_looks_miss_is_given_up_and_trading_stops():
    venue = Script()
    gateway = gateway_of(venue)
    gateway.send([intent_of()], T0_NS)
    venue.reports = [report_of("1", "accepted")]
    said = []
    for k in range(1, 100):
        said += gateway.poll(after(k))

    assert [r.status for r in of_kind(said, Report)] == ["accepted", "canceled"]
    assert len(venue.queries) >= 2
    assert "O12" in rules(said)
    assert gateway.frozen


def test_o13_cancels_come_before_what_reduces_and_that_before_what_is_new():
    venue = Script()
    gateway = gateway_of(venue, send_burst=1, send_rate=1.0)
    gateway.book.held["X"] = 10
    gateway.send([intent_of("A")], T0_NS)
    venue.reports = [report_of("1", "accepted")]
    venue.views["A"] = OrderView("A", "accepted", 10, 0, "X")
    gateway.poll(T0_NS)
    gateway.send(
        [
            intent_of("B"),
            intent_of("C", lots=-10, reduce_only=True),
            intent_of("A", action="cancel", lots=0, limit=0.0, kind=""),
        ],
        T0_NS,
    )
    at = []
    for k in range(1, 5):
        before = len(venue.calls)
        gateway.poll(after(k))
        at.append([(a, i.client_id) for a, i in venue.calls[before:]])

    assert at == [[("cancel", "A")], [("submit", "C")], [("submit", "B")], []]


def test_o14_after_an_outage_every_order_is_asked_for():
    venue = Script()
    gateway = gateway_of(venue)
    gateway.send([intent_of()], T0_NS)
    venue.reports = [report_of("1", "accepted")]
    venue.views["A"] = OrderView("A", "accepted", 10, 0, "X")
    gateway.poll(T0_NS)
    venue.down = True
    said = gateway.poll(after(1)) + gateway.poll(after(2))
    said += gateway.send([intent_of("B")], after(2))
    assert rules(said) == ["O14"]
    assert [i.client_id for i in venue.sent("submit")] == ["A"]
    venue.down = False
    venue.views["A"] = OrderView("A", "canceled", 10, 0, "X")
    said = gateway.poll(after(3)) + gateway.poll(after(4))

    assert [r.status for r in of_kind(said, Report)] == ["canceled"]
    assert venue.queries == ["A"]
    assert [i.client_id for i in venue.sent("submit")] == ["A", "B"], "what waited is sent"


def test_o15_a_paper_run_has_nothing_to_send_and_nowhere_to():
    from admf_fast.runners.live import LiveRunner
    from admf_fast.venues.intents import Intents

    runner = LiveRunner(setup_of("sizing: {kind: fixed, quantity: 7}\n"))
    intents = Intents(runner, lineage="test")
    made = [intents.of(runner.step(*row), row[0]) for row in rows_of(120, 5)]

    assert runner.finish().summary.fills >= 10
    assert not any(made)
    assert not any("venue" in name or "gateway" in name for name in vars(runner))


def test_o17_a_liquidation_by_the_venue_is_told_and_stops_trading():
    rig = Rig(setup_of("sizing: {kind: fixed, quantity: 7}\n"))
    rig.run_until(rows_of(400, 5), lambda rig: rig.lots)
    rig.exchange.trade_by_hand("X", -rig.lots, 50.0, rig.now_ns)
    rig.poll(rig.now_ns + 1)

    assert rig.gateway.book.external["X"] == -rig.lots
    assert rig.runner.holds == ("frozen",)


def test_o18_an_intent_that_is_too_old_expires_and_is_never_sent():
    venue = Script()
    venue.down = True
    gateway = gateway_of(venue, intent_age_ns=30 * SECOND_NS)
    gateway.send([intent_of()], T0_NS)
    said = gateway.poll(after(29))
    assert not of_kind(said, Expired)
    venue.down = False
    said = gateway.poll(after(31))
    for k in range(32, 60):
        said += gateway.poll(after(k))

    assert [m.client_id for m in of_kind(said, Expired)] == ["A"]
    assert [r.status for r in of_kind(said, Report)] == ["expired"]
    assert venue.calls == []


def test_o18_after_a_restart_an_old_intent_that_never_arrived_expires():
    venue = Script()
    gateway = Gateway(venue, GatewayLimits(intent_age_ns=30 * SECOND_NS))
    gateway.replay(intent_of())
    said = gateway.start(after(3600))
    for k in range(1, 60):
        said += gateway.poll(after(3600 + k))

    assert venue.calls == []
    assert [m.client_id for m in of_kind(said, Expired)] == ["A"]
    assert len(venue.queries) >= 2


def test_g04_another_account_than_the_configured_one_is_refused_before_anything_is_sent():
    venue = Script()
    gateway = Gateway(venue, GatewayLimits(), account="U123")
    gateway.replay(intent_of())

    with pytest.raises(VenueError, match="expected 'U123', the venue says 'simulated'"):
        gateway.start(T0_NS)

    assert venue.calls == []


def test_an_order_that_is_canceled_before_it_was_sent_is_never_sent():
    venue = Script()
    venue.down = True
    gateway = gateway_of(venue)
    gateway.send([intent_of()], T0_NS)
    said = gateway.send([msgspec.structs.replace(intent_of(), action="cancel")], T0_NS)
    venue.down = False
    said += gateway.poll(after(1))

    assert venue.calls == []
    assert [r.status for r in of_kind(said, Report)] == ["canceled"]


def test_a_kill_switch_leaves_exits_and_cancels_through():
    venue = Script()
    gateway = gateway_of(venue)
    gateway.book.held["X"] = 10
    gateway.replay(Command(action="freeze", origin="file"))
    said = gateway.send([intent_of("A"), intent_of("B", lots=-10, reduce_only=True)], T0_NS)

    assert [i.client_id for i in venue.sent("submit")] == ["B"]
    assert [(r.client_id, r.reason) for r in of_kind(said, Report)] == [("A", "frozen")]
    gateway.replay(Command(action="resume", origin="file"))
    gateway.send([intent_of("C")], T0_NS)
    assert [i.client_id for i in venue.sent("submit")] == ["B", "C"]


def test_a_days_loss_flattens_once_a_day():
    gateway = gateway_of(Script(), day_loss=500.0)
    said = gateway.bar(after(60), 100.0, 9_501.0)
    said += gateway.bar(after(120), 100.0, 9_499.0)
    said += gateway.bar(after(180), 100.0, 9_000.0)

    assert [c.action for c in of_kind(said, Command)] == ["flatten"]


@pytest.mark.parametrize(("status", "wrong"), [
    ("filled", {"lots": 0}), ("filled", {"lots": 10, "price": 0.0}),
    ("filled", {"lots": 10, "price": float("nan")}), ("filled", {"lots": 10, "fee": float("inf")}),
    ("filled", {"lots": 2**50}), ("filled", {"lots": 10, "ts_ns": 0}), ("canceled", {"lots": 4}),
])  # fmt: skip
def test_o04_a_report_that_cannot_be_booked_is_quarantined_and_the_order_asked_for(status, wrong):
    venue = Script()
    venue.views["A"] = OrderView("A", "accepted", 10, 0, "X")
    gateway = gateway_of(venue)
    gateway.send([intent_of()], T0_NS)
    venue.reports = [report_of("1", status, **wrong)]
    said = gateway.poll(after(1))

    assert rules(said) == ["O04"]
    assert [r.report_id for r in of_kind(said, Report)] == ["query A accepted"]
    assert gateway.book.held == {}
    assert venue.queries == ["A"]
    assert gateway.frozen == (wrong["lots"] != 0)


def test_a_late_end_does_not_wake_an_order_that_is_over():
    venue = Script()
    gateway = gateway_of(venue)
    gateway.send([intent_of()], T0_NS)
    venue.reports = [report_of("1", "filled", lots=10)]
    gateway.poll(after(1))
    venue.reports = [report_of("2", "canceled", total=3), report_of("3", "replaced")]

    assert gateway.poll(after(2)) == []
    assert not gateway.book.working()


def test_o16_before_the_first_price_nothing_that_opens_is_sent():
    venue = Script()
    gateway = Gateway(venue, GatewayLimits())
    gateway.send([intent_of()], T0_NS)
    assert gateway.poll(after(1)) == []
    assert venue.calls == []
    gateway.bar(after(60), 100.0, 1.0)
    gateway.poll(after(60))
    assert len(venue.calls) == 1
