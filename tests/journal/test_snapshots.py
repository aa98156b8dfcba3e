"""P05, P07, P08: saved states are whole, the newest three, or passed over by name."""

from __future__ import annotations

import errno
import itertools
from hashlib import blake2b
from random import Random

import pytest

from admf_fast.errors import StateError
from admf_fast.journal import Snapshot, Snapshots
from admf_fast.simulator.calls import Calls, Killed
from admf_fast.simulator.disk import SimulatedDisk

FOLDER = "run/snapshots"


def state(sequence):
    return Snapshot(sequence, sequence * 7, Random(sequence).randbytes(sequence * 300 % 1000))


def written(count, disk=None):
    disk = disk or SimulatedDisk()
    snapshots = Snapshots(FOLDER, disk=disk)
    for sequence in range(10, 10 * count + 1, 10):
        snapshots.write(*state(sequence))
    return disk


def read(disk):
    return list(Snapshots(FOLDER, disk=disk).newest_first())


def test_the_newest_three_are_kept_and_come_newest_first():
    disk = written(5)

    assert read(disk) == [state(50), state(40), state(30)]
    assert len(disk.names(FOLDER)) == 3


def test_the_real_disk_gives_the_same(tmp_path):
    snapshots = Snapshots(str(tmp_path))
    for sequence in (10, 20, 30, 40):
        snapshots.write(*state(sequence))

    assert list(snapshots.newest_first()) == [state(40), state(30), state(20)]


def test_p07_every_bit_of_a_damaged_state_is_noticed_and_an_older_one_used():
    disk = written(2)
    name = disk.names(FOLDER)[-1]
    for offset in range(len(disk.read(f"{FOLDER}/{name}"))):
        damaged = disk.copy()
        damaged.spoil(f"{FOLDER}/{name}", offset, 1 << offset % 8)
        snapshots = Snapshots(FOLDER, disk=damaged)
        assert list(snapshots.newest_first()) == [state(10)]
        assert [text.split(":")[0] for text in snapshots.rejected] == [f"{FOLDER}/{name}"]


def test_p07_every_length_of_a_state_cut_short_is_noticed():
    disk = written(2)
    name = disk.names(FOLDER)[-1]
    for size in range(len(disk.read(f"{FOLDER}/{name}"))):
        short = disk.copy()
        short.cut(f"{FOLDER}/{name}", size)
        assert read(short) == [state(10)]


def test_p07_a_state_under_another_name_is_not_used():
    disk = written(2)
    names = disk.names(FOLDER)
    disk.rename(f"{FOLDER}/{names[0]}", f"{FOLDER}/{30:020d}.snapshot")

    assert read(disk) == [state(20)]


def test_p08_a_state_of_another_version_is_passed_over_by_name():
    disk = SimulatedDisk()
    Snapshots(FOLDER, disk=disk).write(*state(10))
    name = disk.names(FOLDER)[0]
    content = bytearray(disk.read(f"{FOLDER}/{name}"))
    content[8] = 9
    content[-32:] = blake2b(content[:-32], digest_size=32).digest()
    disk.open(f"{FOLDER}/{name}").pwrite(bytes(content), 0)
    snapshots = Snapshots(FOLDER, disk=disk)

    assert list(snapshots.newest_first()) == []
    assert "it has version 9, this release reads 1" in snapshots.rejected[0]


@pytest.mark.parametrize("power", [False, True])
def test_p01_a_crash_at_every_call_leaves_the_old_states_or_the_new(power):
    for moment in itertools.count():
        disk = written(4).copy()
        disk.calls = Calls(kill_at=moment)
        try:
            Snapshots(FOLDER, disk=disk).write(*state(50))
        except Killed:
            disk.lose_power(Random(moment)) if power else disk.kill()
            disk.calls = Calls()
        else:
            break
        found = read(disk)
        assert found in (
            [state(40), state(30), state(20)],
            [state(50), state(40), state(30)],
            [state(50), state(40), state(30), state(20)],
        )
    assert moment > 10


@pytest.mark.parametrize("name", ["open", "pwrite", "sync", "rename"])
def test_p05_a_full_disk_leaves_the_old_states_intact(name):
    disk = written(3)
    disk.calls.fault = lambda called, path: errno.ENOSPC if called == name else 0
    with pytest.raises(StateError, match=r"could not be saved.*older ones are intact"):
        Snapshots(FOLDER, disk=disk).write(*state(40))
    disk.calls.fault = None

    assert read(disk) == [state(30), state(20), state(10)]
    assert len(disk.names(FOLDER)) == 3  # no temporary file stays
