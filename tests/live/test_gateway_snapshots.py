"""P07, O03: a snapshot has the memory of the gateway, and never more than the journal."""

import msgspec
import pytest

from admf_fast.journal.messages import Report
from admf_fast.journal.snapshots import Snapshots
from admf_fast.live.recovery import SavedRun
from admf_fast.live.run import LiveRun
from admf_fast.simulator.calls import Killed
from admf_fast.venues.gateway import Gateway
from admf_fast.venues.saving import SavedGateway
from tests.live import venue_world
from tests.live.venue_world import BARS, FOLDER, VenueWorld, venue_setups

EVERY_TEN = "live: {snapshot_every_bars: 10, sync_ms: 0}\n"


class Counting(Gateway):
    """Counts what it is told of the journal."""

    told = 0

    def replay(self, message):
        Counting.told += 1
        super().replay(message)


def restarted(change=lambda saved: saved):
    """Kill a process, change its snapshots, start again; return the world before and after."""
    world = VenueWorld(setups=venue_setups(EVERY_TEN), make=Counting)
    world.start()
    world.trade(len(BARS) - 1)
    before = world.run.gateway.save()
    world.kill()
    snapshots = Snapshots(str(FOLDER / "snapshots"), disk=world.disk)
    for snapshot in list(snapshots.newest_first()):
        saved = change(msgspec.msgpack.decode(snapshot.payload, type=SavedRun))
        snapshots.write(snapshot.sequence, snapshot.checksum, msgspec.msgpack.encode(saved))
    Counting.told = 0
    world.start()
    return world, before, world.run.gateway.save()


def _nothing(saved):
    return msgspec.structs.replace(saved, gateway=b"", gateway_sequence=0)


def _damaged(saved):
    return msgspec.structs.replace(saved, gateway=saved.gateway[:-9])


def _other_version(saved):
    state = msgspec.msgpack.decode(saved.gateway, type=SavedGateway)
    state = msgspec.structs.replace(state, version=99)
    return msgspec.structs.replace(saved, gateway=msgspec.msgpack.encode(state))


@pytest.mark.parametrize("change", [None, _nothing, _damaged, _other_version])
def test_p07_a_gateway_is_the_same_from_a_snapshot_and_from_the_whole_journal(change):
    world, before, after = restarted(*([change] if change else []))
    records = len(world.messages)

    assert after == before
    assert (Counting.told > records // 3) if change else (Counting.told < 40 < records // 3)
    world.trade(len(BARS))
    assert world.exchange.held.get("X", 0) == world.run.core.position_lots


class Early(LiveRun):
    """Saves the state after every input, also while more of what the gateway said waits."""

    def _take(self, message):
        found = super()._take(message)
        self._snapshot()
        return found


def check_death_between_two_reports(monkeypatch, run_of):
    """A poll says accepted and filled; the process dies when only the first is journaled."""
    monkeypatch.setattr(venue_world, "LiveRun", run_of)
    world = VenueWorld(setups=venue_setups("live: {snapshot_every_bars: 1, sync_ms: 0}\n"))
    run = world.start()
    world.exchange.faults.latency_ns = 30 * 10**9  # so that both come together
    append = run._append

    def dies(message):
        if isinstance(message, Report) and message.lots:
            raise Killed
        return append(message)

    monkeypatch.setattr(run, "_append", dies)
    with pytest.raises(Killed):
        world.trade(len(BARS))
    world.kill()
    assert [r.status for r in world.told(Report)] == ["accepted"]
    world.exchange.faults.latency_ns = 0
    world.start()
    world.settle()
    assert world.exchange.held["X"] == world.run.core.position_lots != 0


def test_o03_a_process_that_dies_between_two_reports_is_told_the_second_again(monkeypatch):
    check_death_between_two_reports(monkeypatch, LiveRun)


def test_o03_a_state_that_is_ahead_of_the_journal_is_caught(monkeypatch):
    with pytest.raises(AssertionError):
        check_death_between_two_reports(monkeypatch, Early)
