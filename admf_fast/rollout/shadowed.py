"""What the journal of a live run says of the shadow that ran beside it.

A start says whether it has a shadow; a bar has been compared once the same start went on to
another input, or ended, as the shadow answers before anything else is done. A run in which it
differed is sealed. The journal is a chain of digests, so none of it is said by a file that
somebody could have written by hand.
"""

import hashlib
from pathlib import Path

import msgspec

from admf_fast.data.spec import TS_NS_MAX
from admf_fast.errors import StateError
from admf_fast.journal import read_records
from admf_fast.journal.messages import (
    AnyMessage,
    BarInput,
    Command,
    Ended,
    Report,
    Started,
    decode,
)
from admf_fast.metrics.returns import DAY_NS
from admf_fast.rollout.evidence import Digests, Evidence

JOURNAL = "journal"
INPUTS = (BarInput, Report, Command)


class Shadowed:
    """The bars of a journal, and those of them that a shadow has compared.

    Bars of the warm-up, those up to `after_ns` and those after `until_ns` do not count; of bars
    that ran with another configuration or other code than the last start, none does.

    Attributes
    ----------
    last : Started
        What the last start runs.
    bars, days : int
        That a shadow has compared.
    times : list of int
        Closes of all bars, UTC nanoseconds.
    divergence : str
        What the run was sealed with; empty if it was not.
    digest : str
        SHA-256 of all records.
    """

    def __init__(self, folder: Path, *, after_ns: int = 0, until_ns: int = TS_NS_MAX) -> None:
        self.times: list[int] = []
        self.divergence = ""
        self.last: Started | None = None
        self._after_ns, self._until_ns = after_ns, until_ns
        self._compared: list[int] = []
        self._waiting: int | None = None  # a bar whose comparison nothing shows yet
        hashed = hashlib.sha256()
        for sequence, payload in read_records(str(folder / JOURNAL)):
            hashed.update(sequence.to_bytes(8, "little") + payload)
            self._take(_decoded(folder, sequence, payload))
        self.digest = hashed.hexdigest()

    @property
    def bars(self) -> int:
        """Bars that a shadow has compared."""
        return len(self._compared)

    @property
    def days(self) -> int:
        """Days with such bars; midnight UTC ends a day."""
        return days_of(self._compared)

    def digests(self) -> Digests:
        """Return which configuration and code the last start runs."""
        assert self.last is not None
        return Digests(config=self.last.digests["config"], code=self.last.digests["code"])

    def _take(self, message: AnyMessage) -> None:
        if isinstance(message, Started):
            if self.last is not None and _runs(self.last) != _runs(message):
                self.times.clear()
                self._compared.clear()
            self.last, self._waiting = message, None
        elif isinstance(message, Ended) and message.status == "diverged":
            self.divergence = self.divergence or message.text
        elif isinstance(message, (*INPUTS, Ended)):
            self._settle()
            if isinstance(message, BarInput) and not message.warm:
                self._add(message.ts_ns)

    def _settle(self) -> None:
        if self._waiting is not None:
            self._compared.append(self._waiting)
            self._waiting = None

    def _add(self, ts_ns: int) -> None:
        if self._after_ns < ts_ns <= self._until_ns:
            self.times.append(ts_ns)
            if self.last is not None and self.last.shadow:
                self._waiting = ts_ns


def evidence_of_journal(run: Path, *, after_ns: int = 0) -> Evidence:
    """Return what the journal of a live run shows, while it has no tables yet.

    It can lead down, and not up: nothing is compared with a run of the model. Raises StateError
    for what is no folder of a live run, JournalError for a damaged one.
    """
    found = Shadowed(run, after_ns=after_ns)
    if found.last is None:
        raise StateError(f"{run}: expected the folder of a live run that was started, found none")
    times = found.times
    return Evidence(
        mode=found.last.mode, digests=found.digests(), run_id="", reference_id="",
        first_ts_ns=times[0] if times else 0, last_ts_ns=times[-1] if times else 0,
        bars=len(times), days=days_of(times),
        logic_divergences=int(bool(found.divergence)), first_divergence=found.divergence,
        shadow_bars=found.bars, shadow_days=found.days, journal=found.digest,
    )  # fmt: skip


def has_journal(run: Path) -> bool:
    """Return whether a folder is that of a live run with a journal."""
    return (run / JOURNAL).is_dir()


def days_of(times: list[int]) -> int:
    """Return how many days there are bars of."""
    return len({(ts_ns - 1) // DAY_NS for ts_ns in times})


def _runs(started: Started) -> tuple[str, str]:
    return started.digests["config"], started.digests["code"]


def _decoded(folder: Path, sequence: int, payload: bytes) -> AnyMessage:
    try:
        return decode(payload)
    except msgspec.MsgspecError as error:
        raise StateError(
            f"{folder / JOURNAL}: record {sequence} is no message of this release: {error}; read "
            "it with the release that wrote it"
        ) from error
