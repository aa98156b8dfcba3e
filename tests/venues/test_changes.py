"""O06, O10: a change of an order that is lost, refused or never answered."""

import pytest

from admf_fast.journal.messages import Command
from admf_fast.venues.protocol import OrderView, UnsureError
from tests.venues.rig import SECOND_NS, T0_NS, Script, gateway_of, intent_of, of_kind, report_of


def after(seconds: float) -> int:
    return T0_NS + int(seconds * SECOND_NS)


def lost_change(answers):
    """Return what a venue is sent that loses the first change, and what the gateway says."""
    venue = Script()
    gateway = gateway_of(venue)
    gateway.send([intent_of()], T0_NS)
    venue.reports = [report_of("1", "accepted")]
    venue.views["A"] = OrderView("A", "accepted", 10, 0, "X")
    gateway.poll(after(0.1))
    venue.fails = [UnsureError("timed out")]
    said = gateway.send([intent_of(action="replace", limit=99.0)], after(1))
    for k in range(1, 100):
        if answers and len(venue.sent("replace")) == 2:
            venue.reports = [report_of("2", answers)]
        said += gateway.poll(after(1 + k / 2))
    return venue, gateway, said


@pytest.mark.parametrize("answer", ["replaced", "accepted"])
def test_o06_a_change_that_was_lost_is_sent_again_once_the_order_was_asked_for(answer):
    venue, gateway, _ = lost_change(answer)

    assert [i.limit for i in venue.sent("replace")] == [99.0, 99.0]
    assert venue.queries == ["A"]
    assert gateway.settled
    assert not gateway.frozen


def test_o10_a_change_that_is_never_answered_is_sent_a_few_times_and_then_stops_trading():
    venue, gateway, said = lost_change("")

    assert len(venue.sent("replace")) == 4
    assert [c.reason for c in of_kind(said, Command)] == ["O10: order 66 refuses to be changed"]
    assert gateway.settled


def test_o10_terms_that_the_venue_refuses_are_sent_again_a_few_times():
    venue = Script()
    venue.views["A"] = OrderView("A", "accepted", 10, 0, "X")
    gateway = gateway_of(venue)
    gateway.send([intent_of(action="submit")], T0_NS)
    venue.reports = [report_of("0", "accepted")]
    gateway.poll(after(1))
    said = gateway.send([intent_of(action="replace", limit=99.0)], after(1))
    refused = 0
    for k in range(2, 40):
        if len(venue.sent("replace")) > refused:
            refused += 1
            venue.reports = [report_of(f"no {refused}", "accepted", reason="replace_rejected")]
        said += gateway.poll(after(k))

    assert len(venue.sent("replace")) == 4
    assert gateway.frozen
    assert "O10" in of_kind(said, Command)[0].reason
