"""Parameter sets over the same bars: the one place that knows how lanes are driven.

`LaneRun` takes sets and blocks of bars and gives what each set came to. How the bars are cut,
and which sets stand beside each other, changes nothing.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from admf_fast.data import BarBlock
from admf_fast.runners.recorder import EventDigest
from admf_fast.sweep.kept import EquitySamples, Kept
from admf_fast.sweep.stored import Playback
from admf_fast.sweep.variants import Variant
from admf_kernels.codegen.eight import WIDTH
from admf_kernels.environment import check_float_environment
from admf_kernels.execution.metrics import RETURN_SQUARES, RETURNS, total
from admf_kernels.execution.summary import Summary
from admf_kernels.lane_program import ROWS_KEPT, LaneProgram
from admf_kernels.layout import Words
from admf_kernels.summaries import summarize_all

# The bars whose columns lie in memory together: more of them leave the cache. Then the most of one
# call into compiled code, and how long it should take: with fewer there are more calls, for each
# of which threads wait for each other in the interpreter.
BLOCK_BARS, CALL_BARS, CALL_S = 4096, 65_536, 0.025
FEWEST_BARS = 32
# Signals of a lane are hashed when there are more than so many: few, so that there is room for
# those of a long call, and not one by one.
ROWS_TAKEN = 1024
assert ROWS_TAKEN < ROWS_KEPT


@dataclass(slots=True)
class LaneResult:
    """What one set came to.

    Attributes
    ----------
    summary : Summary
        Equal, bit for bit, to that of a run of the set alone.
    signals : str
        Digest of its SIGNAL events: layer ``signals`` of that run.
    ready_bars : int
        On which bar, counted from 1, its strategy was first asked.
    refusal : str
        Why it stopped, and on which bar; empty if it did not.
    lane : int
    kept : Kept, optional
        Tables of events of all lanes, as words, times first.
    """

    summary: Summary
    signals: str
    ready_bars: int
    refusal: str = ""
    lane: int = 0
    kept: Kept | None = None

    def events(self, name: str) -> Words | None:
        """Return a kept table, int64 (columns, rows); None without rows."""
        return None if self.kept is None else self.kept.words(self.lane, name)


class LaneRun:
    """Sets of one kind (`Variant.kind`) over one stream of bars.

    Parameters
    ----------
    variants : sequence of Variant
        None of them refused.
    keep : collection of str
        Tables of events to keep besides the signals' digest: ``signals``, ``trades``; and
        ``equity``.
    equity_every : "day" or int
        How often the equity is kept, see `EquitySamples`.
    folder : Path, optional
        Where there is room for what is kept.
    playback : Playback, optional
        The stored signals that the sets play.
    """

    def __init__(
        self, variants: Sequence[Variant], keep: Collection[str] = (),
        playback: Playback | None = None, equity_every: str | int = "day",
        folder: Path | None = None,
    ) -> None:  # fmt: skip
        check_float_environment()
        setups = [v.setup for v in variants if v.setup is not None]
        assert len(setups) == len(variants)
        first = setups[0]
        self._variants = variants
        self._setups = setups
        self._keep = tuple(name for name in keep if name != "equity")
        params, recorded = [v.params for v in variants], None
        if playback is not None:
            params, recorded = playback.played(params)
        per_bar = "trades" in self._keep  # whose memory is per bar and order
        self._program = LaneProgram(
            first.strategy, params, [s.terms for s in setups],
            inputs=[s.inputs for s in setups], tap=None, keep=("signals", *self._keep),
            block_bars=BLOCK_BARS // 8 if per_bar else BLOCK_BARS, hashed=False,
            clock=first.clock, actions=first.actions, recorded=recorded,
        )  # fmt: skip
        self._digests = [EventDigest("signals") for _ in variants]
        self._kept = Kept(folder)
        cash = np.array([setup.terms.a.cash for setup in setups])
        self._samples = EquitySamples(equity_every, cash, self._kept) if "equity" in keep else None
        self._last_ts_ns = 0
        self._piece_bars = 256  # of the first call, until it is known how long one takes

    @property
    def lanes(self) -> int:
        """How many sets there are."""
        return len(self._variants)

    def feed(self, block: BarBlock) -> Iterable[int]:
        """Advance over a block; yields the bars done after each call into compiled code."""
        first = 0
        due = self._samples.due(block.ts_ns).tolist() if self._samples else []
        due = [*reversed(due)]
        while first < len(block):
            if due and due[-1] == first:
                due.pop()
                self._sample()
            size = min(self._piece_bars, due[-1] - first) if due else self._piece_bars
            piece = block.slice(first, first + size)
            started = time.perf_counter()
            self._take(ROWS_TAKEN)
            done = self._program.carry(*piece.columns())  # type: ignore[arg-type]
            self._pace(done, time.perf_counter() - started)
            first += done
            self._last_ts_ns = int(piece.ts_ns[done - 1])
            yield done

    def _sample(self) -> None:
        if self._samples and self._program.bars_seen:
            self._samples.note(self._last_ts_ns, self._program.equities())

    def _pace(self, bars: int, seconds: float) -> None:
        """Choose the size of the next call by how long the last one took."""
        wanted = int(bars * CALL_S / max(seconds, 1e-6))
        # Eight bars are taken at a time, by the bar's number: a call that ended between them
        # would leave the last of them, and the first of the next call, to be taken one by one.
        wanted -= wanted % WIDTH
        self._piece_bars = max(FEWEST_BARS, min(wanted, 2 * self._piece_bars, CALL_BARS))

    def _take(self, least: int) -> None:
        for name in dict.fromkeys(("signals", *self._keep)):
            for lane, rows in self._program.take_events(name, least if name == "signals" else 0):
                if name == "signals":
                    self._digests[lane].update(rows)
                if name in self._keep:
                    self._kept.add(lane, name, rows.T.copy())

    def return_sums(self) -> NDArray[np.float64]:
        """Return bars, sum and sum of squares of the returns per bar so far; shape (lanes, 3)."""
        pairs = zip(self._program.curves(), self._program.sums(), strict=True)
        rows = [(c.bars, total(s, RETURNS), total(s, RETURN_SQUARES)) for c, s in pairs]
        return np.array(rows, np.float64)

    def equities(self) -> NDArray[np.float64]:
        """Return the equity of every lane after the last bar, before the first its cash."""
        cash = np.array([setup.terms.a.cash for setup in self._setups])
        return self._program.equities() if self._program.bars_seen else cash

    def results(self) -> list[LaneResult]:
        """Return what every set came to, in order."""
        self._take(0)
        self._sample()
        if self._samples:
            self._samples.flush()
        program, first = self._program, self._setups[0]
        cash = [setup.terms.a.cash for setup in self._setups]
        summaries = summarize_all(
            program.curves(), program.sums(), program.ledgers(), cash, first.periods_per_year,
            first.config.metrics.risk_free,
        )  # fmt: skip
        return [self._result(k, summary) for k, summary in enumerate(summaries)]

    def _result(self, lane: int, summary: Summary) -> LaneResult:
        program = self._program
        return LaneResult(
            summary,
            self._digests[lane].hexdigest(),
            self._variants[lane].ready_bars or program.ready_bars(program.lane_reads[lane]),
            program.refusal(lane),
            lane,
            self._kept,
        )
