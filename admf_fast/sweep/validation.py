"""Choosing a set on some bars and testing it on others: walk-forward, k-fold, hold-out.

The test of a fold is an ordinary run of the chosen set over its bars: `admf backtest` with
``bars.start`` and ``bars.end`` at the fold's times gives the same bits.
"""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_fast.config import SPLITS, Config, Split, SplitSpec, SweepSpec
from admf_fast.errors import ConfigError
from admf_fast.sweep import guards
from admf_fast.sweep.bars import Bars, Stream, open_inputs
from admf_fast.sweep.chunk import ChunkRun
from admf_fast.sweep.declared import space_of, stored_of
from admf_fast.sweep.folds import Fold, Window, check_split, folds_of, split_digest, times_of
from admf_fast.sweep.guarding import Guarded, Guarding
from admf_fast.sweep.lanes import LaneResult, LaneRun
from admf_fast.sweep.show import figure_of
from admf_fast.sweep.tiles import tiles_of
from admf_fast.sweep.variants import Variants
from admf_kernels.errors import KernelError

CHUNK_SETS = 64
EXAMPLES = {
    "walkforward": "walkforward: {train: 504, test: 126}",
    "kfold": "kfold: {folds: 5, embargo: 5}",
    "holdout": "holdout: {test_from: '2020-01-01'}",
}

Progress = Callable[[str], None]


class OwnBars(NamedTuple):
    """What the test's run did on the bars of the test alone, without those before them."""

    total_return: float
    sharpe: float


