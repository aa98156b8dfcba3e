"""Plain Python on samples of the bars: the kernels uncompiled, against what the run left."""

import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import admf_kernels
from admf_fast.data import BarBlock
from admf_fast.events.schemas import SCHEMAS
from admf_fast.feeds import replay
from admf_fast.parity.compare import Difference, Log, first_difference
from admf_fast.parity.proof import RunProof
from admf_fast.runners.historical import HistoricalRunner, Progress
from admf_fast.runners.recorder import (
    Schemas,
    event_words,
    named_columns,
    names_array,
    to_batch,
)
from admf_fast.runners.setup import Setup
from admf_kernels.plain import PlainProgram
from admf_kernels.program import Program

NAME = "plain Python"
HEAD_BARS = 400  # from the first bar on, at least this many after the warm-up
WINDOW_BARS = 200
WINDOWS = 2


def plain_sample(
    setup: Setup, bars: BarBlock, expected: Log, seed: int, progress: Progress | None = None
) -> tuple[RunProof, Difference | None]:
    """Compare the first bars and some windows later on, each resumed from a compiled state."""
    started = time.perf_counter()
    compared, differences = 0, []
    for first, last in _windows(setup, len(bars), seed):
        differences.append(_compare(setup, bars, expected, first, last))
        compared += last - first
    if progress:
        progress(len(bars))
    seconds = time.perf_counter() - started
    found = next((d for d in differences if d), None)
    note = f"{compared} bars in {len(differences)} samples"
    return RunProof(NAME, compared, found is None, {}, seconds, note), found


def _windows(setup: Setup, count: int, seed: int) -> list[tuple[int, int]]:
    program = setup.program(1)
    head = min(count, program.ready_bars(program.reads) + HEAD_BARS)
    random = np.random.Generator(np.random.Philox(seed))
    starts = random.integers(head, max(head + 1, count - WINDOW_BARS), WINDOWS)
    later = [(int(s), min(count, int(s) + WINDOW_BARS)) for s in sorted(starts)]
    return [w for w in ((0, head), *later) if w[0] < w[1]]


def _compare(
    setup: Setup, bars: BarBlock, expected: Log, first: int, last: int
) -> Difference | None:
    """Run ``[first, last)`` in plain Python and compare it with those bars of the log."""
    runner = HistoricalRunner(setup)
    runner.feed(bars.slice(0, first))
    assert isinstance(runner.program, Program)
    plain = PlainProgram.resumed(runner.program)
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in SCHEMAS}
    for number, bar in enumerate(replay([bars.slice(first, last)]), first):
        try:
            made = plain.step(*bar)
        except Exception as error:  # whatever an uncompiled kernel may do
            return fault_at(error, number, bar[0])
        rows["equity"].append(
            (bar[0], made.sequence, made.signal, made.lots, made.cash, made.equity, made.checksum)
        )
        for table, events in made.events.items():
            rows[table] += [(bar[0], *values) for values in events]
    symbols = names_array(setup.symbols)
    tables = {name: table_of(name, found, symbols) for name, found in rows.items()}
    span = bars.ts_ns[first:last]
    cut = {n: cut_to(t, int(span[0]), int(span[-1])) for n, t in expected.tables.items()}
    difference = first_difference(NAME, Log(cut, None), Log(tables, None))
    return difference._replace(bar=difference.bar + first) if difference else None


def fault_at(error: Exception, bar: int, ts_ns: int) -> Difference:
    """Return what it means that the compiled kernels took a bar and plain Python did not."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not Path(f.filename).is_relative_to(_KERNELS)]
    # The first frames are ours; a kernel of the catalogue lies beside the driver.
    at = own[-1] if len(own) > 1 else frames[-1]
    remedy = _REMEDIES.get(type(error), "guard the operation")
    found = (
        f"{type(error).__name__} ({error}) in {at.filename}:{at.lineno}; compiled code goes on "
        f"there with some other value: {remedy}"
    )
    return Difference(NAME, "state", bar, ts_ns, "step", "a step like the compiled one", found)


_KERNELS = Path(admf_kernels.__file__).parent
_REMEDIES: dict[type[Exception], str] = {
    ZeroDivisionError: "guard the division",
    IndexError: "read only inside the window that is declared",
}


def table_of(
    name: str, rows: list[tuple[Any, ...]], symbols: pa.Array, schemas: Schemas = SCHEMAS
) -> pa.Table:
    """Return rows of plain numbers as a table of the event log."""
    if name != "equity":
        columns = named_columns(name, event_words(name, rows))
        return pa.Table.from_batches([to_batch(name, columns, symbols, schemas)])
    kinds = [np.float64 if f.type == pa.float64() else np.int64 for f in schemas[name]]
    columns = {
        field.name: np.array([row[k] for row in rows], kind)
        for k, (field, kind) in enumerate(zip(schemas[name], kinds, strict=True))
    }
    return pa.Table.from_batches([to_batch(name, columns, symbols, schemas)])


def cut_to(table: pa.Table, first_ns: int, last_ns: int) -> pa.Table:
    """Return the rows of a span of time, both ends included."""
    ts = table.column("ts").cast(pa.int64())
    inside = pc.and_(pc.greater_equal(ts, first_ns), pc.less_equal(ts, last_ns))
    return table.filter(inside)
