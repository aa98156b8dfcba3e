"""The journal: a record appended, made to stay, and all of them read again."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from admf_fast.journal import Journal, read_journal
from admf_fast.journal.messages import BarInput, Outcome, encode
from bench.figure import Figure, Scale

SYNCS = 500
BAR = encode(
    BarInput(ts_ns=1, symbol="AAPL", open=1.0, high=2.0, low=0.5, close=1.5, volume=3.0)
)  # fmt: skip
OUTCOME = encode(Outcome(input_sequence=1, checksum=2**63, events=2**62, last_event=5))


def append_us(journal: Journal, records: int) -> float:
    """Return microseconds per record of bars and outcomes in turn."""
    started = time.perf_counter()
    for _ in range(records // 2):
        journal.append(BAR)
        journal.append(OUTCOME)
    return (time.perf_counter() - started) / records * 1e6


def sync_us(journal: Journal) -> list[float]:
    """Return microseconds of one sync each, in order of size."""
    taken = []
    for _ in range(SYNCS):
        journal.append(BAR)
        started = time.perf_counter()
        journal.sync()
        taken.append((time.perf_counter() - started) * 1e6)
    return sorted(taken)


def _seconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _read(folder: str, since: int) -> int:
    return sum(1 for _ in read_journal(folder, since=since))


def measure(scale: Scale) -> list[Figure]:
    """Return figures of a journal in the working directory's file system."""
    records = min(100_000, scale.bars)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        with Journal(folder) as journal:
            append = min(append_us(journal, records // 5) for _ in range(5))
            journal.sync()
        opened = _seconds(lambda: Journal(folder).close())
        read = _seconds(lambda: _read(folder, 0))
        tail = _seconds(lambda: _read(folder, records * 99 // 100))
        with Journal(folder) as journal:
            synced = sync_us(journal)
    many = f"{records:,} records"
    return [
        Figure("journal", "append", append, "µs", goal=3.0),
        Figure("journal", "sync, p50", synced[SYNCS // 2], "µs"),
        Figure("journal", "sync, p99", synced[SYNCS * 99 // 100], "µs"),
        Figure("journal", f"open and verify {many}", opened, "s", goal=1.0),
        Figure("journal", f"read and decode {many}", read, "s", goal=1.0),
        Figure("journal", f"decode the last hundredth of {many}", tail, "s"),
    ]