@dataclass(frozen=True, slots=True)
class FoldResult:
    """One fold: which set was chosen, and what it did.

    Attributes
    ----------
    chosen : int
        The set with the largest figure on the train bars; the first of equal ones.
    train : tuple of LaneResult
        Its runs on the train bars before the test, and after it where there are any.
    train_figure : float
        Of the train bars: the mean of these runs, weighted by their bars.
    test : LaneResult
        Its run on the test bars, and on what it is warmed up with.
    test_bars : OwnBars
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
    train: tuple[LaneResult, ...]
    train_figure: float
    test: LaneResult
    test_bars: OwnBars
    test_rank: float
    warmup_bars: int
    run_ts_ns: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Validation:
    """All folds of one input, and the guards against overfitting."""

    kind: str
    symbol: str
    by: str
    sets: int
    split: str
    warmup: str
    folds: list[FoldResult]
    decay: guards.Decay
    guarded: Guarded

    @property
    def test_total_return(self) -> float:
        """What the bars of all tests came to, one test after the other."""
        growth = 1.0
        for one in self.folds:
            growth *= 1.0 + one.test_bars.total_return
        return growth - 1.0


def validate_sets(
    config: Config, kind: str, data: object | None = None, *, threads: int | None = None,
    progress: Progress | None = None,
) -> list[Validation]:  # fmt: skip
    """Choose and test on every input of a sweep, split as the section `kind` of it says.

    `kind` is ``walkforward``, ``kfold`` or ``holdout``. Raises ConfigError without it.
    """
    spec = _split_of(config, kind)
    figure_of(spec.by)
    space = space_of(config)
    if space.search is not None or stored_of(config) is not None:
        raise ConfigError(
            f"{config.where('sweep')}: {kind} runs all sets on bars of its own; leave out "
            "search and from_signals"
        )
    variants = Variants(config, space)
    sets = space.sets()
    names = [axis.name for axis in space.axes]
    tiles = tiles_of(space, sets, variants, CHUNK_SETS)
    inputs = open_inputs(config, data)
    with ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool:
        made = _Validating(spec, kind, variants, sets, names, tiles, pool)
        try:
            return [made.over(bars, progress) for bars in inputs]
        finally:
            made.runner.stop.set()


def _split_of(config: Config, kind: str) -> Split:
    spec = getattr(config.sweep, kind) if isinstance(config.sweep, SweepSpec) else None
    if not isinstance(spec, SplitSpec):
        others = [
            name for name in SPLITS if isinstance(getattr(config.sweep, name, None), SplitSpec)
        ]
        hint = f" (there is {others[0]}: admf {others[0]})" if others else ""
        raise ConfigError(
            f"{config.where('sweep')}: {kind} is missing; expected a section such as "
            f"{EXAMPLES[kind]}{hint}"
        )
    return spec  # type: ignore[return-value]  # one of SPLITS


class _Validating:
    """What all inputs have in common."""

    def __init__(
        self, spec: Split, kind: str, variants: Variants, sets: Sequence[Sequence[Any]],
        names: Sequence[str], tiles: Sequence[Sequence[int]], pool: ThreadPoolExecutor,
    ) -> None:  # fmt: skip
        self.spec, self.kind, self.sets, self.names, self.pool = spec, kind, sets, names, pool
        self.tiles = tiles
        self.runner = ChunkRun(variants)

    def over(self, bars: Bars, progress: Progress | None) -> Validation:
        """Choose and test on one input."""
        ts_ns = times_of(bars)
        folds = folds_of(self.spec, ts_ns)
        digest = split_digest(folds)
        check_split(self.spec, digest, bars.symbol)
        found, rated = [], []
        for fold in folds:
            if progress:
                progress(f"{bars.symbol}: fold {fold.number + 1} of {len(folds)}")
            result, figures = self._fold(fold, bars, ts_ns)
            found.append(result)
            rated.append(figures)
        if progress:
            progress(f"{bars.symbol}: guards over all bars")
        guarding = Guarding(self.spec, self.sets, self.names, self.runner, self.results, self.pool)
        trained, tested = (np.array([pair[side] for pair in rated]) for side in (0, 1))
        return Validation(
            self.kind, bars.symbol, self.spec.by, len(self.sets), digest, str(self.spec.warmup),
            found, guards.decay(trained, tested), guarding.over(bars),
        )  # fmt: skip

    def _fold(
        self, fold: Fold, bars: Bars, ts_ns: NDArray[np.int64]
    ) -> tuple[FoldResult, tuple[list[float], list[float]]]:
        """Return what a fold came to, and the figures of all sets on both sides."""
        trains = [self.results(Window(bars, *span)) for span in fold.train]
        figures = [self._train_figure(fold, runs) for runs in zip(*trains, strict=True)]
        chosen = max(range(len(figures)), key=lambda k: (figures[k], -k))
        if figures[chosen] == -math.inf:
            raise ConfigError(
                f"sweep.{self.kind}: fold {fold.number + 1} of {bars.symbol}: no set has a "
                f"{self.spec.by} on the train bars; use longer ones, or another figure"
            )
        runs = [train[chosen] for train in trains]
        trained = tuple(run for run in runs if isinstance(run, LaneResult))
        others = [self.figure(run) for run in self.results(Window(bars, *fold.test))]
        warmup = self._warmup_bars(trained[0].ready_bars, fold)
        tested, test_bars = self._tested(self.sets[chosen], bars, fold, warmup)
        made = FoldResult(
            fold, chosen, dict(zip(self.names, self.sets[chosen], strict=True)), trained,
            figures[chosen], tested, test_bars, guards.rank(others, chosen), warmup,
            (int(ts_ns[fold.test[0] - warmup]), int(ts_ns[fold.test[1] - 1])),
        )  # fmt: skip
        return made, (figures, others)

    def _train_figure(self, fold: Fold, runs: Sequence[LaneResult | str]) -> float:
        """Return the figure of all train bars; -inf where one run of them has none."""
        found = [self.figure(run) for run in runs]
        weights = [last - first for first, last in fold.train]
        if len(found) == 1 or -math.inf in found:
            return min(found)
        return math.fsum(f * w for f, w in zip(found, weights, strict=True)) / sum(weights)

    def _warmup_bars(self, ready_bars: int, fold: Fold) -> int:
        """Return how many bars before the test its run begins; as many as there are at most."""
        wanted, begin = self.spec.warmup, fold.test[0]
        if wanted == "train":
            before = [first for first, last in fold.train if last <= begin]
            return begin - before[0] if before else 0
        bars = {"cold": 0, "ready": ready_bars - 1}.get(str(wanted), wanted)
        return min(int(bars), begin)

    def _tested(
        self, values: Sequence[Any], bars: Bars, fold: Fold, warmup: int
    ) -> tuple[LaneResult, OwnBars]:
        """Run a set over the warm-up and the test, and see what is the test's own."""
        variant = self.runner.variants.at(values, bars.symbol)
        assert variant.setup is not None
        run = LaneRun([variant])
        begin, end = fold.test
        sums, equities = [], []
        try:
            for window in (Window(bars, begin - warmup, begin), Window(bars, begin, end)):
                equities.append(run.equities()[0])
                sums.append(run.return_sums())
                for block in window.blocks():
                    for _ in run.feed(block):
                        pass
        except KernelError as error:
            raise ConfigError(f"sweep.{self.kind}: fold {fold.number + 1}: {error}") from error
        result = run.results()[0]
        growth = run.equities()[0] / equities[1] if equities[1] > 0.0 else math.nan
        periods = result.summary.periods_per_year
        free = variant.setup.config.metrics.risk_free / periods if periods else 0.0
        ratio = guards.sharpe_ratios(run.return_sums() - sums[1], free)[0] * math.sqrt(periods)
        return result, OwnBars(float(growth - 1.0), float(ratio))

    def figure(self, result: LaneResult | str) -> float:
        """Return the figure sets are chosen by; -inf where there is none."""
        if isinstance(result, str) or result.refusal:
            return -math.inf
        value = float(getattr(result.summary, self.spec.by))
        return value if math.isfinite(value) else -math.inf

    def results(self, stream: Stream) -> list[LaneResult | str]:
        """Return what every set does over some bars."""
        pieces = [[self.sets[k] for k in tile] for tile in self.tiles]
        made = self.pool.map(lambda sets: self.runner.results(sets, stream), pieces)
        found: list[LaneResult | str] = [""] * len(self.sets)
        for tile, results in zip(self.tiles, made, strict=True):
            for k, result in zip(tile, results, strict=True):
                found[k] = result
        return found
