"""The ways in which a person stops trading: a file, a signal, a command in the run folder.

All three become a `Command`, journaled before it is effective. A command is a file that appears
whole in the folder `control`, so it reaches a process that is busy, hung on its feed, or not
even running: the next start takes it before its first bar.
"""

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Literal, get_args

import msgspec

from admf_fast.errors import StateError
from admf_fast.journal.messages import Command

Action = Literal["freeze", "flatten", "resume", "stop"]
ACTIONS: tuple[str, ...] = get_args(Action)
REASON_CHARACTERS_MAX = 500
REQUEST_BYTES_MAX = 4096
SUFFIX = ".json"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command as it waits in the folder; `ts_ns` is the wall clock of who gave it."""

    action: Action
    reason: str
    ts_ns: int


def ask(folder: Path, request: Request) -> Path:
    """Leave a command for the process of a run folder; returns the file that will go.

    Raises StateError if it cannot be written.
    """
    for attempt in itertools.count():
        name = f"{request.ts_ns:020d}-{os.getpid()}-{attempt}"
        temporary, path = folder / f".{name}", folder / f"{name}{SUFFIX}"
        if path.exists():
            continue
        try:
            temporary.write_bytes(msgspec.json.encode(request))
            os.replace(temporary, path)
        except OSError as error:
            raise StateError(
                f"{path}: the command cannot be left there: {error.strerror}; make the folder "
                "writable, or stop the process by a signal"
            ) from error
        return path
    raise AssertionError


def waiting(folder: Path) -> list[Path]:
    """Return the commands that wait, oldest first."""
    with suppress(FileNotFoundError):
        names = [entry.name for entry in os.scandir(folder) if entry.name.endswith(SUFFIX)]
        return [folder / name for name in sorted(names) if not name.startswith(".")]
    return []


def read_request(path: Path) -> Request | str:
    """Return the command of a file, or what is wrong with it."""
    try:
        with path.open("rb") as file:
            content = file.read(REQUEST_BYTES_MAX + 1)
        request = msgspec.json.decode(content[:REQUEST_BYTES_MAX], type=Request)
    except (OSError, msgspec.MsgspecError) as error:
        return f"{path.name}: expected action, reason and ts_ns as JSON: {error}"
    return msgspec.structs.replace(request, reason=request.reason[:REASON_CHARACTERS_MAX])


class KillFile:
    """A file whose appearance stops trading; asked about as often as the process looks up."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last = ""

    def look(self) -> str:
        """Return ``freeze`` or ``flatten`` once when the file says so newly; else nothing."""
        wanted = self._wanted()
        new = wanted if wanted != self._last else ""
        self._last = wanted
        return new

    @property
    def present(self) -> bool:
        """Whether it was there at the last look."""
        return bool(self._last)

    def _wanted(self) -> str:
        try:
            with self.path.open("rb") as file:
                return "flatten" if b"flatten" in file.read(REQUEST_BYTES_MAX) else "freeze"
        except FileNotFoundError:
            return ""
        except OSError:
            return "freeze"  # something is there that cannot be read: rather stop than trade


class Signals:
    """What signals asked for: TERM and INT stop, USR1 freezes, USR2 flattens.

    A second TERM or INT ends the process at once, as a kill would; the journal is made for it.
    Use it as a context manager in the main thread.
    """

    STOPPING = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self.stopping = ""
        self._asked: list[str] = []
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Signals":
        for number in (*self.STOPPING, signal.SIGUSR1, signal.SIGUSR2):
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _take(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if number not in self.STOPPING:
            self._asked.append("freeze" if number == signal.SIGUSR1 else "flatten")
        elif self.stopping:
            os._exit(128 + number)
        else:
            self.stopping = name

    @property
    def waits(self) -> bool:
        """Whether something was asked for that was not taken yet."""
        return bool(self._asked)

    def commands(self) -> Iterator[Command]:
        """Yield what was asked for since the last time."""
        while self._asked:
            action = self._asked.pop(0)
            name = "SIGUSR1" if action == "freeze" else "SIGUSR2"
            yield Command(action=action, origin="signal", reason=name)
