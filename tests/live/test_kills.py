"""P01, P03: a live run killed, or its power cut, at every call, ends as the undisturbed one."""

import functools
import itertools
from pathlib import Path
from random import Random

from admf_fast.journal.messages import BarInput, Intent, Outcome
from admf_fast.live.replaying import INPUTS
from admf_fast.simulator.calls import Calls, Killed
from admf_fast.simulator.disk import SimulatedDisk
from tests.live.kit import ToldClock, bar_inputs, opened, setups_of

FOLDER = Path("run")
BARS = bar_inputs(20, seed=3)
LIVE = "live: {snapshot_every_bars: 4, sync_ms: 1}\n"
SEGMENT_BYTES = 16_384
LOOK_NS = 100_000  # so that a sync is due every few bars


def run_on(disk):
    """Open the run of a disk, feed it every bar that it does not have, and seal it."""
    clock = ToldClock(LOOK_NS)
    run = opened(FOLDER, setups_of(LIVE), disk=disk, clock=clock, segment_bytes=SEGMENT_BYTES)
    for bar in BARS:
        if bar.ts_ns > run.core.last_ts_ns:
            run.take(bar)
    run.end("ended")
    return run


def story_of(run):
    """Return inputs and answers, each with the number of its input instead of its record's."""
    story, inputs = [], 0
    for _, message in run.records(0):
        if isinstance(message, INPUTS):
            inputs += 1
            story.append(message)
        elif isinstance(message, Outcome):
            story.append((inputs, message.checksum, message.events, message.last_event))
        elif isinstance(message, Intent):
            story.append(message)
    return story


def killed_at(moment):
    disk = SimulatedDisk(Calls(kill_at=moment))
    try:
        run_on(disk)
    except Killed:
        disk.calls.kill_at = -1
        return disk, True
    return disk, False


@functools.cache
def undisturbed():
    disk = SimulatedDisk()
    run = run_on(disk)
    moments = disk.calls.moment
    story = story_of(run)
    assert sum(isinstance(m, BarInput) for m in story) == len(BARS)
    assert story[-1][3] > len(BARS)  # there were signals, orders and fills
    return story, moments


def test_killed_at_every_call_it_ends_as_if_undisturbed():
    expected, moments = undisturbed()
    for moment in itertools.count():
        disk, killed = killed_at(moment)
        if not killed:
            break
        disk.kill()
        assert story_of(run_on(disk)) == expected, moment
    assert moment == moments > 150


def test_power_lost_at_every_call_it_ends_as_if_undisturbed():
    expected, moments = undisturbed()
    shorter = 0
    for moment in range(0, moments, 3):
        disk, _ = killed_at(moment)
        disk.lose_power(Random(moment))
        run = run_on(disk)
        assert story_of(run) == expected, moment
        shorter += run.inputs_replayed < len(BARS)
    assert shorter > 40
