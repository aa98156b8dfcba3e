"""The acknowledged mark: the last record that was promised to be on the disk.

Whether a broken tail may be trimmed cannot be told from the tail itself: a write that a loss
of power cut short and a record that the disk lost look the same. So `sync` writes down, after
the records are on the disk and before it returns, up to which record they are. The mark lies in
a file of its own, in two slots on two pages which are written in turn: one that is cut short
leaves the other.
"""

from __future__ import annotations

import struct
from typing import NamedTuple
from zlib import crc32

from admf_fast.errors import JournalError
from admf_fast.journal.disk import Disk, DiskFile, replace_file
from admf_fast.journal.frames import GENESIS, PAGE_BYTES

NAME = "acknowledged"
_SLOT = struct.Struct("<8sQ16s")
_CRC = struct.Struct("<I")
_MAGIC = b"ADMFMARK"


class Mark(NamedTuple):
    """The last acknowledged sequence, 0 for none, and the chain after it."""

    sequence: int
    chain: bytes


def _pack(mark: Mark) -> bytes:
    content = _SLOT.pack(_MAGIC, *mark)
    return content + _CRC.pack(crc32(content))


def _unpack(content: bytes, offset: int) -> Mark | None:
    end = offset + _SLOT.size
    if len(content) < end + _CRC.size:
        return None
    magic, sequence, chain = _SLOT.unpack_from(content, offset)
    if magic != _MAGIC or _CRC.unpack_from(content, end)[0] != crc32(content[offset:end]):
        return None
    return Mark(sequence, chain)


def _slots(content: bytes) -> list[Mark | None]:
    return [_unpack(content, slot * PAGE_BYTES) for slot in (0, 1)]


def read_mark(disk: Disk, folder: str) -> Mark:
    """Return the mark of a journal; raises JournalError if neither slot can be read."""
    try:
        marks = [mark for mark in _slots(disk.read(f"{folder}/{NAME}")) if mark]
    except FileNotFoundError:
        marks = []
    if not marks:
        raise JournalError(
            f"{folder}/{NAME}: expected the mark of the last record promised to be on the disk, "
            "found none that is whole; without it a lost record cannot be told from one never "
            "promised: restore this file, or start a new run folder and reconcile by hand"
        )
    return max(marks)


class MarkFile:
    """The mark, open for writing."""

    def __init__(self, disk: Disk, folder: str) -> None:
        marks = _slots(disk.read(f"{folder}/{NAME}"))
        # The newer one stays until its successor is on the disk.
        self._slot = 0 if marks[0] is None or (marks[1] and marks[1] > marks[0]) else 1
        self._file: DiskFile = disk.open(f"{folder}/{NAME}")

    @classmethod
    def create(cls, disk: Disk, folder: str) -> MarkFile:
        """Write the mark of an empty journal; it is on the disk before the first segment is."""
        slot = _pack(Mark(0, GENESIS)).ljust(PAGE_BYTES, b"\0")
        replace_file(disk, folder, NAME, slot * 2)
        return cls(disk, folder)

    def write(self, mark: Mark) -> None:
        """Return when the mark is on the disk."""
        self._file.pwrite(_pack(mark), self._slot * PAGE_BYTES)
        self._file.sync()
        self._slot = 1 - self._slot

    def close(self) -> None:
        """Close the file."""
        self._file.close()
