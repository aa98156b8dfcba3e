"""A closer look at two runs whose bars and code are at hand: their bars, and a bar's state."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from admf_fast.consistency.divergence import Divergence
from admf_fast.consistency.inputs import InputDivergence, input_divergence
from admf_fast.consistency.picture import Sight, first_divergence, picture_of
from admf_fast.data import BarBlock, blocks_of_some, concat_blocks
from admf_fast.errors import AdmfError
from admf_fast.explain import StoredRun
from admf_fast.explain.rerun import find
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.runners.recorder import NoSink, event_tuples
from admf_fast.runners.setup import Setup


@dataclass(frozen=True, slots=True)
class Closer:
    """What was seen: how the bars differ, and the first field of the state that does."""

    inputs: InputDivergence | None = None
    named: Divergence | None = None
    notes: list[str] = field(default_factory=list)


def closer_look(a: StoredRun, b: StoredRun, base: Path | None, ts_ns: int | None) -> Closer:
    """Return what bars and kernels of both runs show; `ts_ns` is where their states part.

    Notes say why something could not be looked at.
    """
    if a.config.instruments:
        return Closer(notes=["several instruments: bars and state fields are not looked into"])
    found = []
    for run in (a, b):
        try:
            made = find(run, base)
        except AdmfError as error:
            return Closer(notes=[f"not looked into: {error}"])
        if made is None:
            return Closer(notes=[f"{run.folder}: bars not found (--base), so not looked into"])
        found.append((made.setup, concat_blocks(list(blocks_of_some(made.source)))))
    (first, ours), (second, theirs) = found
    inputs = None
    if a.manifest["inputs"]["data"] != b.manifest["inputs"]["data"]:
        ticks = first.terms.n.ticks
        inputs = input_divergence(theirs, ours, tick_size=1.0 / ticks if ticks else 0.0)
    named = None
    if ts_ns is not None:
        sights = [_sight(setup, bars, ts_ns) for setup, bars in ((first, ours), (second, theirs))]
        bar = int(np.searchsorted(ours.ts_ns, ts_ns))
        named = first_divergence(a.folder.name, bar, *sights)
    return Closer(inputs, named)


def _sight(setup: Setup, bars: BarBlock, ts_ns: int) -> Sight:
    """Return what a run holds after the bar that closes at a time."""
    runner = HistoricalRunner(setup, sink=NoSink())
    last = int(np.searchsorted(bars.ts_ns, ts_ns))
    for block in _pieces(bars, last):
        runner.feed(block)
    program = runner.program
    events = event_tuples(program) if program.event_count else []
    return Sight(picture_of(program), events, program.last_checksum)


def _pieces(bars: BarBlock, last: int) -> Iterator[BarBlock]:
    """Yield the bars before `last`, then that one alone, so that its events are its own."""
    if last:
        yield bars.slice(0, last)
    yield bars.slice(last, last + 1)
