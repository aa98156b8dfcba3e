"""Walk-forward: a set is chosen on past bars and tested on those that follow, again and again.

The test of a fold is an ordinary run of the chosen set over its bars: `admf backtest` with
``bars.start`` and ``bars.end`` at the fold's times gives the same bits.
"""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_fast.config import Config, SweepSpec, WalkForwardSpec
from admf_fast.errors import ConfigError
from admf_fast.runners.historical import run_historical
from admf_fast.sweep import guards
from admf_fast.sweep.bars import Bars, open_inputs
from admf_fast.sweep.chunk import ChunkRun
from admf_fast.sweep.declared import space_of, stored_of
from admf_fast.sweep.folds import Fold, Window, folds_of, split_digest, times_of
from admf_fast.sweep.lanes import LaneResult, LaneRun
from admf_fast.sweep.show import figure_of
from admf_fast.sweep.variants import Variants

CHUNK_SETS = 64

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FoldResult:
    """One fold: which set was chosen, and what it did.

    Attributes
    ----------
    chosen : int
        The set with the largest figure on the train bars; the first of equal ones.
    train, test : LaneResult
    test_rank : float
        Share of the sets that did worse on the test bars; 1 is the best, 0.5 luck.
    warmup_bars : int
        Bars before the test bars that the test's run began with.
    run_ts_ns : tuple of int
        Times of the closes of the first and the last bar of that run.
    """

    fold: Fold
    chosen: int
    params: dict[str, Any]
    train: LaneResult
    test: LaneResult
    test_rank: float
    warmup_bars: int
    run_ts_ns: tuple[int, int]


@dataclass(frozen=True, slots=True)
class WalkForward:
    """All folds of one input, and the guards over all its bars."""

    symbol: str
    by: str
    sets: int
    split: str
    warmup: str
    folds: list[FoldResult]
    overfitting: guards.Overfitting
    deflated: guards.Deflated
    bootstrap: guards.Tested
    permutation: guards.Tested
    best: int = -1
    best_params: dict[str, Any] = field(default_factory=dict)

    @property
    def test_total_return(self) -> float:
        """What all tests together came to, one after the other."""
        growth = 1.0
        for one in self.folds:
            growth *= 1.0 + one.test.summary.total_return
        return growth - 1.0


def walk_forward(
    config: Config, data: object | None = None, *, threads: int | None = None,
    progress: Progress | None = None,
) -> list[WalkForward]:  # fmt: skip
    """Walk every input of a sweep forward; ConfigError without ``sweep.walkforward``."""
    spec = config.sweep.walkforward if isinstance(config.sweep, SweepSpec) else None
    if not isinstance(spec, WalkForwardSpec):
        raise ConfigError(
            f"{config.where('sweep')}: walkforward is missing; expected a section such as "
            "walkforward: {train: 504, test: 126}"
        )
    figure_of(spec.by)
    space = space_of(config)
    if space.search is not None or stored_of(config) is not None:
        raise ConfigError(
            f"{config.where('sweep')}: walk-forward runs all sets on bars of its own; leave out "
            "search and from_signals"
        )
    variants = Variants(config, space)
    sets = space.sets()
    names = [axis.name for axis in space.axes]
    inputs = open_inputs(config, data)
    with ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool:
        walk = _Walk(spec, variants, sets, names, pool)
        try:
            return [walk.over(bars, progress) for bars in inputs]
        finally:
            walk.runner.stop.set()


