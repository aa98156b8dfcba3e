"""From the folder of a live run to a core that stands where the last process stopped.

Newest snapshot whose outcome the journal confirms, then the tail of the journal with every
outcome and intent compared. Nothing is written until all of it has been found equal.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from admf_fast.errors import DivergenceError, StateError
from admf_fast.journal.messages import AnyMessage, BarInput, Ended, Intent, Outcome, Started
from admf_fast.live.changes import Setups
from admf_fast.live.core import LiveCore
from admf_fast.live.replaying import INPUTS, Replay
from admf_fast.venues.gateway import Gateway

Record = tuple[int, AnyMessage]
# Yields the records of a journal from a sequence on, in order.
Records = Callable[[int], Iterator[Record]]
# Takes each of them.
Learn = Callable[[int, AnyMessage], None]
# Sequence of the input after which it was taken, checksum of its outcome, payload.
Snapshot = tuple[int, int, bytes]

_pack = msgspec.msgpack.Encoder().encode


class SavedRun(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of a snapshot: the core, and what the journal said before it.

    `gateway` is what the gateway to a venue remembered after record `gateway_sequence`.
    """

    core: bytes
    started: Started
    starts: int
    gateway: bytes = b""
    gateway_sequence: int = 0


@dataclass(slots=True)
class Recovered:
    """Where the last process stopped.

    Attributes
    ----------
    core : LiveCore
        After the last input of the journal.
    started : Started, optional
        Of the last start; None for a new run.
    starts : int
        How often the run was started before.
    inputs, last_input : int
        How many were replayed, and the sequence of the last one.
    unanswered : list
        Answers to the last input that the journal lacks, to be written first of all.
    gateway : bytes
        What the gateway remembered after record `gateway_sequence`; empty if nobody knows.
    last_bar : BarInput, optional
        The last one since then that was no history.
    """

    core: LiveCore
    started: Started | None = None
    starts: int = 0
    inputs: int = 0
    last_input: int = 0
    unanswered: list[Outcome | Intent] = field(default_factory=list)
    gateway: bytes = b""
    gateway_sequence: int = 0
    last_bar: BarInput | None = None


def save_run(
    core: LiveCore, started: Started, starts: int, gateway: bytes = b"", gateway_sequence: int = 0
) -> bytes:
    """Return the payload of a snapshot."""
    return _pack(
        SavedRun(
            core=core.save(), started=started, starts=starts, gateway=gateway,
            gateway_sequence=gateway_sequence,
        )
    )  # fmt: skip


def recover(
    setups: Setups, records: Records, snapshots: Iterable[Snapshot], gateway: Gateway | None = None
) -> Recovered:
    """Return the run of a journal, replayed from the newest snapshot that can be trusted.

    A gateway learns what happened, from the same snapshot on where that has its state.

    Raises
    ------
    DivergenceError
        When the replay makes something else than the journal has, or the run is sealed as
        diverged.
    StateError
        For a journal that cannot be read.
    """
    for sequence, checksum, payload in snapshots:
        found = _trusted(setups, records, sequence, checksum, payload)
        if found is not None:
            learn = _learner(gateway, found, records)
            return _replayed(found, setups, records, _later(records(sequence), sequence), learn)
    found = Recovered(setups.core(setups.current))
    return _replayed(found, setups, records, records(0), _learner(gateway, found, None))


def _learner(gateway: Gateway | None, found: Recovered, records: Records | None) -> Learn:
    """Put a gateway where its replay begins; returns what tells it of every later record.

    Where a snapshot has no state that can be used, it learns all `records` before that.
    """
    if gateway is None:
        return lambda sequence, message: None
    known = 0  # the last record that it knows
    try:
        if found.gateway:
            gateway.restore(found.gateway)
            known = found.gateway_sequence
    except StateError:
        pass  # of another version

    def learn(sequence: int, message: AnyMessage) -> None:
        if sequence <= known or isinstance(message, Outcome):
            return
        gateway.replay(message)
        if isinstance(message, BarInput) and not message.warm:
            found.last_bar = message

    if not known and records is not None:
        for sequence, message in records(0):
            learn(sequence, message)
            known = sequence
    return learn


def _trusted(
    setups: Setups, records: Records, sequence: int, checksum: int, payload: bytes
) -> Recovered | None:
    """Return the run of a snapshot if the journal confirms it; else more is replayed instead."""
    outcome = _outcome_of(records, sequence)
    if outcome is None or outcome.checksum != checksum:
        return None
    try:
        saved = msgspec.msgpack.decode(payload, type=SavedRun)
        core = setups.core(setups.of(saved.started))
        core.restore(saved.core)
    except (msgspec.MsgspecError, StateError):
        return None  # damaged, or of another version
    if core.outcome(sequence) != outcome:
        return None
    return Recovered(
        core, saved.started, saved.starts, last_input=sequence, gateway=saved.gateway,
        gateway_sequence=saved.gateway_sequence,
    )  # fmt: skip


def _outcome_of(records: Records, sequence: int) -> Outcome | None:
    for at, message in records(sequence):
        if isinstance(message, Outcome):
            return message if message.input_sequence == sequence else None
        if at > sequence and isinstance(message, INPUTS):
            return None
    return None


def _later(records: Iterator[Record], sequence: int) -> Iterator[Record]:
    """Yield what follows the input of a sequence and its answers."""
    answers = True
    for at, message in records:
        answers = answers and not (at > sequence and isinstance(message, INPUTS))
        if not (answers and isinstance(message, (*INPUTS, Outcome, Intent))):
            yield at, message


def _replayed(
    found: Recovered, setups: Setups, records: Records, tail: Iterator[Record], learn: Learn
) -> Recovered:
    replay = Replay(found.core)
    for sequence, message in tail:
        learn(sequence, message)
        if isinstance(message, Started):
            replay.core = setups.after(replay.core, found.started, message, records, sequence)
            replay.core.lineage = message.lineage
            found.started, found.starts = message, found.starts + 1
        elif isinstance(message, Ended) and message.status == "diverged":
            raise DivergenceError(
                f"journal record {sequence}: the run is sealed as diverged: {message.text}; start "
                "again in a new folder"
            )
        else:
            replay.take(sequence, message)
    found.core, found.inputs, found.unanswered = replay.core, replay.inputs, replay.unanswered
    found.last_input = replay.sequence or found.last_input
    return found
