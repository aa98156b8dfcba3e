"""The writer: records are appended to preallocated segments and acknowledged by `sync`."""

from __future__ import annotations

import errno
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn, Self

from admf_fast.errors import JournalError, JournalFullError
from admf_fast.journal.disk import Disk, DiskFile, RealDisk, cause_of, check_folder
from admf_fast.journal.fork import guard
from admf_fast.journal.frames import (
    PAGE_BYTES,
    RECORD_HEADER_BYTES,
    SEGMENT_HEADER_BYTES,
    SegmentHeader,
    after,
    frame,
    page_after,
    segment_header,
)
from admf_fast.journal.mark import Mark, MarkFile
from admf_fast.journal.opening import Recovered, recover
from admf_fast.journal.scan import segment_name

SEGMENT_BYTES = 4 * 1024 * 1024
SEGMENT_BYTES_MIN = PAGE_BYTES
RESERVE_SHARE = 4  # of the last segment, one part in so many is kept for what is essential
SPARE = "spare"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a journal held when it was opened."""

    last_sequence: int
    acknowledged: int
    trimmed_bytes: int  # of records that a crash cut short and nobody was promised


class Journal:
    """The journal of a run, open for its one writer; hold the `StateLock` of the run folder.

    `append` hands a record to the operating system: it outlives the process, not a loss of
    power. After `sync` all records appended so far outlive that, too. A failed write or sync
    is final: what the disk holds is unknown, so every later call raises JournalError, and the
    process has to be started again.
    """

    def __init__(
        self, folder: str, *, disk: Disk | None = None, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        if segment_bytes < SEGMENT_BYTES_MIN or segment_bytes % PAGE_BYTES:
            raise JournalError(
                f"segment_bytes: expected a multiple of {PAGE_BYTES}, found {segment_bytes}"
            )
        self._folder = str(folder)
        self._disk: Disk = disk or RealDisk()
        self._segment_bytes = segment_bytes
        self._stopped = ""
        self._file: DiskFile | None = None
        self._spare: DiskFile | None = None
        self._marks: MarkFile | None = None
        self._last = self._acknowledged = 0
        self._chain = b""
        self._offset = self._size = self._limit = 0  # where to write, and up to which byte
        guard(self)
        check_folder(self._disk, self._folder)
        try:
            found = recover(self._disk, self._folder)
            self.opened = Opened(found.sequence, found.acknowledged, found.trimmed_bytes)
            self._start(found)
            self._make_spare()
        except OSError as error:
            self._release()
            raise JournalError(f"{self._folder}: cannot be opened: {cause_of(error)}") from error
        except BaseException:
            self._release()
            raise

    @property
    def last_sequence(self) -> int:
        """The sequence of the last record, 0 if there is none."""
        return self._last

    @property
    def acknowledged(self) -> int:
        """The sequence up to which records outlive a loss of power."""
        return self._acknowledged

    @property
    def is_low(self) -> bool:
        """Whether the disk has no room for another segment: make no new orders."""
        return self._spare is None

    def append(self, payload: bytes, *, essential: bool = False) -> int:
        """Write a record and return its sequence, one more than the last.

        When the disk is full, the last quarter of the last segment is kept for records that
        are `essential`: fills, cancels, the end. Raises JournalFullError, with nothing
        written, when there is no room; JournalError when a write fails.
        """
        if self._stopped:
            self._refuse()
        sequence = self._last + 1
        record, chain = frame(sequence, self._chain, payload)
        offset = self._offset
        end = offset + len(record)
        if end > (self._size if essential else self._limit):
            self._roll(len(record), essential)
            offset = self._offset
        try:
            self._file.pwrite(record, offset)  # type: ignore[union-attr]
        except OSError as error:
            self._fail("a record could not be written", error)
        self._offset = after(offset, len(payload))
        self._last = sequence
        self._chain = chain
        return sequence

    def sync(self) -> None:
        """Return when every record so far is on the disk, and that is, too.

        Raises JournalError if the disk reports an error, once and for all: pages that failed
        to be written may count as written afterwards.
        """
        if self._stopped:
            self._refuse()
        if self._acknowledged == self._last:
            return
        try:
            self._file.sync()  # type: ignore[union-attr]
            self._marks.write(Mark(self._last, self._chain))  # type: ignore[union-attr]
        except OSError as error:
            self._fail("records could not be made to stay", error)
        self._acknowledged = self._last
        # A page that holds what was promised is never written again: a torn write cannot hurt it.
        self._offset = page_after(self._offset)
        if self._spare is None:
            self._make_spare()

    def close(self) -> None:
        """Sync, and give all files back; without sync after an error."""
        try:
            if not self._stopped:
                self.sync()
        finally:
            self._stopped = self._stopped or "it is closed"
            self._release()

    def let_go(self) -> None:
        """In a forked child: close the files and refuse all use."""
        self._stopped = "this process is a fork of the one that opened it"
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _refuse(self) -> NoReturn:
        raise JournalError(f"{self._folder}: the journal cannot be used: {self._stopped}")

    def _fail(self, what: str, error: OSError) -> NoReturn:
        self._stopped = f"{what}: {cause_of(error)}"
        raise JournalError(
            f"{self._folder}: {self._stopped}; what the disk holds is unknown: stop, check the "
            "disk, and start again"
        ) from error

    def _release(self) -> None:
        for file in (self._file, self._spare, self._marks):
            if file is not None:
                with suppress(OSError):
                    file.close()
        self._file = self._spare = self._marks = None

    def _roll(self, record_bytes: int, essential: bool) -> None:
        """Go on with the spare segment."""
        most = self._segment_bytes - SEGMENT_HEADER_BYTES
        if record_bytes > most:
            raise JournalError(
                f"{self._folder}: a record of {record_bytes - RECORD_HEADER_BYTES} bytes does not "
                f"fit into a segment; expected at most {most - RECORD_HEADER_BYTES}; nothing was "
                "written"
            )
        self._make_spare()
        if self._spare is None:
            kept = "" if essential else " and the rest is kept for fills and cancels"
            raise JournalFullError(
                f"{self._folder}: no room for another segment of {self._segment_bytes} bytes"
                f"{kept}; nothing was written: free space on that disk"
            )
        if not essential and self._offset + record_bytes <= self._size:
            return  # only the reserve was in the way, and there is a spare again
        self._next_segment()

    def _next_segment(self) -> None:
        try:
            self._file.sync()  # type: ignore[union-attr]
            self._begin_segment()
        except OSError as error:
            self._fail("the next segment could not be begun", error)
        self._make_spare()

    def _begin_segment(self) -> None:
        """Turn the spare into the segment of the next record; on the disk when this returns."""
        spare = self._spare
        assert spare is not None
        header = SegmentHeader(self._segment_bytes, self._last + 1, self._chain)
        spare.pwrite(segment_header(header), 0)
        spare.sync()
        name = segment_name(self._last + 1)
        self._disk.rename(f"{self._folder}/{SPARE}", f"{self._folder}/{name}")
        self._disk.sync_folder(self._folder)
        if self._file is not None:
            self._file.close()
        self._file, self._spare = spare, None
        self._offset, self._size = SEGMENT_HEADER_BYTES, self._segment_bytes

    def _make_spare(self) -> None:
        """Reserve the next segment ahead of time, if the disk has room for it."""
        if self._spare is None:
            try:
                self._spare = self._reserve(f"{self._folder}/{SPARE}")
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    self._fail("a segment could not be reserved", error)
        kept = 0 if self._spare else self._size // RESERVE_SHARE
        self._limit = self._size - kept

    def _reserve(self, path: str) -> DiskFile:
        try:
            left = self._disk.read(path)  # by the process before this one
        except FileNotFoundError:
            left = b""
        is_fit = len(left) == self._segment_bytes and not left[SEGMENT_HEADER_BYTES:].strip(b"\0")
        file = self._disk.open(path, create=not is_fit)
        try:
            file.allocate(self._segment_bytes)
            file.sync()
        except OSError:
            file.close()
            with suppress(OSError):
                self._disk.remove(path)
            raise
        return file

    def _start(self, found: Recovered) -> None:
        """Go on after the last record, which is on the disk when this returns."""
        self._last, self._chain = found.sequence, found.chain
        self._acknowledged = found.acknowledged
        self._marks = MarkFile(self._disk, self._folder)
        if found.name:
            self._file = self._disk.open(f"{self._folder}/{found.name}")
            self._file.allocate(found.size)  # a crash may have cut it short
            self._size, self._offset = found.size, page_after(found.offset)
            self._secure(found, self._file)
            return
        self._make_spare()
        if self._spare is None:
            raise JournalFullError(
                f"{self._folder}: no room for a segment of {self._segment_bytes} bytes; free "
                "space on that disk"
            )
        self._begin_segment()

    def _secure(self, found: Recovered, file: DiskFile) -> None:
        """Acknowledge what was found past the mark.

        It may come from the page cache of a process whose sync failed, and count as written
        there although it is not: so it is written again first.
        """
        if found.sequence == found.acknowledged:
            return
        file.pwrite(found.unacknowledged, found.promised)
        file.sync()
        assert self._marks is not None
        self._marks.write(Mark(self._last, self._chain))
        self._acknowledged = self._last
