"""O14: a venue that hangs is left alone for longer and longer, and that is told, not too often."""

import pytest

from admf_fast.errors import VenueError
from admf_fast.journal.messages import Note, Report
from admf_fast.venues.circuit import FIRST_NS, LONGEST_NS, NOTES_PER_MINUTE, Call
from admf_fast.venues.protocol import DownError, OrderView, RefusedError, SilentError, UnsureError
from tests.venues.rig import (
    SECOND_NS,
    T0_NS,
    Script,
    gateway_of,
    intent_of,
    of_kind,
    report_of,
)

CALL_NS = 2 * SECOND_NS  # that a call to a hanging adapter takes
LOOK_NS = SECOND_NS // 10


class Hanging(Script):
    """Answers nothing while it hangs; every call that waits in vain takes its time."""

    def __init__(self):
        super().__init__()
        self.hangs = False
        self.now_ns = T0_NS
        self.waits = []  # when calls began that waited in vain

    def _answer(self):
        if self.hangs:
            self.waits.append(self.now_ns)
            self.now_ns += CALL_NS
            raise SilentError("timed out")

    def submit(self, intent, now_ns):
        super().submit(intent, now_ns)
        self.views[intent.client_id] = OrderView(intent.client_id, "accepted", 10, 0, "X")


def looked(gateway, venue, seconds):
    """Poll ten times a second for so long, by the clock of the venue; return what was said."""
    said, until_ns = [], venue.now_ns + int(seconds * SECOND_NS)
    while venue.now_ns < until_ns:
        said += gateway.poll(venue.now_ns)
        venue.now_ns += LOOK_NS
    return said


def notes(said):
    return [n.text for n in of_kind(said, Note) if n.rule == "O14"]


def check_waits(venue, seconds):
    """Of a long time, hardly any was spent waiting, and never twice without a pause."""
    assert len(venue.waits) * CALL_NS < 0.15 * seconds * SECOND_NS
    gaps = [b - a - CALL_NS for a, b in zip(venue.waits, venue.waits[1:], strict=False)]
    assert all(FIRST_NS <= gap <= LONGEST_NS + LOOK_NS for gap in gaps)
    assert gaps == sorted(gaps)


def hung(seconds=300):
    venue = Hanging()
    gateway = gateway_of(venue)
    venue.hangs = True
    return venue, gateway, looked(gateway, venue, seconds)


def test_o14_a_hanging_venue_is_asked_less_and_less():
    venue, _, said = hung()
    check_waits(venue, 300)
    assert len(venue.waits) > 8
    told = notes(said)
    assert len(told) == len(of_kind(said, Note)) <= len(venue.waits).bit_length()
    assert told[0] == "the venue does not answer (poll): timed out; it is asked again after 0.5 s"
    assert told[1].startswith("the venue does not answer (poll, 2 times)")


def test_o14_a_circuit_that_never_waits_is_caught(monkeypatch):
    monkeypatch.setattr(Call, "delay_ns", 0)
    venue, _, _ = hung()
    with pytest.raises(AssertionError):
        check_waits(venue, 300)


def test_o14_one_order_of_many_waits_in_vain_and_none_is_sent_twice():
    venue = Hanging()
    gateway = gateway_of(venue)
    venue.hangs = True
    said = gateway.send([intent_of(name) for name in "ABCD"], venue.now_ns)
    assert len(venue.waits) == 1
    said += looked(gateway, venue, 60)
    assert len(venue.waits) < 9
    venue.hangs = False
    said += looked(gateway, venue, 60)

    assert sorted(i.client_id for i in venue.sent("submit")) == ["A", "B", "C", "D"]
    assert "A" in venue.queries, "it is asked for before it is sent again"
    assert notes(said)[-1].startswith("the venue answers again after ")
    assert gateway.poll(venue.now_ns) == []


def test_o14_an_answer_ends_the_delay():
    venue, gateway, _ = hung(100)
    venue.hangs = False
    looked(gateway, venue, 40)
    venue.hangs, venue.waits = True, []
    looked(gateway, venue, 4)
    assert len(venue.waits) == 2, "half a second after the first, as at the beginning"


