"""Who holds entries: one who lets go does not let go for the others."""

from admf_fast.journal.messages import Command, Report
from admf_fast.venues.holds import FEED, holds_after
from tests.venues.rig import Script, gateway_of, intent_of, of_kind, report_of


def held_by_feed(action):
    return Command(action=action, origin=FEED)


def test_o09_a_limit_that_breaks_while_the_feed_holds_outlives_that_hold():
    venue = Script()
    gateway = gateway_of(venue)
    gateway.send([intent_of()], 0)
    gateway.replay(held_by_feed("freeze"))
    venue.reports = [report_of("1", "filled", lots=99)]  # of 10
    said = gateway.poll(1)
    assert [(c.action, c.origin) for c in of_kind(said, Command)] == [("freeze", "limit")]
    gateway.replay(held_by_feed("resume"))
    assert gateway.frozen
    gateway.replay(Command(action="resume", origin="command"))
    assert not gateway.frozen


def test_a_freeze_is_said_once():
    venue = Script()
    gateway = gateway_of(venue)
    for name in "12":
        venue.reports = [report_of(name, "filled", name="Z", lots=1)]
        said = gateway.poll(1)
        assert len(of_kind(said, Command)) == (name == "1")


def test_an_operator_lifts_all_holds_but_that_of_the_feed():
    holds = ()
    for origin in ("disk", FEED, "limit"):
        holds = holds_after(holds, Command(action="freeze", origin=origin))
    assert holds == ("disk", FEED, "limit")
    assert holds_after(holds, Command(action="resume", origin="command")) == (FEED,)
    assert holds_after(holds, held_by_feed("resume")) == ("disk", "limit")


def test_o08_a_restart_resumes_after_the_last_report_of_the_venue():
    venue = Script()
    gateway = gateway_of(venue)
    gateway.replay(intent_of())
    gateway.replay(report_of("venue 7", "accepted"))
    own = Report(
        report_id="query A canceled", client_id="A", order_id=66, ts_ns=1, status="canceled"
    )
    gateway.replay(own)
    gateway.start(2)
    assert venue.resumed == "venue 7"
