"""A writer of known records on a simulated disk, and what must hold of what is read again."""

from __future__ import annotations

from random import Random

from admf_fast.errors import StateError
from admf_fast.journal import Journal, read_records
from admf_fast.journal.frames import PAGE_BYTES
from admf_fast.simulator.calls import Calls, Killed
from admf_fast.simulator.disk import SimulatedDisk

FOLDER = "run/journal"


def payload(sequence):
    """Return the payload of a record: of every length, and no two alike."""
    return Random(sequence).randbytes(sequence * 37 % 401)


class Writer:
    """Appends and syncs by a fixed plan; knows what it was promised."""

    def __init__(self, disk, *, records=30, sync_each=4):
        self.disk, self.records, self.sync_each = disk, records, sync_each
        self.appended = self.acknowledged = 0
        self.journal = None

    def run(self):
        self.journal = journal = Journal(FOLDER, disk=self.disk, segment_bytes=PAGE_BYTES)
        self.appended = self.acknowledged = journal.last_sequence
        while journal.last_sequence < self.records:
            self.appended = journal.append(payload(journal.last_sequence + 1))
            if self.appended % self.sync_each == 0:
                journal.sync()
                self.acknowledged = self.appended
        journal.close()
        self.acknowledged = self.appended


def written(**options):
    """Return a disk with a whole journal on it, and its writer."""
    disk = SimulatedDisk()
    writer = Writer(disk, **options)
    writer.run()
    return disk, writer


def killed_at(moment, **options):
    """Return the disk and the writer of a process that was killed, and whether it was."""
    disk = SimulatedDisk(Calls(kill_at=moment))
    writer = Writer(disk, **options)
    try:
        writer.run()
    except Killed:
        disk.kill()
        disk.calls.kill_at = -1
        return disk, writer, True
    return disk, writer, False


def check_records(disk):
    """Assert that the records are the first of the plan, and return how many there are."""
    count = 0
    for count, (sequence, found) in enumerate(read_records(FOLDER, disk=disk), 1):
        assert sequence == count
        assert found == payload(sequence)
    return count


def check_resumes(disk, at_least, *, records=36):
    """Assert that a new writer finds what was promised, goes on, and all of it is read again."""
    writer = Writer(disk, records=records)
    writer.run()
    opened = writer.journal.opened
    assert at_least <= opened.last_sequence
    assert check_records(disk) == max(records, opened.last_sequence)
    return opened


def error_of(action, *args, **options):
    """Return the StateError of an action, or None."""
    try:
        action(*args, **options)
    except StateError as error:
        return error
    return None
