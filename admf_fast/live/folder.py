"""The folder of a live run: what is where in it, and whether it can be used."""

import errno
import os
from pathlib import Path

from admf_fast.errors import StateError

PROBE = ".probe"


class RunFolder:
    """The places in a run folder.

    Attributes
    ----------
    journal, snapshots, control : Path
        Folders: the records, the saved states, commands that wait to be taken.
    lock, status, kill : Path
        Files: held by the process, written by it, and the kill switch.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = path / "journal"
        self.snapshots = path / "snapshots"
        self.control = path / "control"
        self.lock = path / "lock"
        self.status = path / "status.json"
        self.kill = path / "kill"

    @property
    def exists(self) -> bool:
        """Whether a live run was ever started here."""
        return self.journal.is_dir()

    def make(self) -> None:
        """Make the folder, or check that what is there is one; and that it can be written.

        Raises StateError saying what is in the way: the process must find out now, not when
        its first order has to be made durable.
        """
        try:
            if self.path.exists() and not self.exists and any(self.path.iterdir()):
                raise StateError(
                    f"{self.path}: expected a new name, an empty folder or the folder of a live "
                    "run, found a folder with other things in it; choose another name"
                )
            for folder in (self.path, self.control):
                folder.mkdir(parents=True, exist_ok=True)
            self._probe()
        except OSError as error:
            raise StateError(_refusal(self.path, error)) from error

    def _probe(self) -> None:
        """Write, sync, rename and read back a small file."""
        first, second = self.path / PROBE, self.path / f"{PROBE}2"
        content = os.urandom(4096)
        handle = os.open(first, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            written = os.write(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(first, second)
        found = second.read_bytes()
        second.unlink()
        if written != len(content) or found != content:
            raise OSError(errno.EIO, "what was written is not what is read back")


_REMEDIES = {
    errno.ENOSPC: "free space or inodes on that disk, or use another folder",
    errno.EDQUOT: "free space within the quota, or use another folder",
    errno.EROFS: "the disk is read-only: use another folder",
    errno.ENOTDIR: "a part of the path is no folder: use another one",
}


def _refusal(path: Path, error: OSError) -> str:
    remedy = _REMEDIES.get(error.errno or 0, "make the folder writable, or use another one")
    return f"{path}: cannot hold a live run: {error.strerror}; {remedy}; nothing was started"
