"""P01, P03, P04, P05: a journal after crashes at every call, losses of power and errors."""

from __future__ import annotations

import errno
import itertools
from random import Random

import pytest

from admf_fast.errors import JournalError, JournalFullError
from admf_fast.journal import Journal
from admf_fast.journal.frames import PAGE_BYTES
from admf_fast.simulator.calls import Calls, Killed
from admf_fast.simulator.disk import SimulatedDisk
from tests.journal.kit import (
    FOLDER,
    Writer,
    check_records,
    check_resumes,
    error_of,
    killed_at,
    payload,
    written,
)

POWER_SEEDS = 4


def moments():
    """Return how many moments the plan of a writer has."""
    disk, _ = written()
    return disk.calls.moment


def test_p01_killed_at_every_call_nothing_appended_is_lost():
    for moment in itertools.count():
        disk, writer, killed = killed_at(moment)
        if not killed:
            break
        check_resumes(disk, writer.appended)
    assert moment == moments() > 200


def test_p03_power_lost_at_every_call_nothing_acknowledged_is_lost():
    trimmed = lost = 0
    for moment in range(moments()):
        for seed in range(POWER_SEEDS):
            disk, writer, _ = killed_at(moment)
            disk.lose_power(Random(seed))
            opened = check_resumes(disk, writer.acknowledged)
            trimmed += opened.trimmed_bytes > 0
            lost += opened.last_sequence < writer.appended
    assert trimmed > 50  # torn tails did occur
    assert lost > 100


def test_p03_power_lost_again_at_every_call_of_the_recovery():
    """The worst of 40 losses of power, then another one at each call of opening again."""
    found = 0
    for seed in range(8):
        random = Random(seed)
        moment = random.randrange(moments())
        for again in itertools.count():
            disk, writer, _ = killed_at(moment)
            disk.lose_power(Random(seed))
            disk.calls = Calls(kill_at=again)
            try:
                Journal(FOLDER, disk=disk, segment_bytes=PAGE_BYTES)
            except Killed:
                disk.lose_power(Random(seed + again))
                disk.calls = Calls()
                check_resumes(disk, writer.acknowledged)
                found += 1
            else:
                break
    assert found > 100


@pytest.mark.parametrize("fault", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("name", ["sync", "pwrite", "rename", "sync_folder", "allocate", "open"])
def test_p04_a_failed_call_ends_the_writer_and_loses_nothing(name, fault):
    """Each call of each kind fails once: an error, no further write, and all that was promised."""
    for number in itertools.count():
        seen = itertools.count()
        disk = SimulatedDisk(Calls(fault=fail_at(name, number, fault, seen)))
        writer = Writer(disk)
        if isinstance(error_of(writer.run), JournalError) and writer.journal:
            moment = disk.calls.moment
            refuse_all(writer.journal)
            assert disk.calls.moment == moment
        if next(seen) <= number:
            break
        disk.lose_power(Random(number))
        disk.calls = Calls()
        check_resumes(disk, writer.acknowledged)
    assert number >= 2


def fail_at(name, number, code, seen):
    return lambda called, _: code if called == name and next(seen) == number else 0


def refuse_all(journal):
    for use in (lambda: journal.append(b"more"), journal.sync):
        with pytest.raises(JournalError, match="cannot be used"):
            use()


def test_p04_fsync_is_not_tried_again():
    disk = SimulatedDisk()
    journal = Journal(FOLDER, disk=disk, segment_bytes=PAGE_BYTES)
    journal.append(payload(1))
    disk.calls.fault = lambda name, path: errno.EIO if name == "sync" else 0
    with pytest.raises(JournalError, match=r"could not be made to stay: simulated \(EIO\)"):
        journal.sync()
    disk.calls.fault = None
    with pytest.raises(JournalError, match="cannot be used"):
        journal.sync()
    journal.close()  # without another sync
    assert journal.acknowledged == 0


def test_p04_records_that_only_the_page_cache_held_are_written_again_on_restart():
    disk = SimulatedDisk()
    journal = Journal(FOLDER, disk=disk, segment_bytes=PAGE_BYTES)
    journal.append(payload(1))
    disk.calls.fault = lambda name, path: errno.EIO if name == "sync" else 0
    with pytest.raises(JournalError):
        journal.sync()  # the cache now counts as clean
    disk.calls.fault = None
    disk.kill()

    again = Journal(FOLDER, disk=disk, segment_bytes=PAGE_BYTES)
    assert again.acknowledged == again.last_sequence == 1
    disk.lose_power(Random(1))

    assert check_records(disk) == 1


def fill(journal, *, essential):
    """Append until there is no room."""
    while True:
        try:
            journal.append(payload(journal.last_sequence + 1), essential=essential)
        except JournalFullError as error:
            return error


def test_p05_on_a_full_disk_fills_and_cancels_are_still_recorded():
    disk = SimulatedDisk()
    journal = Journal(FOLDER, disk=disk, segment_bytes=16 * PAGE_BYTES)
    assert not journal.is_low
    disk.capacity_bytes = disk.used_bytes()

    error = fill(journal, essential=False)
    assert journal.is_low
    assert "kept for fills and cancels" in str(error)
    ordinary = journal.last_sequence
    fill(journal, essential=True)
    assert journal.last_sequence > ordinary + 20
    journal.sync()
    disk.lose_power(Random(0))
    assert check_records(disk) == journal.last_sequence

    disk.capacity_bytes *= 2
    again = Journal(FOLDER, disk=disk, segment_bytes=16 * PAGE_BYTES)
    assert not again.is_low
    assert again.append(b"room again") == journal.last_sequence + 1


def test_p05_room_is_noticed_without_a_restart():
    disk = SimulatedDisk()
    journal = Journal(FOLDER, disk=disk, segment_bytes=4 * PAGE_BYTES)
    disk.capacity_bytes = disk.used_bytes()
    fill(journal, essential=False)
    disk.capacity_bytes *= 2
    journal.append(payload(journal.last_sequence + 1))
    journal.sync()

    assert not journal.is_low
    assert check_records(disk) == journal.last_sequence


def test_p03_a_disk_that_lies_about_syncs_is_caught_when_it_loses_them():
    caught = 0
    for seed in range(40):
        disk = SimulatedDisk()
        journal = Journal(FOLDER, disk=disk, segment_bytes=PAGE_BYTES)
        disk.is_lying = True
        for sequence in range(1, 9):
            journal.append(payload(sequence))
            journal.sync()
        disk.lose_power(Random(seed))
        error = error_of(Journal, FOLDER, disk=disk, segment_bytes=PAGE_BYTES)
        if error is None:  # the mark was lost as well: nothing tells of the promise
            assert check_records(disk) < 8
        caught += "promised to be on the disk" in str(error)
    assert caught > 10
