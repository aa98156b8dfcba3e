"""What a crash left of a journal: read, judged, and brought back into order."""

from __future__ import annotations

from typing import NamedTuple

import xxhash

from admf_fast.errors import JournalError
from admf_fast.journal.disk import Disk, cause_of, replace_file
from admf_fast.journal.frames import page_after, read_segment_header
from admf_fast.journal.mark import NAME as MARK_NAME
from admf_fast.journal.mark import MarkFile, read_mark
from admf_fast.journal.scan import Scan, segment_names

QUARANTINE = "quarantine"


class Recovered(NamedTuple):
    """Where a journal goes on; without a segment `name` is empty."""

    sequence: int
    chain: bytes
    acknowledged: int
    name: str
    size: int
    offset: int
    promised: int  # up to here, no byte of the segment is ever written again
    unacknowledged: bytes  # what the segment holds from there to the end of its records
    trimmed_bytes: int


def recover(disk: Disk, folder: str) -> Recovered:
    """Bring a journal back into order after whatever ended its last writer.

    A tail of which nothing was acknowledged is removed. If an acknowledged record is missing,
    nothing is changed, the damaged files are copied aside, and JournalError says where.
    """
    if MARK_NAME not in disk.names(folder) and not segment_names(disk, folder):
        MarkFile.create(disk, folder).close()
    mark = read_mark(disk, folder)
    scan = Scan(disk, folder, watch=mark.sequence)
    for _ in scan:
        pass
    if error := scan.lost(mark):
        raise JournalError(f"{error}{_quarantine(disk, folder, scan)}")
    number, offset = scan.place
    promised = _promised(scan)
    trimmed = _trim(disk, folder, scan, promised)
    header = read_segment_header(scan.tail)
    name, size = (scan.names[number], header.size) if header else ("", 0)
    rest = scan.tail[promised:offset]
    return Recovered(
        scan.sequence, scan.chain, mark.sequence, name, size, offset, promised, rest, trimmed
    )


def _promised(scan: Scan) -> int:
    """Return up to where the last segment holds what was acknowledged: whole pages."""
    watched = scan.watched
    assert watched is not None
    is_here = watched.place.segment == scan.place.segment
    return page_after(watched.place.offset) if is_here else 0


def _trim(disk: Disk, folder: str, scan: Scan, promised: int) -> int:
    """Remove what follows the last record; return how many bytes that were."""
    number, offset = scan.place
    trimmed = 0
    for name in reversed(scan.names[number + 1 :]):
        trimmed += len(disk.read(f"{folder}/{name}").rstrip(b"\0"))
        disk.remove(f"{folder}/{name}")
        disk.sync_folder(folder)
    start, end = max(offset, promised), len(scan.tail.rstrip(b"\0"))
    if end > start:
        file = disk.open(f"{folder}/{scan.names[number]}")
        try:
            file.pwrite(bytes(end - start), start)
            file.sync()
        finally:
            file.close()
        trimmed += end - start
    return trimmed


def _quarantine(disk: Disk, folder: str, scan: Scan) -> str:
    """Copy the segments at a damage aside, each once, and say where they are."""
    aside = f"{folder}/{QUARANTINE}"
    first = max(scan.place.segment, 0)
    try:
        disk.make_folder(aside)
        there = disk.names(aside)
        for name in [*scan.names[first : first + 2], MARK_NAME]:
            content = disk.read(f"{folder}/{name}")
            copy = f"{name}-{xxhash.xxh3_64_hexdigest(content)}"
            if copy not in there:
                replace_file(disk, aside, copy, content)
    except OSError as error:
        return f"; no copy could be put into {aside}: {cause_of(error)}"
    return f"; a copy is in {aside}"
