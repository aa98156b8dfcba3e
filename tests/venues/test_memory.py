"""O03, O04: what a gateway remembers is bounded, outlives a snapshot, and doubles nothing."""

import msgspec
import pytest

from admf_fast.errors import StateError
from admf_fast.journal.messages import Command, Note, Report
from admf_fast.venues import book as book_module
from admf_fast.venues.book import Book
from admf_fast.venues.gateway import Gateway
from admf_fast.venues.limits import GatewayLimits
from admf_fast.venues.protocol import OrderView
from admf_fast.venues.saving import SavedGateway
from tests.venues.rig import (
    FREE,
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

KEPT = 20


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(book_module, "OVER_KEPT", KEPT)
    monkeypatch.setattr(book_module, "STRANGERS_KEPT", KEPT)


def order_number(number):
    name = f"order-{number}"
    at_ns = T0_NS + number * SECOND_NS
    intent = intent_of("A", client_id=name, order_id=number + 1, ts_ns=at_ns, lots=1)
    fill = report_of(f"f-{number}", "filled", name, lots=1, ts_ns=at_ns)
    return intent, fill, at_ns


def traded(count):
    """Return a gateway that has seen so many orders filled, its venue, its journal, the fills."""
    venue = Script()
    gateway, journal, fills = gateway_of(venue, **_free()), [], []
    for number in range(count):
        intent, fill, at_ns = order_number(number)
        journal += [intent, *gateway.send([intent], at_ns)]
        fills.append(fill)
        venue.reports = [fill]
        journal += gateway.poll(at_ns)
    return gateway, venue, journal, fills


def _free():
    return {name: getattr(FREE, name) for name in ("orders_per_minute", "price_band", "send_rate")}


@pytest.mark.usefixtures("few")
def test_o03_orders_that_are_over_for_long_are_forgotten_and_their_fills_not_booked_again():
    gateway, venue, _, fills = traded(5 * KEPT)
    assert len(gateway.book.orders) == KEPT
    assert len(gateway.book.seen) <= KEPT
    assert gateway.book.held == {"X": 5 * KEPT}

    venue.reports = list(fills)  # as an adapter does that has forgotten what it told
    said = gateway.poll(T0_NS + 10_000 * SECOND_NS)
    assert of_kind(said, Report) == []
    assert of_kind(said, Command) == []
    assert gateway.book.held == {"X": 5 * KEPT}
    assert gateway.book.external == {}
    assert gateway.book.duplicates == KEPT
    assert gateway.book.overtaken == 4 * KEPT
    told = [n for n in of_kind(said, Note) if n.rule == "O03"]
    assert len(told) == 7, "of the 1st, 2nd, 4th ... 64th"


@pytest.mark.usefixtures("few")
def test_o03_a_book_without_a_watermark_is_caught(monkeypatch):
    monkeypatch.setattr(Book, "forgotten_ns", property(lambda _: 0, lambda *_: None))
    with pytest.raises(AssertionError):
        test_o03_orders_that_are_over_for_long_are_forgotten_and_their_fills_not_booked_again()


@pytest.mark.usefixtures("few")
def test_o05_what_is_new_and_not_ours_is_still_told_after_much_was_forgotten():
    gateway, venue, _, _ = traded(3 * KEPT)
    venue.reports = [report_of("z", "filled", "foreign", lots=3, ts_ns=T0_NS + 3600 * SECOND_NS)]
    said = gateway.poll(T0_NS + 10_000 * SECOND_NS)

    assert gateway.book.external == {"": 3}
    assert gateway.frozen
    assert [n.rule for n in of_kind(said, Note)] == ["O05"]


@pytest.mark.usefixtures("few")
def test_reports_on_orders_that_are_not_ours_are_bounded_too():
    venue = Script()
    gateway = gateway_of(venue)
    for number in range(5 * KEPT):
        at_ns = T0_NS + number * SECOND_NS
        venue.reports = [report_of(f"h-{number}", "filled", f"hand-{number}", lots=1, ts_ns=at_ns)]
        gateway.poll(at_ns)
    venue.reports = [report_of("h-0", "filled", "hand-0", lots=1, ts_ns=T0_NS)]
    gateway.poll(T0_NS + 10_000 * SECOND_NS)

    assert gateway.book.external == {"": 5 * KEPT}
    assert len(gateway.book.seen) <= KEPT + 1


def restored(saved, venue, limits):
    gateway = Gateway(venue, limits)
    gateway.restore(saved)
    return gateway


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("parts", [1, 3])
def test_p07_a_saved_gateway_with_the_rest_of_the_journal_is_the_one_that_read_all_of_it(parts):
    limits = GatewayLimits(orders_per_minute=7, price_band=0.0, day_loss=50.0)
    rig = Rig(setup_of("sizing: {kind: fixed, quantity: 7}\n"), limits)
    rig.exchange.faults.parts, rig.exchange.faults.duplicate = parts, 10
    rows = rows_of(150, 5)
    rig.run(rows[:130])
    rig.exchange.trade_by_hand("X", 3, 50.0, rig.now_ns)
    rig.run(rows[130:])
    assert len(rig.journal) > 40
    whole = Gateway(Script(), limits)
    for message in rig.journal:
        whole.replay(message)
    assert len(whole.book.over) > 5
    for cut in range(0, len(rig.journal), 5):
        before = Gateway(Script(), limits)
        for message in rig.journal[:cut]:
            before.replay(message)
        after = restored(before.save(), Script(), limits)
        assert after.save() == before.save()
        for message in rig.journal[cut:]:
            after.replay(message)
        assert after.save() == whole.save(), cut


def test_what_is_no_state_of_a_gateway_is_refused():
    gateway = gateway_of(Script())
    saved = gateway.save()
    with pytest.raises(StateError, match="damaged"):
        restored(saved[:-1], Script(), FREE)
    state = msgspec.msgpack.decode(saved, type=SavedGateway)
    other = msgspec.msgpack.encode(msgspec.structs.replace(state, version=99))
    with pytest.raises(StateError, match="of version 1, found 99"):
        restored(other, Script(), FREE)


def quarantined():
    """Return a gateway that was told of a fill that cannot be booked, and what it said."""
    venue = Script()
    venue.views["A"] = OrderView("A", "accepted", 10, 0, "X")
    gateway = gateway_of(venue)
    journal = [intent_of(), *gateway.send([intent_of()], T0_NS)]
    venue.reports = [report_of("bad", "filled", lots=10, price=0.0)]
    return venue, journal + gateway.poll(T0_NS + SECOND_NS)


def check_restart_after_quarantine(journal):
    venue = Script()
    venue.views["A"] = OrderView("A", "accepted", 10, 0, "X")
    gateway = Gateway(venue, GatewayLimits())
    for message in journal:
        gateway.replay(message)
    said = gateway.start(T0_NS + 60 * SECOND_NS)
    assert venue.resumed == "bad", "it is not asked for again"
    venue.reports = [report_of("bad", "filled", lots=10, price=100.0)]  # told again all the same
    said += gateway.poll(T0_NS + 61 * SECOND_NS)
    assert of_kind(said, Note) == []
    assert gateway.book.held == {}
    assert gateway.book.duplicates == 1


def test_o04_a_fill_that_cannot_be_booked_is_neither_asked_for_nor_booked_by_the_next_process():
    _, journal = quarantined()
    assert [n.report_id for n in of_kind(journal, Note)] == ["bad"]
    check_restart_after_quarantine(journal)


def test_o04_a_note_without_the_id_of_the_report_is_caught():
    _, journal = quarantined()
    bare = [msgspec.structs.replace(m, report_id="") if isinstance(m, Note) else m for m in journal]
    with pytest.raises(AssertionError):
        check_restart_after_quarantine(bare)
