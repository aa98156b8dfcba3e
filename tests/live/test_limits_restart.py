"""O16 over restarts: what limits count is in the journal, and a new process does not begin anew."""

import functools

import msgspec
import pytest

from admf_fast.journal.messages import BarInput, Command, DayBegan, Report, Sent
from admf_fast.venues.gateway import Gateway
from admf_fast.venues.tallies import DAY_LOSS
from tests.live.venue_world import BARS, FREE, VenueWorld, venue_setups

EVERY = "live: {snapshot_every_bars: 1, sync_ms: 0}\n"
NEVER = "live: {snapshot_every_bars: 1000, sync_ms: 0}\n"


def stops_of(world):
    """Return every stop of a day: after how many bars, what was done, and why."""
    stops, bars = [], 0
    for message in world.messages:
        bars += isinstance(message, BarInput)
        if isinstance(message, Command) and message.limit == DAY_LOSS:
            stops.append((bars, message.action, message.reason))
    return stops


@functools.cache
def limits(action="freeze"):
    """Return limits whose day's loss is reached half way down."""
    world, equity = VenueWorld(), []
    world.start()
    for number in range(1, len(BARS) + 1):
        world.trade(number)
        equity.append(world.run.core.equity)
    loss = (equity[0] - min(equity)) / 2
    assert loss > 100.0
    return msgspec.structs.replace(FREE, day_loss=loss, on_day_loss=action)


def killed(after, snapshots=NEVER, make=Gateway):
    """Return a world whose process was killed after so many bars, and that of the day's end."""
    world = VenueWorld(limits(), venue_setups(snapshots), make)
    world.start()
    world.trade(after)
    world.kill()
    world.start()
    world.trade(len(BARS))
    return world


@pytest.mark.parametrize("snapshots", [NEVER, EVERY])
def test_o16_a_days_loss_is_counted_on_after_a_restart_and_stops_once(snapshots):
    whole = VenueWorld(limits())
    whole.start()
    whole.trade(len(BARS))
    stops = stops_of(whole)
    assert len(stops) == 1
    assert 3 < stops[0][0] < len(BARS) - 3
    for after in range(1, len(BARS), 2):
        world = killed(after, snapshots)
        assert stops_of(world) == stops, after
        assert world.run.core.outcome(0) == whole.run.core.outcome(0), after
        assert [d.equity for d in world.told(DayBegan)] == [100_000.0]


class Forgetful(Gateway):
    """A gateway that does not learn of days from the journal."""

    def replay(self, message):
        if not isinstance(message, DayBegan) and not getattr(message, "limit", ""):
            super().replay(message)


def test_o16_a_gateway_that_forgets_the_day_is_caught():
    stops = stops_of(killed(1))
    assert any(stops_of(killed(after, make=Forgetful)) != stops for after in range(5, 30, 5))


def test_o16_a_process_that_dies_between_a_bar_and_its_look_at_the_loss_looks_again():
    world = VenueWorld(limits())
    whole = stops_of(killed(1))
    world.start()
    world.trade(whole[0][0] - 1)
    world.run.gateway.bar = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        world.trade(whole[0][0])
    world.kill()
    world.start()
    assert stops_of(world) == whole
    assert "limit" in world.run.core.holds


def test_o16_what_a_person_resumed_is_not_stopped_again_on_the_day_by_a_restart():
    world = VenueWorld(limits())
    world.start()
    world.trade(len(BARS) - 5)
    world.run.take(Command(action="resume", origin="command"))
    world.kill()
    world.start()
    world.trade(len(BARS))
    assert len(stops_of(world)) == 1
    assert world.run.core.holds == ()


def test_o16_the_orders_of_the_minute_are_counted_over_restarts():
    few = msgspec.structs.replace(FREE, orders_per_minute=2)
    world = VenueWorld(few)
    world.bar_s = 0.1  # the machine is faster than the bars say
    world.start()
    sent = 0
    for number in range(1, len(BARS)):
        world.trade(number)
        world.kill()
        world.start()
        sent = len(world.told(Sent))
        if "limit" in world.run.core.holds:
            break
    reasons = [m.reason for m in world.told(Command)]
    assert sent == 2, "the third of a minute was not sent"
    assert reasons == ["O16: orders_per_minute"]


def test_o01_rejects_in_a_row_are_counted_over_restarts():
    world = VenueWorld(msgspec.structs.replace(FREE, rejects_in_row=3))
    world.exchange.faults.reject = 1000
    world.start()
    for number in range(1, len(BARS)):
        world.trade(number)
        world.kill()
        world.start()
        if world.run.core.holds:
            break
    rejected = [r for r in world.told(Report) if r.status == "rejected"]
    assert len(rejected) == 3
    assert [m.reason for m in world.told(Command)] == ["O01: 3 orders in a row rejected"]
