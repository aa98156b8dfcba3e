"""Splits of bars by time: which are trained on, which are tested on, and their digest."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from admf_fast.config import WalkForwardSpec
from admf_fast.data import BarBlock
from admf_fast.errors import ConfigError
from admf_fast.sweep.bars import Bars

DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Fold:
    """One split; bars are ``[first, last)``, times those of the closes of first and last bar."""

    number: int
    train: tuple[int, int]
    test: tuple[int, int]
    train_ts_ns: tuple[int, int]
    test_ts_ns: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive bars of an input; read as an input is."""

    bars: Bars
    first: int
    last: int

    @property
    def symbol(self) -> str:
        """The symbol of the input."""
        return self.bars.symbol

    @property
    def count(self) -> int:
        """How many bars there are."""
        return self.last - self.first

    def blocks(self) -> Iterator[BarBlock]:
        """Yield the bars in order."""
        at = 0
        for block in self.bars.blocks():
            piece = block.slice(max(self.first - at, 0), max(self.last - at, 0))
            if len(piece):
                yield piece
            at += len(block)


def times_of(bars: Bars) -> NDArray[np.int64]:
    """Return the time of the close of every bar."""
    return np.concatenate([block.ts_ns for block in bars.blocks()])


def folds_of(spec: WalkForwardSpec, ts_ns: NDArray[np.int64]) -> list[Fold]:
    """Return all splits that fit, in order; ConfigError when none does."""
    edges = _edges(spec, ts_ns)
    units = len(edges) - 1
    folds: list[Fold] = []
    first = 0
    while first + spec.train + spec.gap + spec.test <= units:
        split = first + spec.train
        begin = split + spec.gap
        train = (edges[0 if spec.anchored else first], edges[split])
        test = (edges[begin], edges[begin + spec.test])
        times = [(int(ts_ns[a]), int(ts_ns[b - 1])) for a, b in (train, test)]
        folds.append(Fold(len(folds), train, test, times[0], times[1]))
        first += spec.test
    if not folds:
        needed = spec.train + spec.gap + spec.test
        raise ConfigError(
            f"sweep.walkforward: train, gap and test are {needed:,} {spec.unit}, "
            f"there are {units:,}; use shorter ones"
        )
    return folds


def _edges(spec: WalkForwardSpec, ts_ns: NDArray[np.int64]) -> list[int]:
    """Return the bar at which each unit begins, and the end."""
    if spec.unit == "bars":
        return list(range(len(ts_ns) + 1))
    # A bar that closes at midnight belongs to the day that ends there.
    days = (ts_ns - 1) // DAY_NS
    starts = np.flatnonzero(days[1:] != days[:-1]) + 1
    return [0, *starts.tolist(), len(ts_ns)]


def split_digest(folds: Sequence[Fold]) -> str:
    """Return the sha256 of the times of all splits: equal for equal splits, whatever the sets."""
    times = [[*fold.train_ts_ns, *fold.test_ts_ns] for fold in folds]
    return hashlib.sha256(json.dumps(times).encode()).hexdigest()
