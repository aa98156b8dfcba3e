"""P07, P08, P15, G06: what a restart trusts, what it refuses, and what it says of it."""

import functools
from pathlib import Path

import msgspec
import pytest

from admf_fast.errors import ConfigError, DivergenceError
from admf_fast.journal.journal import Journal
from admf_fast.journal.messages import BarInput, Ended, Outcome, Started, encode
from admf_fast.journal.reading import read_journal
from admf_fast.journal.snapshots import Snapshots
from admf_fast.live.changes import Setups
from admf_fast.live.core import CoreState
from admf_fast.live.recovery import SavedRun
from admf_fast.simulator.disk import SimulatedDisk
from tests.live.kit import CONFIG, bar_inputs, opened, setup_of, setups_of

FOLDER = Path("run")
LIVE = "live: {snapshot_every_bars: 10}\n"
OTHER = CONFIG.replace("slow: 4", "slow: 5")
BARS = bar_inputs(48, seed=3)


def run_on(disk, bars, setups=None, *, end=True, **more):
    run = opened(FOLDER, setups or setups_of(LIVE), disk=disk, **more)
    for bar in bars:
        run.take(bar)
    if end:
        run.end("stopped")
    return run


@functools.cache
def whole():
    """The outcome of a run that was never stopped."""
    return run_on(SimulatedDisk(), BARS).core.outcome(0)


def begun(bars=33):
    disk = SimulatedDisk()
    return disk, run_on(disk, BARS[:bars])


def records(disk):
    return list(read_journal(str(FOLDER / "journal"), disk=disk))


def test_a_restart_replays_what_came_after_the_last_snapshot():
    disk, _ = begun(33)
    run = run_on(disk, BARS[33:])

    assert run.starts == 2
    assert run.inputs_replayed == 3
    assert run.core.outcome(0) == whole()
    assert [type(m) for _, m in records(disk)].count(Ended) == 2


@pytest.mark.parametrize("spoilt", [1, 2, 3])
def test_p07_a_damaged_snapshot_only_means_a_longer_replay(spoilt):
    disk, _ = begun(33)
    folder = str(FOLDER / "snapshots")
    for name in disk.names(folder)[-spoilt:]:
        disk.spoil(f"{folder}/{name}", 200, 0x10)
    run = run_on(disk, BARS[33:])

    assert run.inputs_replayed == {1: 13, 2: 23, 3: 33}[spoilt]
    assert run.core.outcome(0) == whole()


def test_p07_a_snapshot_that_the_journal_does_not_confirm_is_not_used():
    disk, run = begun(33)
    snapshots = Snapshots(str(FOLDER / "snapshots"), disk=disk)
    newest = next(snapshots.newest_first())
    other = run_on(SimulatedDisk(), bar_inputs(30, seed=8)).core
    saved = msgspec.msgpack.decode(newest.payload, type=SavedRun)
    wrong = msgspec.msgpack.encode(msgspec.structs.replace(saved, core=other.save()))
    snapshots.write(newest.sequence, newest.checksum, wrong)
    run = run_on(disk, BARS[33:])

    assert run.inputs_replayed == 13
    assert run.core.outcome(0) == whole()


def test_p08_the_state_of_another_version_is_never_read():
    disk, _ = begun(33)
    snapshots = Snapshots(str(FOLDER / "snapshots"), disk=disk)
    for snapshot in list(snapshots.newest_first()):
        saved = msgspec.msgpack.decode(snapshot.payload, type=SavedRun)
        state = msgspec.msgpack.decode(saved.core, type=CoreState)
        core = msgspec.msgpack.encode(msgspec.structs.replace(state, version=99))
        payload = msgspec.msgpack.encode(msgspec.structs.replace(saved, core=core))
        snapshots.write(snapshot.sequence, snapshot.checksum, payload)

    assert run_on(disk, BARS[33:]).inputs_replayed == 33


def rewritten(change):
    """Return a disk with the journal of a run in which `change` has replaced messages."""
    source, disk = begun(33)[0], SimulatedDisk()
    journal = Journal(str(FOLDER / "journal"), disk=disk)
    for sequence, message in records(source):
        journal.append(encode(change(sequence, message)))
    journal.close()
    return disk


def _other_checksum(sequence, message):
    if sequence == 41 and isinstance(message, Outcome):
        return msgspec.structs.replace(message, checksum=message.checksum ^ 1)
    return message