class _Walk:
    """What all inputs have in common."""

    def __init__(
        self, spec: WalkForwardSpec, variants: Variants, sets: Sequence[Sequence[Any]],
        names: Sequence[str], pool: ThreadPoolExecutor,
    ) -> None:  # fmt: skip
        self.spec, self.sets, self.names, self.pool = spec, sets, names, pool
        self.runner = ChunkRun(variants)

    def over(self, bars: Bars, progress: Progress | None) -> WalkForward:
        """Walk one input forward."""
        ts_ns = times_of(bars)
        folds = folds_of(self.spec, ts_ns)
        found = []
        for fold in folds:
            if progress:
                progress(f"{bars.symbol}: fold {fold.number + 1} of {len(folds)}")
            found.append(self._fold(fold, bars, ts_ns))
        sums = self._sums(bars)
        trials = guards.sharpe_ratios(sums.sum(axis=0))
        best = int(np.argmax(np.where(np.isfinite(trials), trials, -math.inf)))
        returns = self._returns(best, bars)
        return WalkForward(
            bars.symbol, self.spec.by, len(self.sets), split_digest(folds), str(self.spec.warmup),
            found, guards.overfitting(sums), guards.deflated_sharpe(returns, trials),
            guards.block_bootstrap(returns), guards.permutation(returns), best, self._params(best),
        )  # fmt: skip

    def _fold(self, fold: Fold, bars: Bars, ts_ns: NDArray[np.int64]) -> FoldResult:
        train = self._results(Window(bars, *fold.train))
        figures = [self._figure(result) for result in train]
        chosen = max(range(len(figures)), key=lambda k: (figures[k], -k))
        trained = train[chosen]
        if isinstance(trained, str) or figures[chosen] == -math.inf:
            raise ConfigError(
                f"sweep.walkforward: fold {fold.number + 1} of {bars.symbol}: no set has a "
                f"{self.spec.by} on the train bars; use longer ones, or another figure"
            )
        others = [self._figure(result) for result in self._results(Window(bars, *fold.test))]
        warmup = self._warmup_bars(trained, fold)
        window = Window(bars, fold.test[0] - warmup, fold.test[1])
        tested = self.runner.results([self.sets[chosen]], window)[0]
        if isinstance(tested, str):
            raise ConfigError(f"sweep.walkforward: fold {fold.number + 1}: {tested}")
        times = int(ts_ns[window.first]), int(ts_ns[window.last - 1])
        rank = _rank(others, chosen)
        params = self._params(chosen)
        return FoldResult(fold, chosen, params, trained, tested, rank, warmup, times)

    def _warmup_bars(self, trained: LaneResult, fold: Fold) -> int:
        wanted = self.spec.warmup
        bars = {"cold": 0, "ready": trained.ready_bars - 1}.get(str(wanted), wanted)
        return min(int(bars), fold.test[0])

    def _figure(self, result: LaneResult | str) -> float:
        """Return the figure sets are chosen by; -inf where there is none."""
        if isinstance(result, str) or result.refusal:
            return -math.inf
        value = float(getattr(result.summary, self.spec.by))
        return value if math.isfinite(value) else -math.inf

    def _params(self, place: int) -> dict[str, Any]:
        return dict(zip(self.names, self.sets[place], strict=True))

    def _results(self, window: Window) -> list[LaneResult | str]:
        """Return what every set does over a window."""
        found = self.pool.map(lambda sets: self.runner.results(sets, window), self._pieces())
        return [result for piece in found for result in piece]

    def _pieces(self) -> list[Sequence[Sequence[Any]]]:
        return [self.sets[k : k + CHUNK_SETS] for k in range(0, len(self.sets), CHUNK_SETS)]

    def _sums(self, bars: Bars) -> NDArray[np.float64]:
        """Return the sums of returns of every set in each part, (parts, sets, 3)."""
        found = self.pool.map(lambda sets: self._sums_of(sets, bars), self._pieces())
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


def _rank(figures: Sequence[float], chosen: int) -> float:
    """Return the share of the other sets that a set beats, ties counting half."""
    others = [value for k, value in enumerate(figures) if k != chosen]
    if not others:
        return math.nan
    below = sum(value < figures[chosen] for value in others)
    ties = sum(value == figures[chosen] for value in others)
    return (below + ties / 2.0) / len(others)
