"""Saved states beside the journal, so that a restart replays a tail and not the whole run."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from typing import NamedTuple

from admf_fast.errors import StateError
from admf_fast.journal.disk import Disk, RealDisk, cause_of, replace_file

KEPT = 3
SUFFIX = ".snapshot"
MAGIC = b"ADMFSNAP"
VERSION = 1
DIGEST_BYTES = 32

_header = struct.Struct("<8sIQQQ")


class Snapshot(NamedTuple):
    """A state: the record it was taken after, its checksum, and its bytes."""

    sequence: int
    checksum: int
    payload: bytes


class Snapshots:
    """The newest states of a run; each is written whole or not at all."""

    def __init__(self, folder: str, *, disk: Disk | None = None) -> None:
        self._folder = str(folder)
        self._disk: Disk = disk or RealDisk()
        self.rejected: list[str] = []  # file and reason of each that was found and not used
        try:
            self._disk.make_folder(self._folder)
            for name in self._disk.names(self._folder):
                if name.endswith(".tmp"):
                    self._disk.remove(f"{self._folder}/{name}")
        except OSError as error:
            raise StateError(f"{self._folder}: cannot be used: {cause_of(error)}") from error

    def write(self, sequence: int, checksum: int, payload: bytes) -> None:
        """Write the state after record `sequence`, and remove all but the newest three.

        Sync the journal first: a state must not be newer than what is on the disk. Raises
        StateError when the disk refuses; the states already there are intact.
        """
        content = _header.pack(MAGIC, VERSION, sequence, checksum, len(payload)) + payload
        content += blake2b(content, digest_size=DIGEST_BYTES).digest()
        name = f"{sequence:020d}{SUFFIX}"
        try:
            replace_file(self._disk, self._folder, name, content)
            for old in self._names()[KEPT:]:
                self._disk.remove(f"{self._folder}/{old}")
        except OSError as error:
            raise StateError(
                f"{self._folder}/{name}: a state of {len(content)} bytes could not be saved: "
                f"{cause_of(error)}; older ones are intact, and a restart takes longer"
            ) from error

    def newest_first(self) -> Iterator[Snapshot]:
        """Yield the states that are whole, the newest first; `rejected` tells of the others."""
        self.rejected.clear()
        for name in self._names():
            try:
                found = _read(self._disk.read(f"{self._folder}/{name}"))
            except OSError as error:
                found = cause_of(error)
            if isinstance(found, Snapshot) and found.sequence != _sequence(name):
                found = f"it is of record {found.sequence}"
            if isinstance(found, Snapshot):
                yield found
            else:
                self.rejected.append(f"{self._folder}/{name}: {found}")

    def _names(self) -> list[str]:
        names = [n for n in self._disk.names(self._folder) if n.endswith(SUFFIX)]
        return sorted(names, reverse=True)


def _sequence(name: str) -> int:
    with suppress(ValueError):
        return int(name.removesuffix(SUFFIX))
    return -1


def _read(content: bytes) -> Snapshot | str:
    """Return the state in a file, or why there is none."""
    body, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    if len(body) < _header.size or body[: len(MAGIC)] != MAGIC:
        return "it is no snapshot or cut short"
    if blake2b(body, digest_size=DIGEST_BYTES).digest() != digest:
        return "it is damaged"
    _, version, sequence, checksum, length = _header.unpack_from(body)
    if version != VERSION:
        return f"it has version {version}, this release reads {VERSION}"
    payload = body[_header.size :]
    return Snapshot(sequence, checksum, payload) if len(payload) == length else "it is damaged"
