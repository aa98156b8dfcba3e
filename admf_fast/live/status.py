"""What a live process says of itself: one small file, replaced as a whole, at every heartbeat."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from admf_fast.errors import StateError
from admf_fast.journal.lock import NAME as LOCK


class Status(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """The state of a live run at its last heartbeat; times are UTC nanoseconds.

    `state` is recovering, warming, armed, held (by the feed), frozen (by an operator or a limit),
    stopped, ended (the feed has), diverged or failed.
    """

    state: str
    name: str
    mode: str
    lineage: str
    pid: int
    started_ns: int
    heartbeat_ns: int
    starts: int = 1
    bars: int = 0
    last_bar_ns: int = 0
    sequence: int = 0
    checksum: str = ""
    lots: int = 0
    equity: float = 0.0
    holds: tuple[str, ...] = ()
    replayed_inputs: int = 0
    armed_seconds: float = 0.0
    counts: dict[str, int] = {}
    text: str = ""


def write_status(path: Path, status: Status) -> bool:
    """Replace the file; False if it could not be: a status never stops a run."""
    temporary = path.with_name(f".{path.name}")
    try:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(status)) + b"\n")
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        return False
    return True


def read_status(path: Path) -> Status:
    """Return the last status of a run folder; raises StateError if there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Status)
    except FileNotFoundError:
        raise StateError(
            f"{path.parent}: expected the folder of a live run, found no {path.name} in it; "
            "start one with admf live CONFIG --run DIR"
        ) from None
    except (OSError, msgspec.MsgspecError) as error:
        raise StateError(f"{path}: cannot be read: {error}") from error


def is_running(folder: Path) -> bool:
    """Return whether a process holds a run folder, by the kernel's list of locks.

    Trying to lock it would stand in the way of a process that starts meanwhile.
    """
    try:
        inode = os.stat(folder / LOCK).st_ino
        locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return False
    held = (line.split() for line in locks if " FLOCK " in line)
    return any(word.endswith(f":{inode}") for words in held for word in words)
