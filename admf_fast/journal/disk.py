"""What a journal asks of a disk; the real one here, one made of faults in the simulator."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from typing import Protocol

from admf_fast.errors import StateError

PROBE = b"a line to be read back\n"


class DiskFile(Protocol):
    """An open file; every method raises OSError as the system calls do."""

    def pwrite(self, content: bytes, offset: int) -> None:
        """Write all of `content` at `offset`."""

    def allocate(self, size: int) -> None:
        """Make the file `size` bytes long, new ones zero, so that writing them finds room."""

    def sync(self) -> None:
        """Return when everything written is on the disk and stays there."""

    def close(self) -> None:
        """Give the file back; what was not synced may still be lost."""


class Disk(Protocol):
    """Names and files; every method raises OSError as the system calls do."""

    def make_folder(self, folder: str) -> None:
        """Make a folder and its parents, if it is not there."""

    def names(self, folder: str) -> list[str]:
        """Return the sorted names in a folder; none if there is no such folder."""

    def read(self, path: str) -> bytes:
        """Return a whole file."""

    def open(self, path: str, *, create: bool = False) -> DiskFile:
        """Open a file for writing; with `create` a new, empty one in any case."""

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, replacing what has it; durable after `sync_folder`."""

    def remove(self, path: str) -> None:
        """Remove a file."""

    def sync_folder(self, folder: str) -> None:
        """Return when the names in a folder are on the disk and stay there."""

    def lock(self, path: str) -> DiskFile:
        """Open a file under an exclusive lock of this process; BlockingIOError if taken."""


class RealFile:
    """A file by its descriptor."""

    __slots__ = ("descriptor",)

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def pwrite(self, content: bytes, offset: int) -> None:
        """Write all of `content` at `offset`, whatever a single call takes."""
        written = os.pwrite(self.descriptor, content, offset)
        while written < len(content):
            written += os.pwrite(self.descriptor, content[written:], offset + written)

    def allocate(self, size: int) -> None:
        """Reserve the blocks: a later write into them cannot run out of space."""
        os.posix_fallocate(self.descriptor, 0, size)
        os.ftruncate(self.descriptor, size)

    def sync(self) -> None:
        """Flush content, and what of the metadata is needed to read it."""
        os.fdatasync(self.descriptor)

    def close(self) -> None:
        """Close the descriptor once."""
        if self.descriptor >= 0:
            descriptor, self.descriptor = self.descriptor, -1
            os.close(descriptor)


class RealDisk:
    """The file system of this machine."""

    def make_folder(self, folder: str) -> None:
        """Make a folder and its parents, for this user alone."""
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def names(self, folder: str) -> list[str]:
        """Return the sorted names in a folder."""
        try:
            return sorted(os.listdir(folder))
        except FileNotFoundError:
            return []

    def read(self, path: str) -> bytes:
        """Return a whole file; a link is not followed."""
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as file:
            return file.read()

    def open(self, path: str, *, create: bool = False) -> RealFile:
        """Open a file for writing; a link is not followed."""
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        if create:
            flags |= os.O_CREAT | os.O_TRUNC
        return RealFile(os.open(path, flags, 0o600))

    def rename(self, old: str, new: str) -> None:
        """Give a file another name in one step."""
        os.replace(old, new)

    def remove(self, path: str) -> None:
        """Remove a file."""
        os.unlink(path)

    def sync_folder(self, folder: str) -> None:
        """Flush a folder."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lock(self, path: str) -> RealFile:
        """Lock by `flock`: the kernel gives it back when the process ends, however it ends."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        return RealFile(descriptor)


def replace_file(disk: Disk, folder: str, name: str, content: bytes) -> None:
    """Write a file that appears whole or not at all, also after a loss of power."""
    temporary = f"{folder}/{name}.tmp"
    try:
        file = disk.open(temporary, create=True)
        try:
            file.pwrite(content, 0)
            file.sync()
        finally:
            file.close()
        disk.rename(temporary, f"{folder}/{name}")
    except OSError:
        with suppress(OSError):
            disk.remove(temporary)
        raise
    disk.sync_folder(folder)


def check_folder(disk: Disk, folder: str) -> None:
    """Make a folder and see that it keeps what is written; raises StateError if it does not."""
    try:
        disk.make_folder(folder)
        replace_file(disk, folder, "probe", PROBE)
        found = disk.read(f"{folder}/probe")
        disk.remove(f"{folder}/probe")
    except OSError as error:
        raise StateError(
            f"{folder}: expected a folder that can be written, synced and renamed in, found: "
            f"{cause_of(error)}; make it writable or choose another folder"
        ) from error
    if found != PROBE:
        raise StateError(
            f"{folder}: a file read back differs from what was written; use no such disk"
        )


def cause_of(error: OSError) -> str:
    """Return the system's words for an error."""
    name = errno.errorcode.get(error.errno or 0, "")
    return f"{error.strerror or error} ({name})" if name else str(error)
