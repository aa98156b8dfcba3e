"""Reading a journal, of a run that ended or one that is under way, without touching it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from admf_fast.errors import JournalError
from admf_fast.journal.disk import Disk, RealDisk
from admf_fast.journal.mark import read_mark
from admf_fast.journal.messages import AnyMessage, decode
from admf_fast.journal.scan import Scan


def read_records(
    folder: str, *, since: int = 0, disk: Disk | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield sequence and payload of every record after `since`.

    Stops where the records end or a crash cut them short. Raises JournalError when records
    are missing that were acknowledged, after yielding those before them.
    """
    disk = disk or RealDisk()
    # First the mark: what a writer acknowledges meanwhile is not missing.
    mark = read_mark(disk, str(folder))
    scan = Scan(disk, str(folder), watch=mark.sequence, since=since)
    yield from scan
    if error := scan.lost(mark):
        raise error


def read_journal(
    folder: str, *, since: int = 0, disk: Disk | None = None
) -> Iterator[tuple[int, AnyMessage]]:
    """Yield sequence and message of every record after `since`, as `read_records` does."""
    for sequence, payload in read_records(folder, since=since, disk=disk):
        try:
            message = decode(payload)
        except msgspec.MsgspecError as error:
            raise JournalError(
                f"{folder}: record {sequence} is whole but no message of this release: {error}; "
                "read it with the release that wrote it"
            ) from error
        yield sequence, message
