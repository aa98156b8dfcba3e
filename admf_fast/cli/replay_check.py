"""After a backtest: the same bars through the live runner, one closed bar at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from admf_fast.errors import DataError
from admf_fast.report import values

if TYPE_CHECKING:
    import pyarrow as pa

    from admf_fast.cli.progress import Advance
    from admf_fast.data import BarBlock
    from admf_fast.jobs import Job
    from admf_fast.parity import Difference
    from admf_fast.runners.recorder import Sink
    from admf_fast.runners.result import RunResult

REPLAY_BARS = 1_000_000  # at about 2.5 us each


class _NoSink:
    """Takes tables and keeps nothing: the digests are made before."""

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Forget a batch."""


@dataclass(frozen=True, slots=True)
class ReplayCheck:
    """How a live replay compares with the backtest; `of_bars` is the length of the backtest."""

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
        what = f"{share}{values.count(self.of_bars)} bars, one closed bar at a time"
        if not self.identical:
            return f"Live replay of {what}: DIFFERENT; {self.difference}"
        line = f"Live replay of {what}: the same bytes in all layers (digest {self.digest})"
        return line if whole else f"{line}; for all bars: admf parity, or --parity-bars all"


def check_replay(job: Job, bars_max: int | None, advance: Advance | None = None) -> ReplayCheck:
    """Replay the bars of a backtest through the live runner and compare every layer's bytes.

    At most `bars_max` bars, from the first on (None: all); history is then cut there as well.
    Raises DataError when the bars are no longer those of the backtest.
    """
    of_bars = job.result.bars
    bars = of_bars if bars_max is None else min(of_bars, bars_max)
    expected = job.result
    if bars < of_bars:
        expected = _history(job, bars, _NoSink())
    found, digest = _live(job, bars, _NoSink(), advance)
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

    return run_historical(job.setup, _first(job, bars), sink=sink)


def _live(
    job: Job, bars: int, sink: Sink | None, advance: Advance | None = None
) -> tuple[RunResult, str]:
    import time
    from dataclasses import replace

    from admf_fast.data import BarDigest
    from admf_fast.feeds import replay
    from admf_fast.runners.live import run_live

    digest = BarDigest()

    def digested() -> Iterator[BarBlock]:
        for block in _first(job, bars):
            digest.update(block)
            yield block

    started = time.perf_counter()
    result = run_live(job.setup, replay(digested()), sink=sink, progress=advance)
    return replace(result, seconds=time.perf_counter() - started), digest.hexdigest()


def _first(job: Job, bars: int) -> Iterator[BarBlock]:
    """Yield the first `bars` bars, read afresh."""
    from admf_fast.jobs import open_source

    left = bars
    for block in open_source(job.setup.config).blocks():
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
