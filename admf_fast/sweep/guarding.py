"""The guards of `guards` over all bars and sets of one input."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_fast.config import SplitSpec
from admf_fast.runners.historical import run_historical
from admf_fast.sweep import guards
from admf_fast.sweep.bars import Bars, Stream
from admf_fast.sweep.chunk import ChunkRun
from admf_fast.sweep.folds import Window
from admf_fast.sweep.lanes import LaneResult, LaneRun
from admf_fast.sweep.shuffled import Shuffled

Results = Callable[[Stream], list[LaneResult | str]]


@dataclass(frozen=True, slots=True)
class Guarded:
    """What the guards say of all sets, and of the best of them over all bars."""

    best: int
    best_params: dict[str, Any]
    overfitting: guards.Overfitting
    deflated: guards.Deflated
    bootstrap: guards.Tested
    permutation: guards.Tested
    shuffled: guards.Tested


@dataclass(frozen=True, slots=True)
class Guarding:
    """What the guards are worked out with; `results` runs all sets over some bars."""

    spec: SplitSpec
    sets: Sequence[Sequence[Any]]
    names: Sequence[str]
    runner: ChunkRun
    results: Results
    pool: ThreadPoolExecutor

    def over(self, bars: Bars) -> Guarded:
        """Return the guards of one input."""
        sums = self._sums(bars)
        trials = guards.sharpe_ratios(sums.sum(axis=0))
        best = int(np.argmax(np.where(np.isfinite(trials), trials, -math.inf)))
        returns = self._returns(best, bars)
        return Guarded(
            best, dict(zip(self.names, self.sets[best], strict=True)), guards.overfitting(sums),
            guards.deflated_sharpe(returns, trials), guards.block_bootstrap(returns),
            guards.permutation(returns), self._shuffled(bars),
        )  # fmt: skip

    def _sums(self, bars: Bars) -> NDArray[np.float64]:
        """Return the sums of returns of every set in each part, (parts, sets, 3)."""
        pieces = [self.sets[k : k + 64] for k in range(0, len(self.sets), 64)]
        found = self.pool.map(lambda sets: self._sums_of(sets, bars), pieces)
        return np.concatenate(list(found), axis=1)

    def _sums_of(self, sets: Sequence[Sequence[Any]], bars: Bars) -> NDArray[np.float64]:
        """Run sets once over all bars, and note their sums where a part ends."""
        ready = [self.runner.variants.at(values) for values in sets]
        parts = self.spec.blocks
        sums = np.zeros((parts, len(sets), 3))
        by_kind: dict[tuple[Any, ...], list[int]] = {}
        for k, variant in enumerate(ready):
            if variant.setup is not None:
                by_kind.setdefault(variant.kind, []).append(k)
        edges = [bars.count * k // parts for k in range(parts + 1)]
        for places in by_kind.values():
            run = LaneRun([ready[k] for k in places])
            before = run.return_sums()
            for part in range(parts):
                for block in Window(bars, edges[part], edges[part + 1]).blocks():
                    for _ in run.feed(block):
                        pass
                after = run.return_sums()
                sums[part, places] = after - before
                before = after
        return sums

    def _returns(self, place: int, bars: Bars) -> NDArray[np.float64]:
        """Return the returns per bar of one set over all bars."""
        variant = self.runner.variants.at(self.sets[place])
        assert variant.setup is not None
        setup = replace(variant.setup, params=variant.params, features={})
        table = run_historical(setup, bars.blocks()).tables["equity"]
        equity = np.concatenate([[setup.terms.a.cash], table["equity"].to_numpy()])
        return np.where(equity[:-1] > 0.0, equity[1:] / equity[:-1] - 1.0, 0.0)

    def _shuffled(self, bars: Bars) -> guards.Tested:
        """Return how often the best set on shuffled bars is as good as the best on the real."""
        samples = self.spec.shuffles
        if not samples:
            return guards.Tested(math.nan, 0, 0)
        real = self._best(bars)
        reached = sum(self._best(Shuffled(bars, seed)) >= real for seed in range(samples))
        return guards.Tested((reached + 1) / (samples + 1), samples, 1)

    def _best(self, stream: Stream) -> float:
        """Return the largest figure of all sets; -inf where none has any."""
        found = [
            float(getattr(result.summary, self.spec.by))
            for result in self.results(stream)
            if not isinstance(result, str) and not result.refusal
        ]
        return max((value for value in found if math.isfinite(value)), default=-math.inf)
