"""The work folder of a sweep: parts of its results, so that a stopped one can go on.

``FILE.parquet.work/`` lies beside the results until they are complete. It holds a lock, which
the kernel frees when its process ends, however that ends; what the parts are parts of
(``manifest.json``); and files for each finished chunk, whole or not there at all.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.atomic import atomic_file
from admf_fast.errors import StateError

MANIFEST, LOCK = "manifest.json", "lock"
SUFFIX = ".work"


class Work:
    """The parts of one sweep; use `open_work`.

    `key` is known after `begin` and `divide`: the end of the parts' names, a digest of what they
    are parts of. A worker elsewhere that has not heard of its sweep's end writes names nobody
    looks for.
    """

    def __init__(self, folder: Path, key: str = "") -> None:
        self.folder, self.key = folder, key

    def begin(self, inputs: dict[str, Any], chunk_sets: int) -> tuple[int, str]:
        """Return how many sets a chunk has, and a note if parts of something else were removed.

        Parts of the same inputs are kept with the size of their chunks.
        """
        manifest = self._manifest()
        if manifest is not None and manifest["inputs"] == inputs:
            chunk_sets = int(manifest["chunk_sets"])
            self.key = _key(inputs, chunk_sets)
            return chunk_sets, ""
        stale = self._parts()
        for path in stale:
            path.unlink()
        with atomic_file(self.folder / MANIFEST) as written:
            text = json.dumps({"inputs": inputs, "chunk_sets": chunk_sets}, indent=1)
            written.write_text(text + "\n", encoding="utf-8")
        self.key = _key(inputs, chunk_sets)
        note = f"{len(stale)} parts of other sets, bars or code were removed" if stale else ""
        return chunk_sets, note

    def divide(self, tiles: Sequence[Sequence[int]]) -> None:
        """Look for parts of these sets alone, not for those of the same inputs cut otherwise."""
        self.key = _key({"key": self.key}, tiles)

    def _manifest(self) -> dict[str, Any] | None:
        try:
            found = json.loads((self.folder / MANIFEST).read_bytes())
        except (OSError, ValueError):
            return None
        known = isinstance(found, dict) and {"inputs", "chunk_sets"} <= found.keys()
        return found if known and isinstance(found["chunk_sets"], int) else None

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob("part-*.parquet"))

    def part(self, number: int, table: str = "rows") -> Path:
        """Return the file of a table of a chunk."""
        return self.folder / f"part-{number:08d}-{self.key}.{table}.parquet"

    def write(self, number: int, table: pa.Table, name: str = "rows") -> None:
        """Write a table of a chunk, whole or not at all."""
        self.write_all(number, [table], table.schema, name)

    def write_all(
        self, number: int, tables: Iterable[pa.Table], schema: pa.Schema, name: str
    ) -> None:
        """Write tables as one, whole or not at all; each is read back by itself."""
        with (
            atomic_file(self.part(number, name)) as path,
            pq.ParquetWriter(
                path, schema, compression="lz4", write_page_checksum=True, use_dictionary=False
            ) as writer,
        ):
            for table in tables:
                writer.write_table(table)

    def read(self, number: int, schema: pa.Schema, name: str = "rows") -> pa.Table | None:
        """Return a table of a chunk; None if it is not there, or damaged."""
        path = self.part(number, name)
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                table = file.read()
        except (OSError, pa.ArrowException):
            return None
        return table if table.schema.equals(schema) else None

    def tables(self, number: int, schema: pa.Schema, name: str) -> Iterator[pa.Table]:
        """Yield the tables of a chunk as they were written; StateError if they are damaged."""
        path = self.part(number, name)
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                if not file.schema_arrow.equals(schema):
                    raise pa.ArrowInvalid("other columns")
                for group in range(file.num_row_groups):
                    yield file.read_row_group(group)
        except (OSError, pa.ArrowException) as error:
            if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
                raise StateError(
                    f"{path}: too many files are open; allow more (ulimit -n), and run it again: "
                    "finished parts are kept"
                ) from error
            raise StateError(
                f"{path}: was damaged or removed while the sweep ran; run it again, finished "
                "parts are kept"
            ) from error

    def is_whole(self, number: int, schema: pa.Schema, name: str) -> bool:
        """Whether a table of a chunk is there, and undamaged."""
        try:
            for _ in self.tables(number, schema, name):
                pass
        except StateError:
            return False
        return True


def _key(inputs: dict[str, Any], cut: Any) -> str:
    text = json.dumps([inputs, cut], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def open_work(target: Path) -> Iterator[Work]:
    """Yield the work folder of a results file, locked; it is removed by `remove`.

    Raises StateError when another process is writing the same results.
    """
    folder = target.with_name(target.name + SUFFIX)
    handle = _opened(folder)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
            raise StateError(
                f"{target}: another sweep writes it (process {owner}); wait for it, or choose "
                "another name with --out"
            ) from None
        if not _is_there(handle, folder):
            raise StateError(f"{target}: another sweep has just written it; run this one again")
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield Work(folder)
    finally:
        os.close(handle)


def _opened(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StateError(
            f"{folder}: cannot be made: {error.strerror}; write the results elsewhere"
        ) from error


def _is_there(handle: int, folder: Path) -> bool:
    """Whether the lock is still the folder's: it is not if its owner finished meanwhile."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(folder / LOCK))
    except OSError:
        return False


def remove(work: Work) -> None:
    """Remove a work folder whose results are complete."""
    with suppress(OSError):
        shutil.rmtree(work.folder)
