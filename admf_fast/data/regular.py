"""Regular files only: opened once by identity, watched for change, hashed in pieces."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from admf_fast.errors import DataFileError

_HASH_BYTES: Final = 1 << 20
# Without O_NONBLOCK, opening a FIFO would wait for a writer that never comes.
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

Identity = tuple[int, int, int, int]


class RegularFile:
    """One input file.

    Parameters
    ----------
    path
        Where it is.
    label
        How the user named it, for errors.
    follow
        Whether the last component may be a symbolic link.

    Raises DataFileError when it is missing, unreadable, empty, or not a regular file.
    """

    def __init__(self, path: Path, label: str, *, follow: bool = True) -> None:
        self.path = path
        self.label = label
        self.verified = False
        self._flags = _FLAGS if follow else _FLAGS | os.O_NOFOLLOW
        self._sha256 = ""
        self._hashing: threading.Thread | None = None
        handle = self._open()
        try:
            self._identity = self._identify(handle)
        finally:
            os.close(handle)
        if self.size_bytes == 0:
            raise DataFileError(f"{label}: expected bars, found an empty file; write it again")

    @property
    def size_bytes(self) -> int:
        """Size when it was first opened."""
        return self._identity[2]

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Yield a handle; DataFileError if the file is not the same before and afterwards."""
        handle = self._open()
        with os.fdopen(handle, "rb") as file:
            self._refuse_changed(self._identify(handle))
            yield file
            self._refuse_changed(self._identify(handle))

    def start_sha256(self) -> None:
        """Begin to compute the digest in a thread, while the rows are read."""
        if not self._sha256 and self._hashing is None:
            self._hashing = threading.Thread(target=self._try_sha256, name="sha256", daemon=True)
            self._hashing.start()

    def sha256(self) -> str:
        """Return the digest of the whole content, computed on first use."""
        if self._hashing is not None:
            self._hashing.join()
        if not self._sha256:
            self._sha256 = self._hash()
        return self._sha256

    def _try_sha256(self) -> None:
        with suppress(DataFileError, OSError):  # met again, and raised, where it is asked for
            self._sha256 = self._hash()

    def _hash(self) -> str:
        hasher = hashlib.sha256()
        with self.opened() as file:
            while piece := file.read(_HASH_BYTES):
                hasher.update(piece)
        return hasher.hexdigest()

    def _open(self) -> int:
        try:
            return os.open(self.path, self._flags)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = getattr(error, "strerror", None) or str(error)
            raise DataFileError(
                f"{self.label}: could not be opened: {reason}; check the path and its permissions"
            ) from None

    def _identify(self, handle: int) -> Identity:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise DataFileError(
                f"{self.label}: expected a regular file, found {_kind(found.st_mode)}; "
                "give a file of bars"
            )
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    def _refuse_changed(self, found: Identity) -> None:
        if found != self._identity:
            raise DataFileError(
                f"{self.label}: changed while in use (size {self._identity[2]} to {found[2]}); "
                "run again when nobody writes to it"
            )


def _kind(mode: int) -> str:
    names = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFSOCK: "a socket",
    }
    return names.get(stat.S_IFMT(mode), "something else")
