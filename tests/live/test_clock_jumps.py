"""L11, O18: a wall clock that jumps neither expires an order nor brings one back."""

import msgspec
import pytest

from admf_fast.journal.messages import Expired, Note, Sent
from admf_fast.live import run as run_module
from admf_fast.live.clock import SteadyTime, SystemClock
from tests.live.venue_world import BARS, FREE, SECOND_NS, VenueWorld

AGE_S = 60
HOUR_NS = 3600 * SECOND_NS
LIMITS = msgspec.structs.replace(FREE, intent_age_ns=AGE_S * SECOND_NS)


def waiting(limits=LIMITS, bars=BARS):
    """Return a world with an order that waits because the venue does not answer."""
    world = VenueWorld(limits)
    world.clock.wall = bars[0].ts_ns - 60 * SECOND_NS  # the bars are those of today
    world.start()
    for number in range(1, len(bars)):
        world.trade(number)
        world.exchange.faults.down = True
        world.clock.pass_s(60.0)
        world.run.take(bars[number])
        world.matched = number + 1
        if world.run.gateway.book.working():
            assert not world.told(Expired)
            return world
        world.exchange.faults.down = False
        world.settle()
    raise AssertionError("no order was made")


def later(world, seconds):
    """Let seconds pass, and the process look twice."""
    world.clock.pass_s(seconds)
    world.run.poll()
    world.run.poll()


def check_jump(jump_ns):
    world = waiting()
    sent = len(world.told(Sent))
    world.clock.wall += jump_ns
    later(world, AGE_S / 2)
    assert not world.told(Expired), "it is half as old as it may be"
    world.exchange.faults.down = False
    later(world, 1)
    later(world, 1)
    assert len(world.told(Sent)) == sent + 1


def check_late(jump_ns):
    world = waiting()
    sent = len(world.told(Sent))
    world.clock.wall += jump_ns
    later(world, AGE_S + 1)
    assert len(world.told(Expired)) == 1
    world.exchange.faults.down = False
    later(world, 1)
    later(world, 1)
    assert len(world.told(Sent)) == sent


@pytest.mark.parametrize("jump_ns", [0, HOUR_NS, -HOUR_NS])
def test_l11_a_jump_of_the_clock_neither_expires_an_order_nor_revives_one(jump_ns):
    check_jump(jump_ns)
    check_late(jump_ns)


class WallTime(SteadyTime):
    """Goes by the wall clock."""

    def now_ns(self):
        return self._clock.wall_ns()


def test_l11_a_gateway_that_goes_by_the_wall_clock_is_caught(monkeypatch):
    monkeypatch.setattr(run_module, "SteadyTime", WallTime)
    check_jump(0)
    with pytest.raises(AssertionError):
        check_jump(HOUR_NS)
    with pytest.raises(AssertionError):
        check_late(-HOUR_NS)


@pytest.mark.parametrize("jump_ns", [HOUR_NS, -HOUR_NS])
def test_l11_an_order_that_was_sent_is_waited_for_as_long_as_ever(jump_ns):
    world = VenueWorld(FREE)
    world.start()
    world.exchange.faults.mute_reports = 1  # the acknowledgement
    for bar in BARS:
        world.clock.pass_s(60.0)
        world.run.take(bar)
        if world.told(Sent):
            break
    world.clock.wall += jump_ns
    later(world, 4.0)
    assert not [n for n in world.told(Note) if n.rule == "O06"]
    later(world, 1.1)
    assert len([n for n in world.told(Note) if n.rule == "O06"]) == 1


def test_o18_a_restart_ages_orders_by_the_wall_clock_but_never_to_before_the_last_bar():
    for jump_ns, alive in ((0, True), (-HOUR_NS, True), (2 * AGE_S * SECOND_NS, False)):
        world = waiting()
        world.kill()
        world.clock.wall += jump_ns
        world.exchange.faults.down = False
        world.start()
        for _ in range(30):
            later(world, 1.0)
        assert bool(world.told(Sent)) is alive, jump_ns
        assert bool(world.told(Expired)) is not alive


def test_l11_a_machine_that_slept_is_told_by_the_bars():
    """Its clocks stood still, or came back with an earlier time; the feed did not."""
    world = waiting()
    last = BARS[world.matched - 1]
    world.run.gateway.bar(last.ts_ns + HOUR_NS, last.close, 100_000.0)
    later(world, 1.0)
    assert len(world.told(Expired)) == 1


def test_the_steady_clock_counts_the_sleep_of_the_machine():
    import time

    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert 0 <= SystemClock().steady_ns() - before < 60 * SECOND_NS