@pytest.mark.parametrize("error", [UnsureError("who knows"), DownError("gone"), SilentError("?")])
@pytest.mark.parametrize("op", ["query", "open_orders", "positions"])
def test_o14_a_question_without_an_answer_is_noted_and_asked_again(op, error):
    venue = Script()
    venue.views["A"] = OrderView("A", "accepted", 10, 0, "X")
    gateway = gateway_of(venue, answer_ns=SECOND_NS)
    gateway.send([intent_of()], T0_NS)
    answer = getattr(venue, op)

    def fail(*_):
        raise error

    setattr(venue, op, fail)
    said = gateway.poll(T0_NS + 2 * SECOND_NS)
    assert len(notes(said)) == 1
    assert str(error) in notes(said)[0]
    assert gateway.poll(T0_NS + 2 * SECOND_NS + LOOK_NS) == []
    setattr(venue, op, answer)
    for k in range(3, 200):
        said += gateway.poll(T0_NS + k * SECOND_NS)
    assert len(notes(said)) == 1, "polls were answered all the time"
    assert [r.status for r in of_kind(said, Report)] == ["accepted"]
    assert gateway.settled


@pytest.mark.parametrize("op", ["query", "open_orders", "submit"])
def test_o14_one_call_that_hangs_is_made_less_and_less_while_the_others_go_on(op):
    venue = Hanging()
    gateway = gateway_of(venue, answer_ns=SECOND_NS, reconcile_ns=SECOND_NS, grace_ns=SECOND_NS)
    made, answer = getattr(venue, op), venue._answer

    def hang(*_):
        venue.hangs = True
        try:
            answer()
        finally:
            venue.hangs = False

    setattr(venue, op, hang)
    said = gateway.send([intent_of()], venue.now_ns) + looked(gateway, venue, 300)
    check_waits(venue, 300)
    assert len(notes(said)) <= len(venue.waits).bit_length()
    assert all(op in text for text in notes(said))
    setattr(venue, op, made)
    looked(gateway, venue, 60)
    assert gateway.settled
    assert len(venue.sent("submit")) == 1


def test_o14_a_call_that_fails_every_other_time_is_not_noted_every_time():
    venue = Hanging()
    gateway = gateway_of(venue)
    venue.poll = iter_of_polls(venue)
    said = looked(gateway, venue, 600)
    assert NOTES_PER_MINUTE <= len(notes(said)) <= 11 * NOTES_PER_MINUTE


def iter_of_polls(venue):
    """Return a poll that answers and does not, in turns."""
    turns = iter(range(10**6))

    def poll(now_ns):
        if next(turns) % 2:
            raise DownError("gone")
        return []

    return poll


def test_o14_a_question_that_is_refused_is_noted_now_and_then_and_stops_nothing():
    venue = Script()
    gateway = gateway_of(venue, reconcile_ns=SECOND_NS, grace_ns=SECOND_NS)

    def refuse():
        raise RefusedError("no such list")

    venue.open_orders = refuse
    said = []
    for k in range(100):
        said += gateway.poll(T0_NS + k * SECOND_NS)
    assert notes(said)[0] == "open_orders refused, 1 so far: no such list"
    assert len(notes(said)) == 7, "1, 2, 4, 8, 16, 32, 64"
    gateway.send([intent_of()], T0_NS + 100 * SECOND_NS)
    assert len(venue.sent("submit")) == 1


def test_o06_a_venue_that_says_it_does_not_know_is_asked_at_once():
    venue = Script()
    venue.fails = [UnsureError("502")]
    venue.views["A"] = OrderView("A", "accepted", 10, 0, "X")
    gateway = gateway_of(venue)
    said = gateway.send([intent_of()], T0_NS) + gateway.poll(T0_NS)

    assert notes(said) == []
    assert venue.queries == ["A"]


def test_a_start_without_an_answer_is_refused():
    venue = Hanging()
    gateway = gateway_of(venue)
    venue.account = venue._answer
    venue.hangs = True
    with pytest.raises(VenueError, match="timed out"):
        gateway.start(T0_NS)
    assert venue.calls == []


def test_o05_a_rejected_order_that_is_not_ours_counts_for_nothing():
    venue = Script()
    gateway = gateway_of(venue, rejects_in_row=1)
    venue.reports = [report_of("1", "rejected", "foreign", price=0.0)]
    said = gateway.poll(T0_NS)

    assert [n.rule for n in of_kind(said, Note)] == ["O05"]
    assert all("O01" not in m.reason for m in said if hasattr(m, "reason"))
