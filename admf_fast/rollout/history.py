"""The history of a rollout: a line of JSON for every step, with the digest of the line before.

The file is only ever appended to, and on disk before a step counts. Beside it, a small file
holds the last digest, so that lines cut off at the end are noticed as well. A line that was
never finished, as the process died in it, was never acknowledged: it is cut off.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import msgspec

from admf_fast.atomic import atomic_file
from admf_fast.errors import StateError
from admf_fast.rollout.evidence import Digests, Evidence

HISTORY, HEAD, LOCK = "history.jsonl", "head.json", "lock"
START = "0" * 64
Action = Literal["begin", "promote", "demote"]


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of stage, by whom and why; `at` is UTC, in ISO form.

    `automatic` steps are those that a breach caused. `validated` are the digests that were
    validated by then; None before the first evidence.
    """

    sequence: int
    action: Action
    stage: str
    mode: str
    percent: float
    before: str
    at: str
    operator: str
    reason: str
    plan: str
    automatic: bool = False
    validated: Digests | None = None
    evidence: Evidence | None = None


class _Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    step: Step
    previous: str
    digest: str


class _Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sequence: int
    digest: str


class History:
    """The steps so far; `append` is durable when it returns.

    Parameters
    ----------
    folder : Path, optional
        Where it is kept; without, in memory alone.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.steps: list[Step] = []
        self._digest = START
        self._size = 0
        if folder is not None:
            self._read(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing it; StateError if one is at it. Reads it anew."""
        if self.folder is None:
            yield
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"{self.folder}: cannot be written: {error.strerror}") from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StateError(
                    f"{self.folder}: another process is changing this rollout; try again when it "
                    "is done"
                ) from None
            self._read(self.folder)
            yield
        finally:
            os.close(handle)

    def append(self, step: Step) -> None:
        """Add a step; raises StateError, with nothing changed, if the disk does not take it."""
        digest = _chained(self._digest, step)
        if self.folder is not None:
            line = _Line(step=step, previous=self._digest, digest=digest)
            path, size = self.folder / HISTORY, self._size
            grown = _appended(path, msgspec.json.encode(line), size)
            try:
                _write_head(self.folder, _Head(sequence=step.sequence, digest=digest))
            except StateError:
                os.truncate(path, size)  # the step does not count
                raise
            self._size = grown
        self._digest = digest
        self.steps.append(step)

    def _read(self, folder: Path) -> None:
        path = folder / HISTORY
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            content = b""
        except OSError as error:
            raise StateError(f"{path}: cannot be read: {error.strerror}") from error
        whole = content[: content.rfind(b"\n") + 1]
        self.steps, self._digest, self._size = [], START, len(whole)
        digests = [START]
        for number, text in enumerate(whole.splitlines(), 1):
            line = _line(path, number, text, self._digest)
            self.steps.append(line.step)
            self._digest = line.digest
            digests.append(line.digest)
        _check_head(folder, digests)


def _line(path: Path, number: int, text: bytes, previous: str) -> _Line:
    where = f"{path}:{number}"
    try:
        line = msgspec.json.decode(text, type=_Line)
    except msgspec.MsgspecError as error:
        raise _damaged(where, "it is no line of a history") from error
    if line.previous != previous:
        raise _damaged(where, "it does not follow the line before")
    if line.digest != _chained(previous, line.step) or line.step.sequence != number:
        raise _damaged(where, "its content is not what was written")
    if msgspec.json.encode(line) != text:
        raise _damaged(where, "its bytes are not what was written")
    return line


def _damaged(where: str, what: str) -> StateError:
    return StateError(
        f"{where}: the history of the rollout is damaged: {what}; take it from a backup, or move "
        "the folder away to begin a new rollout at its first stage"
    )


def _check_head(folder: Path, digests: list[str]) -> None:
    path = folder / HEAD
    try:
        head = msgspec.json.decode(path.read_bytes(), type=_Head)
    except FileNotFoundError:
        # A crash between the first line and the first head.
        if len(digests) > 2:
            raise _damaged(str(path), "the file of the last digest is missing") from None
        return
    except (OSError, msgspec.MsgspecError) as error:
        raise _damaged(str(path), "it cannot be read") from error
    # One line more than the head knows: a crash between both, the line was on disk.
    known = head.sequence < len(digests) and digests[head.sequence] == head.digest
    if not known or len(digests) - 1 - head.sequence > 1:
        raise _damaged(
            str(folder / HISTORY), f"it ends before step {head.sequence}, or in other steps"
        )


def _chained(previous: str, step: Step) -> str:
    content = msgspec.json.encode(step, order="deterministic")
    return hashlib.sha256(previous.encode() + b"\n" + content).hexdigest()


def _appended(path: Path, line: bytes, size: int) -> int:
    """Write a line after `size` bytes, cutting off what was never finished; returns the size."""
    handle = -1
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        os.ftruncate(handle, size)
        content = line + b"\n"
        if os.pwrite(handle, content, size) != len(content):
            os.ftruncate(handle, size)
            raise OSError(0, "only a part could be written")
        os.fsync(handle)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            if handle >= 0:
                os.ftruncate(handle, size)
        raise StateError(
            f"{path}: could not be written: {error.strerror}; the stage is as it was"
        ) from error
    finally:
        if handle >= 0:
            os.close(handle)
    return size + len(content)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_head(folder: Path, head: _Head) -> None:
    with atomic_file(folder / HEAD) as temporary:
        temporary.write_bytes(msgspec.json.encode(head))
