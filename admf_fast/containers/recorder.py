"""The event recorder: keeps what containers publish, and holds their numbering to its promise."""

import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from admf_fast.atomic import atomic_directory, atomic_file
from admf_fast.errors import ContainerError
from admf_fast.events import Event
from admf_fast.events.record import RECORDED, to_table


class SequenceBreak(NamedTuple):
    """An event whose number is not the one that had to come."""

    source: str
    event_id: str
    expected: int
    found: int

    def __str__(self) -> str:
        return f"{self.event_id}: expected sequence {self.expected}, found {self.found}"


class EventRecorder:
    """Keeps events in the order they come; subscribe `record` with ``subscribe_all``.

    Parameters
    ----------
    most : int, optional
        How many events are kept; older ones are let go, and counted in `dropped`. All of them
        are checked in any case.

    Attributes
    ----------
    dropped : int
        Events that were let go to stay within `most`.
    breaks : list of SequenceBreak
        Where the numbers of a source were not 1, 2, 3, ... without a gap, or its times went
        back: the first `BREAKS_MAX` of `break_count`.
    """

    BREAKS_MAX = 1000

    def __init__(self, most: int | None = None) -> None:
        if most is not None and most < 1:
            raise ValueError(f"expected most of 1 or more, found {most}")
        self._events: deque[Event] = deque(maxlen=most)
        self.clear()

    def clear(self) -> None:
        """Forget all events, and what was found about them."""
        self._events.clear()
        self._last: dict[str, tuple[int, int]] = {}
        self.dropped = 0
        self.breaks: list[SequenceBreak] = []
        self.break_count = 0

    def record(self, event: Event) -> None:
        """Keep an event. Raises ContainerError for one that has no row, such as a block of bars."""
        if type(event).__name__ == "BarsEvent" or event.type not in RECORDED:
            raise ContainerError(
                f"event recorder: expected an event that a container publishes "
                f"({', '.join(RECORDED)}), found {type(event).__name__}"
            )
        self._check(event)
        if len(self._events) == self._events.maxlen:
            self.dropped += 1
        self._events.append(event)

    def _check(self, event: Event) -> None:
        """Hold an event to the one before it of the same source."""
        known = self._last.get(event.source)
        starts = event.type == "SYSTEM" and getattr(event, "action", "") in ("start", "restore")
        last, last_ns = (event.sequence - event.numbered, 0) if known is None or starts else known
        expected = last + event.numbered
        if event.sequence != expected or event.ts_ns < last_ns:
            self.break_count += 1
            if len(self.breaks) < self.BREAKS_MAX:
                found = SequenceBreak(event.source, event.id, expected, event.sequence)
                self.breaks.append(found)
        self._last[event.source] = (event.sequence, event.ts_ns)

    def get_events(self, kind: str = "") -> list[Event]:
        """Return the kept events, all or those of one type such as ORDER, in their order."""
        return [event for event in self._events if not kind or event.type == kind]

    def __len__(self) -> int:
        return len(self._events)

    def chain(self, event: Event) -> list[Event]:
        """Return an event and what caused it, back to its bar, as far as that is kept.

        A protective stop leads from its own fill to the fill that opened the position, and from
        there to the signal and its bar.
        """
        numbered = {(e.source, e.sequence): e for e in self._events if e.numbered}
        found = [event]
        while event.cause:
            before = numbered.get((event.source, event.cause))
            if before is None or before is event:
                break
            found.append(before)
            event = before
        return found

    def tables(self) -> dict[str, pa.Table]:
        """Return the kept events as one Arrow table a type, empty ones included."""
        return {kind: to_table(kind, self._events) for kind in RECORDED}

    def json_lines(self) -> Iterator[str]:
        """Yield the kept events as one line of JSON each, in their order."""
        for event in self._events:
            yield json.dumps(event.to_json(), separators=(",", ":"), allow_nan=False)

    def write_json_lines(self, path: Path) -> None:
        """Write the kept events as JSON lines: the whole file or none of it."""
        with atomic_file(path) as new, new.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in self.json_lines())

    def write_parquet(self, folder: Path) -> None:
        """Write one Parquet file a type, such as ``order.parquet``, into a new folder."""
        with atomic_directory(folder) as new:
            for kind, table in self.tables().items():
                pq.write_table(table, new / f"{kind.lower()}.parquet", store_schema=True)
