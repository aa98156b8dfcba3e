"""A group of parameter sets, run side by side: the one place that knows how lanes are driven.

`LaneRun` takes sets and blocks of bars and gives what each set came to. How the bars are cut,
and which sets stand beside each other, changes nothing.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from admf_fast.data import BarBlock
from admf_fast.runners.recorder import LayerDigests, named_columns
from admf_fast.sweep.stored import Playback
from admf_fast.sweep.variants import Variant
from admf_kernels.environment import check_float_environment
from admf_kernels.execution.summary import Summary
from admf_kernels.lane_program import ROWS_KEPT, LaneProgram
from admf_kernels.layout import Words
from admf_kernels.summaries import summarize_all

# The most bars of one call into compiled code, and how long it should take.
BLOCK_BARS, CALL_S = 4096, 0.025
FEWEST_BARS = 32


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
    events : dict of int64 (columns, rows)
        Kept tables of events as words, times first.
    """

    summary: Summary
    signals: str
    ready_bars: int
    refusal: str = ""
    events: dict[str, Words] = field(default_factory=dict)


class LaneRun:
    """Sets of one kind (`Variant.kind`) over one stream of bars.

    Parameters
    ----------
    variants : sequence of Variant
        None of them refused.
    keep : collection of str
        Tables of events to keep besides the signals' digest: ``signals``, ``trades``.
    playback : Playback, optional
        The stored signals that the sets play.
    """

    def __init__(
        self, variants: Sequence[Variant], keep: Collection[str] = (),
        playback: Playback | None = None,
    ) -> None:  # fmt: skip
        check_float_environment()
        setups = [v.setup for v in variants if v.setup is not None]
        assert len(setups) == len(variants)
        first = setups[0]
        self._variants = variants
        self._setups = setups
        self._keep = tuple(keep)
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
        self._digests = [LayerDigests(("signals",)) for _ in variants]
        self._events: list[dict[str, list[Words]]] = [{} for _ in variants]
        self._piece_bars = 256  # of the first call, until it is known how long one takes

    @property
    def lanes(self) -> int:
        """How many sets there are."""
        return len(self._variants)

    def feed(self, block: BarBlock) -> Iterable[int]:
        """Advance over a block; yields the bars done after each call into compiled code."""
        first = 0
        while first < len(block):
            size = min(self._piece_bars, self._program.block_bars)
            piece = block.slice(first, first + size)
            started = time.perf_counter()
            self._take(ROWS_KEPT)
            self._program.feed(*piece.columns())  # type: ignore[arg-type]
            self._pace(len(piece), time.perf_counter() - started)
            first += len(piece)
            yield len(piece)

    def _pace(self, bars: int, seconds: float) -> None:
        """Choose the size of the next call by how long the last one took."""
        wanted = int(bars * CALL_S / max(seconds, 1e-6))
        self._piece_bars = max(FEWEST_BARS, min(wanted, 2 * self._piece_bars, BLOCK_BARS))

    def _take(self, least: int) -> None:
        for name in dict.fromkeys(("signals", *self._keep)):
            for lane, rows in self._program.take_events(name, least if name == "signals" else 0):
                words = np.ascontiguousarray(rows.T)
                if name == "signals":
                    self._digests[lane].update("signals", named_columns("signals", words))
                if name in self._keep:
                    self._events[lane].setdefault(name, []).append(words)

    def return_sums(self) -> NDArray[np.float64]:
        """Return bars, sum and sum of squares of the returns per bar so far; shape (lanes, 3)."""
        curves = self._program.curves()
        return np.array([(c.bars, c.return_sum, c.return_square_sum) for c in curves], np.float64)

    def equities(self) -> NDArray[np.float64]:
        """Return the equity of every lane after the last bar, before the first its cash."""
        cash = np.array([setup.terms.a.cash for setup in self._setups])
        if not self._program.bars_seen:
            return cash
        return np.array([curve.equity for curve in self._program.curves()], np.float64)

    def results(self) -> list[LaneResult]:
        """Return what every set came to, in order."""
        self._take(0)
        program, first = self._program, self._setups[0]
        cash = [setup.terms.a.cash for setup in self._setups]
        summaries = summarize_all(
            program.curves(), program.ledgers(), cash, first.periods_per_year,
            first.config.metrics.risk_free,
        )  # fmt: skip
        return [self._result(k, summary) for k, summary in enumerate(summaries)]

    def _result(self, lane: int, summary: Summary) -> LaneResult:
        program = self._program
        events = {n: np.concatenate(words, axis=1) for n, words in self._events[lane].items()}
        return LaneResult(
            summary,
            self._digests[lane].hexdigests()["signals"],
            self._variants[lane].ready_bars or program.ready_bars(program.lane_reads[lane]),
            program.refusal(lane),
            events,
        )
