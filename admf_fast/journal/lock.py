"""One process at a time per run folder."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from admf_fast.errors import StateError
from admf_fast.journal.disk import Disk, DiskFile, RealDisk, cause_of
from admf_fast.journal.fork import guard

NAME = "lock"
HOLDER_BYTES = 512
BOOT_ID = "/proc/sys/kernel/random/boot_id"


class StateLock:
    """Holds a run folder from when it is made until `release`; the second raises StateError.

    The kernel gives the lock back when the process ends, however it ends, so one left behind
    by a crash or another container's start never stands in the way. The file says who holds it.
    """

    def __init__(self, folder: str, *, disk: Disk | None = None) -> None:
        self._disk: Disk = disk or RealDisk()
        self._path = f"{folder}/{NAME}"
        self._file: DiskFile | None = None
        guard(self)
        try:
            self._disk.make_folder(str(folder))
            self._file = self._disk.lock(self._path)
            self._file.pwrite(_holder(), 0)
        except BlockingIOError as error:
            raise StateError(
                f"{folder}: is in use by {self._told()}; stop that process, or choose another "
                "run folder"
            ) from error
        except OSError as error:
            self.release()
            raise StateError(
                f"{self._path}: cannot be locked: {cause_of(error)}; choose a folder on a local "
                "disk that can be written"
            ) from error

    @property
    def is_held(self) -> bool:
        """Whether this object holds the folder."""
        return self._file is not None

    def release(self) -> None:
        """Give the folder back."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def let_go(self) -> None:
        """In a forked child: it must not keep the folder when its parent ends."""
        self.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def _told(self) -> str:
        """Return who says to hold the folder."""
        with suppress(OSError, ValueError):
            holder = json.loads(self._disk.read(self._path)[:HOLDER_BYTES])
            return f"process {holder['pid']} of boot {holder['boot_id']}"
        return "another process"


def _holder() -> bytes:
    boot_id = "unknown"
    with suppress(OSError):
        boot_id = Path(BOOT_ID).read_text(encoding="ascii").strip()
    text = json.dumps({"pid": os.getpid(), "boot_id": boot_id})
    return text.encode().ljust(HOLDER_BYTES)
