"""What a venue answers at once is taken at once, and what it does not is not asked for busily."""

from admf_fast.feeds.feed import POLL_S
from admf_fast.journal.messages import BarInput, Report, Sent
from admf_fast.live.control import Signals
from admf_fast.live.process import ANSWER_S, LiveProcess
from tests.live.test_process import BARS as ROWS
from tests.live.test_process import Steps, Told
from tests.live.venue_world import BARS, VenueWorld


def test_an_answer_that_is_ready_is_taken_before_the_next_bar_of_a_burst():
    world = VenueWorld()
    world.start()
    for bar in BARS[:20]:  # no time passes, and nobody polls
        world.run.take(bar)
        assert not world.run.awaits
    sent = [m.client_id for m in world.told(Sent)]

    assert len(sent) > 1
    assert {r.client_id for r in world.told(Report) if r.status == "accepted"} == set(sent)
    assert len(world.told(BarInput)) == 20


def test_a_venue_that_takes_its_time_is_asked_less_and_less_often():
    world = VenueWorld()
    world.exchange.faults.latency_ns = 4 * 10**9
    run = world.start()
    guard = Told(run.setup.config, {})
    process = LiveProcess(run, Steps(ROWS), guard, world.clock, Signals())
    assert [process._patience_s() for _ in range(3)] == [POLL_S] * 3
    for bar in BARS:
        run.take(bar)
        if run.awaits:
            break
    waits = [process._patience_s() for _ in range(10)]
    assert waits[0] == 2 * ANSWER_S
    assert waits == sorted(waits)
    assert sum(waits[:6]) > POLL_S, "six looks at most in the first tenth of a second"
    assert waits[-1] == POLL_S
    world.clock.pass_s(4.0)
    run.poll()
    assert not run.awaits
    assert process._patience_s() == POLL_S
