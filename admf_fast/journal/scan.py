"""One pass over the records of a journal, in order, up to where they end or break."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from admf_fast.errors import JournalError
from admf_fast.journal.disk import Disk
from admf_fast.journal.frames import (
    GENESIS,
    SEGMENT_HEADER_BYTES,
    after,
    foreign_version,
    next_whole,
    page_after,
    read_segment_header,
    unframe,
)
from admf_fast.journal.mark import Mark

SUFFIX = ".segment"


def segment_name(first: int) -> str:
    """Return the name of the segment whose first record is `first`."""
    return f"{first:020d}{SUFFIX}"


def segment_names(disk: Disk, folder: str) -> list[str]:
    """Return the names of the segments of a journal in order."""
    return [name for name in disk.names(folder) if name.endswith(SUFFIX)]


class Place(NamedTuple):
    """Where a record ends: the segment's number in the list, and the byte after it."""

    segment: int
    offset: int


class Watched(NamedTuple):
    """The chain and the end of the record that was asked for."""

    chain: bytes
    place: Place


class Scan:
    """Iterate to get (sequence, payload) of every record that follows from the one before.

    Afterwards `sequence`, `chain` and `place` tell the last of them, `tail` the bytes of its
    segment, and `watched` what was found at the sequence `watch`. With `since`, records up to
    it are passed over, whole segments of them unread.
    """

    def __init__(self, disk: Disk, folder: str, *, watch: int = 0, since: int = 0) -> None:
        self._disk = disk
        self._folder = folder
        self._watch, self._since = watch, since
        self.names = segment_names(disk, folder)
        self.sequence = 0
        self.chain = GENESIS
        self.place = Place(-1, 0)
        self.tail = b""
        self.watched = None if watch else Watched(GENESIS, self.place)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        for number in range(self._skip(), len(self.names)):
            content = self._segment(number)
            if not content:
                return
            self.tail, self.place = content, Place(number, SEGMENT_HEADER_BYTES)
            yield from self._records(number, content)

    def _skip(self) -> int:
        """Return the number of the segment to begin with, taking its header's word for it."""
        names = self.names
        firsts = [int(name.removesuffix(SUFFIX)) for name in names]
        number = max((k for k, first in enumerate(firsts) if first <= self._since), default=0)
        if number:
            header = read_segment_header(self._disk.read(f"{self._folder}/{names[number]}"))
            if header is None or header.first != firsts[number]:
                return 0
            self.sequence, self.chain = header.first - 1, header.chain
        return number

    def _segment(self, number: int) -> bytes:
        """Return a segment's bytes if it continues the chain, nothing otherwise."""
        path = f"{self._folder}/{self.names[number]}"
        content = self._disk.read(path)
        header = read_segment_header(content)
        if header is None:
            if version := foreign_version(content):
                raise JournalError(
                    f"{path}: expected a segment of version 1, found {version}; read it with "
                    "the release that wrote it"
                )
            return b""
        follows = (header.first, header.chain) == (self.sequence + 1, self.chain)
        return content if follows else b""

    def _records(self, number: int, content: bytes) -> Iterator[tuple[int, bytes]]:
        offset = SEGMENT_HEADER_BYTES
        sequence, chain, since, watch = self.sequence, self.chain, self._since, self._watch
        while True:
            found = unframe(content, offset, sequence + 1, chain)
            if found is None:
                # After a sync the writer goes on with the next page. Whatever lies between: a
                # record that continues the chain shows that none is missing.
                offset = page_after(offset + 1)
                found = unframe(content, offset, sequence + 1, chain)
                if found is None:
                    return
            payload, chain = found
            offset = after(offset, len(payload))
            sequence += 1
            self.sequence, self.chain, self.place = sequence, chain, Place(number, offset)
            if sequence == watch:
                self.watched = Watched(chain, self.place)
            if sequence > since:
                yield sequence, payload

    def lost(self, mark: Mark) -> JournalError | None:
        """Return the error of a journal that lacks what was promised to be in it, or None."""
        if self.sequence < mark.sequence:
            return JournalError(self._damage(mark))
        if self.watched is not None and self.watched.chain != mark.chain:
            return JournalError(
                f"{self._folder}: record {mark.sequence} is not the one that was acknowledged "
                "under this number; the segments and the mark are of different journals: "
                "restore them from one copy"
            )
        return None

    def _damage(self, mark: Mark) -> str:
        names = self.names
        number, offset = self.place
        beyond = next_whole(self.tail, offset, self.sequence)
        if number + 1 < len(names):
            content = self._disk.read(f"{self._folder}/{names[number + 1]}")
            beyond = beyond or next_whole(content, SEGMENT_HEADER_BYTES, self.sequence)
            if number < 0 or names[number + 1] == segment_name(self.sequence + 1):
                number, offset = number + 1, 0
        name = names[max(number, 0)] if names else segment_name(1)
        follows = f"record {beyond} is whole again" if beyond else "no whole record follows"
        return (
            f"{self._folder}/{name}: damaged at byte {offset}: expected record "
            f"{self.sequence + 1}, and {mark.sequence} were promised to be on the disk; "
            f"{follows}; nothing was changed: restore the folder from a copy, or start a new "
            "run folder and reconcile with the venue by hand"
        )
