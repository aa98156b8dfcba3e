"""A disk with a cache that forgets: what a loss of power, a full disk or rot make of files."""

from __future__ import annotations

import errno
from random import Random

from admf_fast.simulator.calls import Calls

SECTOR_BYTES = 512
PAGE_BYTES = 4096
UNLIMITED = 1 << 62


class _Content:
    """The bytes of a file: as the process sees them, and as they are on the platter."""

    __slots__ = ("dirty", "platter", "seen")

    def __init__(self) -> None:
        self.seen = bytearray()
        self.platter = bytearray()
        self.dirty: dict[int, None] = {}  # pages written since the last sync, in order

    def write(self, content: bytes, offset: int) -> None:
        end = offset + len(content)
        if end > len(self.seen):
            self.seen.extend(bytes(end - len(self.seen)))
        self.seen[offset:end] = content
        for page in range(offset // PAGE_BYTES, (end + PAGE_BYTES - 1) // PAGE_BYTES):
            self.dirty[page] = None

    def sync(self) -> None:
        self._resize(len(self.seen))
        for page in self.dirty:
            span = slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
            self.platter[span] = self.seen[span]
        self.dirty.clear()

    def forget(self, random: Random) -> None:
        """Lose power: each unsynced page is kept, lost, torn between sectors, or spoiled."""
        if len(self.seen) != len(self.platter) and random.random() < 0.5:
            self._resize(len(self.seen))
        for page in self.dirty:
            self._settle(page * PAGE_BYTES, random)
        self.seen = bytearray(self.platter)
        self.dirty.clear()

    def _settle(self, start: int, random: Random) -> None:
        end = min(start + PAGE_BYTES, len(self.platter))
        fate = random.random()
        if fate < 0.1 and end > start:
            self.platter[start:end] = random.choice(
                (bytes(end - start), random.randbytes(end - start))
            )
        elif fate < 0.6:
            for sector in range(start, end, SECTOR_BYTES):
                if random.random() < 0.5:
                    self._keep(sector, min(sector + SECTOR_BYTES, end))
        elif fate < 0.8:
            self._keep(start, end)

    def _keep(self, start: int, end: int) -> None:
        part = self.seen[start:end]
        self.platter[start : start + len(part)] = part

    def _resize(self, size: int) -> None:
        if size > len(self.platter):
            self.platter.extend(bytes(size - len(self.platter)))
        else:
            del self.platter[size:]


_Names = dict[str, _Content | None]  # what names become


class SimulatedFile:
    """An open file of a process; of no use once that process was killed."""

    __slots__ = ("_content", "_disk", "_life", "_path", "_release")

    def __init__(self, disk: SimulatedDisk, path: str, content: _Content, *, lock: bool) -> None:
        self._disk, self._path, self._content = disk, path, content
        self._life = disk.life
        self._release = lock

    def pwrite(self, content: bytes, offset: int) -> None:
        """Write into the cache."""
        self._begin("pwrite")
        grown = offset + len(content) - len(self._content.seen)
        if grown > 0:
            self._disk.take(grown)
        self._content.write(content, offset)
        self._disk.calls.after("pwrite", self._path)

    def allocate(self, size: int) -> None:
        """Grow the file with zeros."""
        self._begin("allocate")
        grown = size - len(self._content.seen)
        if grown > 0:
            self._disk.take(grown)
            self._content.seen.extend(bytes(grown))
        self._disk.calls.after("allocate", self._path)

    def sync(self) -> None:
        """Write the cache to the platter, unless the disk lies about it.

        After an error the cache counts as written and is not: a second sync succeeds.
        """
        try:
            self._begin("sync")
        except OSError:
            self._content.dirty.clear()
            raise
        if not self._disk.is_lying:
            self._content.sync()
        self._disk.calls.after("sync", self._path)

    def close(self) -> None:
        """Close; a lock is given back."""
        if self._release and self._life == self._disk.life:
            self._disk.locked.pop(self._path, None)
            self._release = False

    def _begin(self, name: str) -> None:
        if self._life != self._disk.life:
            raise OSError(errno.EBADF, "a killed process wrote")
        self._disk.calls.before(name, self._path)


class SimulatedDisk:
    """Names and files in memory.

    `capacity_bytes` may be changed at any time. `kill` ends the process: its files and locks
    are gone, the cache stays. `lose_power` also loses what was not synced: names from some
    point on, in the order they were given, and pages as `_Content.forget` says.
    """

    def __init__(self, calls: Calls | None = None, *, capacity_bytes: int = UNLIMITED) -> None:
        self.calls = calls or Calls()
        self.capacity_bytes = capacity_bytes
        self.is_lying = False
        self.life = 0
        self.locked: dict[str, int] = {}
        self._folders: dict[str, None] = {}
        self._seen: dict[str, _Content] = {}
        self._platter: dict[str, _Content] = {}
        self._renamed: list[_Names] = []  # not on the platter yet; each goes there as a whole

    # What a process calls

    def make_folder(self, folder: str) -> None:
        """Make a folder."""
        self._folders[folder] = None

    def names(self, folder: str) -> list[str]:
        """Return the sorted names in a folder, folders left out."""
        start = f"{folder}/"
        inside = (path[len(start) :] for path in self._seen if path.startswith(start))
        return sorted(name for name in inside if "/" not in name)

    def read(self, path: str) -> bytes:
        """Return a file as the process sees it."""
        self.calls.before("read", path)
        content = bytes(self._find(path).seen)
        self.calls.after("read", path)
        return content

    def open(self, path: str, *, create: bool = False) -> SimulatedFile:
        """Open a file, with `create` an empty one."""
        self.calls.before("open", path)
        if create:
            self._name({path: _Content()})
        file = SimulatedFile(self, path, self._find(path), lock=False)
        self.calls.after("open", path)
        return file

    def rename(self, old: str, new: str) -> None:
        """Give a file another name."""
        self.calls.before("rename", new)
        content = self._find(old)
        self._name({old: None, new: content})
        self.calls.after("rename", new)

    def remove(self, path: str) -> None:
        """Remove a name."""
        self.calls.before("remove", path)
        self._find(path)
        self._name({path: None})
        self.calls.after("remove", path)

    def sync_folder(self, folder: str) -> None:
        """Write the names of a folder to the platter."""
        self.calls.before("sync_folder", folder)
        if not self.is_lying:
            for names in self._renamed:
                if folder in (path.rpartition("/")[0] for path in names):
                    _put(self._platter, names)
                    names.clear()
            self._renamed = [names for names in self._renamed if names]
        self.calls.after("sync_folder", folder)

    def lock(self, path: str) -> SimulatedFile:
        """Lock a file for this process."""
        if path in self.locked:
            raise BlockingIOError(errno.EWOULDBLOCK, "locked")
        if path not in self._seen:
            self._name({path: _Content()})
        self.locked[path] = self.life
        return SimulatedFile(self, path, self._find(path), lock=True)

    # What happens to it

    def kill(self) -> None:
        """End the process that uses the disk."""
        self.life += 1
        self.locked.clear()

    def lose_power(self, random: Random) -> None:
        """End everything, and forget what was not synced."""
        self.kill()
        for names in self._renamed[: random.randint(0, len(self._renamed))]:
            _put(self._platter, names)
        self._renamed.clear()
        self._seen = dict(self._platter)
        for content in {id(c): c for c in self._seen.values()}.values():
            content.forget(random)

    def spoil(self, path: str, offset: int, mask: int) -> None:
        """Change bits of a byte, in the cache and on the platter."""
        content = self._find(path)
        for held in (content.seen, content.platter):
            if offset < len(held):
                held[offset] ^= mask

    def cut(self, path: str, size: int) -> None:
        """Cut a file short, in the cache and on the platter."""
        content = self._find(path)
        del content.seen[size:], content.platter[size:]

    def copy(self) -> SimulatedDisk:
        """Return another disk with the same files, all of them on the platter."""
        made = SimulatedDisk(capacity_bytes=self.capacity_bytes)
        made._folders = dict(self._folders)
        for path, content in self._seen.items():
            twin = _Content()
            twin.seen, twin.platter = bytearray(content.seen), bytearray(content.seen)
            made._seen[path] = made._platter[path] = twin
        return made

    def take(self, size: int) -> None:
        """Use `size` bytes more, or raise ENOSPC."""
        if size + self.used_bytes() > self.capacity_bytes:
            raise OSError(errno.ENOSPC, "No space left on device")

    def size(self, path: str) -> int:
        """Return the size of a file."""
        return len(self._find(path).seen)

    def used_bytes(self) -> int:
        """Return the size of all files."""
        return sum(len(content.seen) for content in self._seen.values())

    def _find(self, path: str) -> _Content:
        try:
            return self._seen[path]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "No such file", path) from None

    def _name(self, names: _Names) -> None:
        _put(self._seen, names)
        self._renamed.append(dict(names))


def _put(names: dict[str, _Content], changes: _Names) -> None:
    for path, content in changes.items():
        if content is None:
            names.pop(path, None)
        else:
            names[path] = content
