"""The ways of running the same moments of several instruments; each returns the log it left."""

import time
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from admf_fast.data import PanelBlock
from admf_fast.events.schemas import PANEL_SCHEMAS
from admf_fast.feeds import replay_panel
from admf_fast.parity.compare import Difference, Log, first_difference
from admf_fast.parity.proof import RunProof
from admf_fast.parity.sample import NAME, cut_to, fault_at, table_of
from admf_fast.parity.ways import random_cuts
from admf_fast.runners.historical import Progress
from admf_fast.runners.panel_runner import PanelRunner, run_panel, run_panel_live
from admf_fast.runners.panel_setup import PanelSetup
from admf_fast.runners.recorder import names_array
from admf_kernels.plain_panel import PlainMoment, PlainPanel

# Events of a block have room for everything that could happen in it.
BLOCK_MOMENTS_MAX = 65_536
HEAD_MOMENTS = 200  # in plain Python, at least this many after the warm-up


def one_block(setup: PanelSetup, panel: PanelBlock, progress: Progress | None = None) -> Log:
    """Historical, all moments in one block."""
    return _log(setup, panel, progress, general=False)


def general_form(setup: PanelSetup, panel: PanelBlock, progress: Progress | None = None) -> Log:
    """Historical, by the driver that leaves out nothing that this run does not use."""
    return _log(setup, panel, progress, general=True)


def _log(setup: PanelSetup, panel: PanelBlock, progress: Progress | None, *, general: bool) -> Log:
    moments = min(max(1, len(panel)), BLOCK_MOMENTS_MAX)
    runner = PanelRunner(setup, program=setup.program(moments, general=general))
    runner.feed(panel)
    if progress:
        progress(panel.bars)
    result = runner.finish()
    return Log(result.tables, result.summary)


def random_blocks(
    setup: PanelSetup, panel: PanelBlock, seed: int, progress: Progress | None = None
) -> Log:
    """Historical, cut anywhere."""
    blocks = (panel.slice(a, b) for a, b in random_cuts(len(panel), seed))
    result = run_panel(setup, blocks, progress=progress)
    return Log(result.tables, result.summary)


def by_moment(setup: PanelSetup, panel: PanelBlock, progress: Progress | None = None) -> Log:
    """Live: the bars of one moment at a time."""
    result = run_panel_live(setup, replay_panel([panel]), progress=progress)
    return Log(result.tables, result.summary)


def plain_head(
    setup: PanelSetup, panel: PanelBlock, expected: Log, progress: Progress | None = None
) -> tuple[RunProof, Difference | None]:
    """Compare the first moments with plain Python."""
    started = time.perf_counter()
    ready = max(leg.ready_bars(leg.reads) for leg in setup.program(1).legs)
    count = min(len(panel), ready + HEAD_MOMENTS)
    found = _compare(setup, panel.slice(0, count), expected) if count else None
    if progress:
        progress(panel.bars)
    seconds = time.perf_counter() - started
    return RunProof(NAME, count, found is None, {}, seconds, f"the first {count} moments"), found


def plain_log(setup: PanelSetup, panel: PanelBlock) -> Log | Difference:
    """Return what plain Python leaves of some moments, or what it stopped at."""
    program = setup.program(1)
    plain = PlainPanel(
        program.strategy, program.params, program.instruments, rotation=program.rotation
    )
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in PANEL_SCHEMAS}
    for number, (ts_ns, bars) in enumerate(replay_panel([panel])):
        try:
            made = plain.step(ts_ns, bars)
        except Exception as error:  # whatever an uncompiled kernel may do
            return fault_at(error, number, ts_ns)
        _add(rows, ts_ns, made)
    symbols = names_array(setup.symbols)
    tables = {name: table_of(name, found, symbols, PANEL_SCHEMAS) for name, found in rows.items()}
    return Log(tables, None)


def _add(rows: Mapping[str, list[tuple[Any, ...]]], ts_ns: int, made: PlainMoment) -> None:
    rows["equity"].append((ts_ns, made.sequence, made.cash, made.equity, made.checksum))
    rows["positions"].extend((ts_ns, *values) for values in made.positions)
    for table, events in made.events.items():
        rows[table].extend((ts_ns, *values) for values in events)


def _compare(setup: PanelSetup, panel: PanelBlock, expected: Log) -> Difference | None:
    made = plain_log(setup, panel)
    if isinstance(made, Difference):
        return made
    span = int(panel.ts_ns[0]), int(panel.ts_ns[-1])
    cut: dict[str, pa.Table] = {n: cut_to(t, *span) for n, t in expected.tables.items()}
    return first_difference(NAME, Log(cut, None), made)
