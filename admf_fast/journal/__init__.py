"""The journal of a live run: what happened, durable before it counts, in a chain of records."""

from admf_fast.journal.disk import Disk, DiskFile, RealDisk, check_folder
from admf_fast.journal.journal import Journal
from admf_fast.journal.lock import StateLock
from admf_fast.journal.reading import read_journal, read_records
from admf_fast.journal.snapshots import Snapshot, Snapshots

__all__ = [
    "Disk",
    "DiskFile",
    "Journal",
    "RealDisk",
    "Snapshot",
    "Snapshots",
    "StateLock",
    "check_folder",
    "read_journal",
    "read_records",
]
