"""The folder of a live run: what is where in it, and whether it can be used."""

from pathlib import Path

from admf_fast.errors import StateError
from admf_fast.journal.disk import Disk, RealDisk, check_folder


class RunFolder:
    """The places in a run folder.

    Attributes
    ----------
    journal, snapshots, control : Path
        Folders: the records, the saved states, commands that wait to be taken.
    status, kill : Path
        Files: written by the process, and the kill switch.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = path / "journal"
        self.snapshots = path / "snapshots"
        self.control = path / "control"
        self.status = path / "status.json"
        self.kill = path / "kill"

    @property
    def exists(self) -> bool:
        """Whether a live run was ever started here."""
        return self.journal.is_dir()

    def make(self, disk: Disk | None = None) -> None:
        """Make the folder, or check that what is there is one; and that it can be written.

        Raises StateError saying what is in the way: the process must find out now, not when
        its first order has to be made durable.
        """
        if self.path.is_dir() and not self.exists and any(self.path.iterdir()):
            raise StateError(
                f"{self.path}: expected a new name, an empty folder or the folder of a live run, "
                "found a folder with other things in it; choose another name"
            )
        for folder in (self.path, self.control):
            check_folder(disk or RealDisk(), str(folder))
