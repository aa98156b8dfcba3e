"""A run of several instruments made again up to a time, looked at on the moments that matter."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from admf_fast.config import Config
from admf_fast.data import PanelBlock
from admf_fast.errors import AdmfError, ConfigError, DataError, StateError
from admf_fast.explain.rerun import EventSink, based, folders_of, require_equal
from admf_fast.explain.seeing import Look, Ranked, Seen, Stops, bar_at, moves
from admf_fast.explain.stored import StoredRun
from admf_fast.panel_jobs import panel_code_digest
from admf_fast.runners.panel_data import open_panel
from admf_fast.runners.panel_runner import PanelRunner
from admf_fast.runners.panel_setup import PanelSetup, prepare_panel


def find_panel(run: StoredRun, base: Path | None) -> PanelSetup | None:
    """Return the kernels of a run in the folder of its bars, or None where these are not found.

    Raises what `rerun.find` does.
    """
    failed: AdmfError | None = None
    for folder in [base] if base else folders_of(run):
        config = based(run.config, folder)
        if not _has_bars(run, config, base):
            continue
        try:
            return _checked(run, config)
        except (ConfigError, StateError) as error:
            # Its own modules, or those of another folder with the same bars.
            failed = failed or error
    if failed:
        raise failed
    return None


def _has_bars(run: StoredRun, config: Config, base: Path | None) -> bool:
    """Return whether the bars of a run are there; raises what is wrong with those in `base`."""
    try:
        source = open_panel(config)
        for _ in source.blocks():
            pass
    except AdmfError:
        if base:
            raise
        return False
    expected: str = run.manifest["inputs"]["data"]
    if base and source.digest() != expected:
        raise DataError(
            f"{base}: the bars have the digest {source.digest()}, the run was made of bars with "
            f"{expected}; name the folder of the old ones (--base)"
        )
    return source.digest() == expected


def _checked(run: StoredRun, config: Config) -> PanelSetup:
    """Return the kernels, if the code is that of the run."""
    setup, expected = prepare_panel(config), run.manifest["inputs"]["code"]
    code = panel_code_digest(setup)
    if code != expected:
        raise StateError(
            f"{run.folder}: the code has the digest {code}, the run was made by code with "
            f"{expected}; install that version, or run it again"
        )
    return setup


def look_again_at(
    run: StoredRun, setup: PanelSetup, wanted: Collection[int],
    windows: Iterable[tuple[int, int]],
) -> dict[str, Seen]:  # fmt: skip
    """Do what `rerun.look_again` does for all instruments; returns what was seen by symbol."""
    sink = EventSink()
    watch = _PanelWatch(PanelRunner(setup, sink=sink), set(wanted), list(windows))
    last_ns = max(wanted, default=-1)
    for panel in open_panel(setup.config).blocks():
        count = int(np.searchsorted(panel.ts_ns, last_ns, "right"))
        watch.take(panel.slice(0, count))
        if count < len(panel):
            break
    watch.runner.recorder.close()
    require_equal(run, sink, watch.checksums, last_ns)
    return {symbol: look.seen for symbol, look in watch.looks.items()}


class _PanelWatch:
    """Feeds a runner and stops where there is something to see."""

    def __init__(
        self, runner: PanelRunner, wanted: set[int], windows: list[tuple[int, int]]
    ) -> None:
        program, uses = runner.program, runner.program.form.uses
        parts = program.parts
        self.runner = runner
        self.stops = Stops(wanted, windows if moves(uses) else [])
        self.looks = {leg.symbol: Look(leg, uses, parts, f"{leg.symbol}: ") for leg in program.legs}
        self.checksums: dict[int, int] = {}
        self._turn = {part.label: part for part in parts}["turn"]

    def take(self, panel: PanelBlock) -> None:
        """Feed moments, cut after every one that is to be looked at."""
        for first, last in self.stops.cuts(panel.ts_ns):
            piece = panel.slice(first, last)
            self.runner.feed(piece)
            self._see(piece)

    def _see(self, panel: PanelBlock) -> None:
        program, ts_ns = self.runner.program, int(panel.ts_ns[-1])
        wanted = ts_ns in self.stops.wanted
        there = [k for k, row in enumerate(panel.rows[:, -1].tolist()) if row >= 0]
        worth = program.notes("worth")
        ranking = self._ranking(there) if wanted else []
        for k in there:
            look = self.looks[program.legs[k].symbol]
            bar = bar_at(panel.blocks[k], int(panel.rows[k, -1]))
            if self.stops.windows:
                look.levels(bar)
            if wanted:
                look.all(bar, float(worth[k]))
                look.seen.rankings |= {ts_ns: ranking} if ranking else {}
        if wanted:
            self.checksums[ts_ns] = program.last_checksum

    def _ranking(self, there: list[int]) -> list[Ranked]:
        """Return the ranks of the last moment, the best first; none where none were made."""
        program = self.runner.program
        if program.rotation is None or self._turn.value.moments != 0:
            return []
        scores, signals = (program.notes(name).tolist() for name in ("score", "signal"))
        valid = sorted((k for k in there if np.isfinite(scores[k])), key=lambda k: (-scores[k], k))
        others = [k for k in there if k not in valid]
        ranks = {k: place for place, k in enumerate(valid, start=1)}
        return [
            Ranked(program.legs[k].symbol, scores[k], ranks.get(k, 0), signals[k])
            for k in (*valid, *others)
        ]


def rates_of(setup: PanelSetup) -> Mapping[str, Any]:
    """Return times and closes of every instrument whose price converts another's currency."""
    numbers = sorted({of.fx for of in setup.instruments if of.fx >= 0})
    pieces: dict[int, list[tuple[Any, Any]]] = {k: [] for k in numbers}
    for panel in open_panel(setup.config).blocks() if numbers else ():
        for k in numbers:
            pieces[k].append((panel.blocks[k].ts_ns, panel.blocks[k].close))
    return {
        setup.symbols[k]: tuple(np.concatenate(column) for column in zip(*found, strict=True))
        for k, found in pieces.items()
    }