def test_a_replay_that_differs_names_record_bar_and_field_and_seals_the_run():
    disk = rewritten(_other_checksum)
    before = len(records(disk))
    with pytest.raises(DivergenceError, match=r"record 41 \(bar closing .*\): Outcome.checksum"):
        opened(FOLDER, setups_of(LIVE), disk=disk)
    sealed = records(disk)
    assert len(sealed) == before + 1
    assert sealed[-1][1].status == "diverged"

    with pytest.raises(DivergenceError, match="record 41 "):
        opened(FOLDER, setups_of(LIVE), disk=disk)
    assert records(disk) == sealed


def test_a_run_that_is_sealed_as_diverged_is_not_continued():
    disk, _ = begun(33)
    journal = Journal(str(FOLDER / "journal"), disk=disk)
    journal.append(encode(Ended(status="diverged", text="once")))
    journal.close()
    sealed = records(disk)
    with pytest.raises(DivergenceError, match="record 69: the run is sealed as diverged: once"):
        opened(FOLDER, setups_of(LIVE), disk=disk)
    assert records(disk) == sealed


def _one_ulp(sequence, message):
    if sequence == 42 and isinstance(message, BarInput):
        return msgspec.structs.replace(message, close=message.close * (1.0 + 2**-52))
    return message


def test_one_ulp_in_one_bar_is_caught_on_that_bar():
    disk = rewritten(_one_ulp)
    assert isinstance(records(disk)[41][1], BarInput)
    with pytest.raises(DivergenceError, match="record 43 "):
        opened(FOLDER, setups_of(LIVE), disk=disk)


def test_g06_a_changed_configuration_with_a_position_needs_a_reason():
    disk, run = begun(33)
    lots, before = run.core.position_lots, records(disk)
    assert lots
    with pytest.raises(ConfigError, match=r"\(strategy.params.slow\), and the run holds .* lots"):
        opened(FOLDER, setups_of(LIVE, OTHER), disk=disk)
    assert records(disk) == before

    run_on(disk, BARS[33:40], setups_of(LIVE, OTHER), accepted="slower is better")
    started = [m for _, m in records(disk) if isinstance(m, Started)]
    assert [s.accepted_change for s in started] == ["", "slower is better"]
    assert started[0].digests["config"] != started[1].digests["config"]
    # A restart replays both, the change between them included, to the same state.
    again = run_on(disk, BARS[40:], setups_of(LIVE, OTHER))
    disk.kill()
    for name in disk.names(str(FOLDER / "snapshots")):
        disk.remove(str(FOLDER / "snapshots" / name))
    last = run_on(disk, [], setups_of(LIVE, OTHER))
    assert last.inputs_replayed == 48
    assert last.core.outcome(0) == again.core.outcome(0)


def test_g06_features_are_those_of_the_new_configuration_from_the_first_bar_on():
    disk, run = begun(33)
    changed = run_on(disk, [], setups_of(LIVE, OTHER), accepted="yes")
    fresh = run_on(SimulatedDisk(), BARS[:33], setups_of(LIVE, OTHER))
    values, expected = (r.core.runner.program.values() for r in (changed, fresh))
    kept = run.core.runner.program.values()

    for label in ("sma(2)", "sma(5)"):
        assert values[label] == expected[label]
    for label in ("wallet", "q", "ledger", "curve", "book", "order 0"):
        assert values[label] == kept[label]


def test_g06_without_position_and_orders_no_reason_is_needed():
    disk, run = begun(2)
    assert not run.core.busy
    run_on(disk, BARS[2:], setups_of(LIVE, OTHER))


@pytest.mark.parametrize("more", ["account: {cash: 5}\n", "instrument: {lot_size: 2}\n"])
def test_account_and_market_of_a_run_cannot_change(more):
    disk, _ = begun(2)
    with pytest.raises(ConfigError, match=r"cannot change \((account.cash|instrument.lot_size)"):
        opened(FOLDER, setups_of(LIVE + more), disk=disk, accepted="yes")


def test_p15_other_code_with_a_position_needs_a_reason():
    disk, _ = begun(33)
    other = Setups(setup_of(LIVE))
    other.digests = {**other.digests, "code": "0" * 64}
    with pytest.raises(ConfigError, match="the code changed since the last start, and the run hol"):
        opened(FOLDER, other, disk=disk)
    run = run_on(disk, BARS[33:], other, accepted="release 2")
    assert run.core.outcome(0) == whole()


def test_p15_a_difference_that_other_code_makes_does_not_seal_the_run():
    disk = rewritten(_other_checksum)
    before = records(disk)
    other = Setups(setup_of(LIVE))
    other.digests = {**other.digests, "code": "0" * 64}
    with pytest.raises(DivergenceError):
        opened(FOLDER, other, disk=disk)
    assert records(disk) == before
