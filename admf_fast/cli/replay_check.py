"""After a backtest: the same bars through the live runner, one closed bar at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from admf_fast.errors import DataError
from admf_fast.report import values

if TYPE_CHECKING:
    from admf_fast.cli.progress import Advance
    from admf_fast.data import BarBlock, PanelBlock, PanelSource
    from admf_fast.jobs import Job
    from admf_fast.parity import Difference
    from admf_fast.runners.recorder import Sink
    from admf_fast.runners.result import RunResult

    B = TypeVar("B", BarBlock, PanelBlock)

REPLAY_BARS = 1_000_000  # at about 2.5 us each


@dataclass(frozen=True, slots=True)
class ReplayCheck:
    """How a live replay compares with the backtest; `of_bars` is the length of the backtest.

    Of several instruments these are moments.
    """

    identical: bool
    bars: int
    of_bars: int
    layers: dict[str, str]
    seconds: float
    difference: Difference | None = None

    @property
    def digest(self) -> str:
        """One digest over those of all layers."""
        text = json.dumps(self.layers, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        return {
            "identical": self.identical,
            "bars": self.bars,
            "of_bars": self.of_bars,
            "digest": self.digest,
            "layers": self.layers,
            "seconds": self.seconds,
            "difference": self.difference._asdict() if self.difference else None,
        }

    def line(self) -> str:
        """Return the comparison as a sentence."""
        whole = self.bars == self.of_bars
        share = "" if whole else f"the first {values.count(self.bars)} of "
        panel = "positions" in self.layers
        how = "moments, one at a time" if panel else "bars, one closed bar at a time"
        what = f"{share}{values.count(self.of_bars)} {how}"
        if not self.identical:
            return f"Live replay of {what}: DIFFERENT; {self.difference}"
        line = f"Live replay of {what}: the same bytes in all layers (digest {self.digest})"
        return line if whole else f"{line}; for all of them: admf parity, or --parity-bars all"


def check_replay(job: Job, bars_max: int | None, advance: Advance | None = None) -> ReplayCheck:
    """Replay the bars of a backtest through the live runner and compare every layer's bytes.

    At most `bars_max` bars (of several instruments: moments), from the first on (None: all);
    history is then cut there as well.
    Raises DataError when the bars are no longer those of the backtest.
    """
    of_bars = job.result.bars
    bars = of_bars if bars_max is None else min(of_bars, bars_max)
    from admf_fast.runners.recorder import NoSink

    expected = job.result
    if bars < of_bars:
        expected = _history(job, bars, NoSink())
    found, digest = _live(job, bars, NoSink(), advance)
    if bars == of_bars and digest != job.manifest["inputs"]["data"]:
        raise DataError("the bars changed between the backtest and its replay; run it again")
    difference = None
    if found.layers != expected.layers:
        difference = _difference(job, bars)
    return ReplayCheck(
        found.layers == expected.layers, bars, of_bars, found.layers, found.seconds, difference
    )


def _history(job: Job, bars: int, sink: Sink | None) -> RunResult:
    from admf_fast.runners.historical import run_historical
    from admf_fast.runners.panel_runner import run_panel

    if job.setup.config.instruments:
        return run_panel(job.setup, _first(_panel(job).blocks(), job, bars), sink=sink)
    return run_historical(job.setup, _first(_bars(job), job, bars), sink=sink)


def _live(
    job: Job, bars: int, sink: Sink | None, advance: Advance | None = None
) -> tuple[RunResult, str]:
    import time
    from dataclasses import replace

    started = time.perf_counter()
    run = _live_panel if job.setup.config.instruments else _live_bars
    result, digest = run(job, bars, sink, advance)
    return replace(result, seconds=time.perf_counter() - started), digest


def _live_panel(
    job: Job, moments: int, sink: Sink | None, advance: Advance | None
) -> tuple[RunResult, str]:
    from admf_fast.feeds import replay_panel
    from admf_fast.runners.panel_runner import run_panel_live

    source = _panel(job)
    panels = _first(source.blocks(), job, moments)
    result = run_panel_live(job.setup, replay_panel(panels), sink=sink, progress=advance)
    return result, source.digest()


def _live_bars(
    job: Job, bars: int, sink: Sink | None, advance: Advance | None
) -> tuple[RunResult, str]:
    from admf_fast.data import BarDigest
    from admf_fast.feeds import replay
    from admf_fast.runners.live import run_live

    digest = BarDigest()

    def digested() -> Iterator[BarBlock]:
        for block in _first(_bars(job), job, bars):
            digest.update(block)
            yield block

    result = run_live(job.setup, replay(digested()), sink=sink, progress=advance)
    return result, digest.hexdigest()


def _bars(job: Job) -> Iterator[BarBlock]:
    from admf_fast.jobs import open_source

    return open_source(job.setup.config).blocks()


def _panel(job: Job) -> PanelSource:
    from admf_fast.runners.panel_data import open_panel

    return open_panel(job.setup.config)


def _first(blocks: Iterator[B], job: Job, bars: int) -> Iterator[B]:
    """Yield the first `bars` bars, or moments, read afresh."""
    left = bars
    for block in blocks:
        yield block if len(block) <= left else block.slice(0, left)
        left -= min(left, len(block))
        if not left and bars < job.result.bars:
            return


def _difference(job: Job, bars: int) -> Difference | None:
    from admf_fast.parity.compare import Log, first_difference

    expected = _history(job, bars, None)
    found, _ = _live(job, bars, None)
    return first_difference(
        "live replay",
        Log(expected.tables, expected.summary),
        Log(found.tables, found.summary),
    )
