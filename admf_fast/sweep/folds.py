"""Splits of bars by time: which are trained on, which are tested on, and their digest."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from admf_fast.config import HoldoutSpec, KFoldSpec, Split, SplitSpec, WalkForwardSpec
from admf_fast.data import BarBlock
from admf_fast.data.spec import parse_instant
from admf_fast.errors import ConfigError
from admf_fast.sweep.bars import Bars

DAY_NS = 86_400_000_000_000


Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fold:
    """One split; spans of bars are ``[first, last)``, `train` has one or two, rising.

    Times are those of the closes of the first and the last bar of each.
    """

    number: int
    train: tuple[Span, ...]
    test: Span
    train_ts_ns: tuple[Span, ...]
    test_ts_ns: Span

    @property
    def train_bars(self) -> int:
        """How many bars sets are chosen on."""
        return sum(last - first for first, last in self.train)


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


def folds_of(spec: Split, ts_ns: NDArray[np.int64]) -> list[Fold]:
    """Return all splits that a section means, in order; ConfigError when there are none."""
    match spec:
        case WalkForwardSpec():
            spans = [*_walked(spec, _edges(spec, ts_ns))]
        case KFoldSpec():
            spans = _folded(spec, _edges(spec, ts_ns))
        case HoldoutSpec():
            spans = [_held_out(spec, ts_ns)]

    def times(span: Span) -> Span:
        return int(ts_ns[span[0]]), int(ts_ns[span[1] - 1])

    return [
        Fold(k, train, test, tuple(times(span) for span in train), times(test))
        for k, (train, test) in enumerate(spans)
    ]


Spans = tuple[tuple[Span, ...], Span]


def _walked(spec: WalkForwardSpec, edges: Sequence[int]) -> Iterator[Spans]:
    """Yield the spans of train and test, each test where the last one ended."""
    units = len(edges) - 1
    needed = spec.train + spec.gap + spec.test
    if needed > units:
        raise ConfigError(
            f"sweep.walkforward: train, gap and test are {needed:,} {spec.unit}, "
            f"there are {units:,}; use shorter ones"
        )
    for first in range(0, units - needed + 1, spec.test):
        split = first + spec.train
        begin = split + spec.gap
        train = (edges[0 if spec.anchored else first], edges[split])
        yield (train,), (edges[begin], edges[begin + spec.test])


def _folded(spec: KFoldSpec, edges: Sequence[int]) -> list[Spans]:
    """Return the spans of equal tests, and of the trains before and after each."""
    units = len(edges) - 1
    if units < spec.folds:
        raise ConfigError(
            f"sweep.kfold: expected {spec.unit} for {spec.folds:,} folds, there are {units:,}"
        )
    cuts = [units * k // spec.folds for k in range(spec.folds + 1)]
    found: list[Spans] = []
    for first, last in itertools.pairwise(cuts):
        before = edges[0], edges[max(first - spec.purge, 0)]
        after = edges[min(last + spec.embargo, units)], edges[units]
        train = tuple(span for span in (before, after) if span[0] < span[1])
        if not train:
            raise ConfigError(
                f"sweep.kfold: purge and embargo leave no {spec.unit} to choose on; use "
                "shorter ones, or more folds"
            )
        found.append((train, (edges[first], edges[last])))
    return found


def _held_out(spec: HoldoutSpec, ts_ns: NDArray[np.int64]) -> Spans:
    """Return the spans before and from a time on."""
    begin = int(np.searchsorted(ts_ns, parse_instant("sweep.holdout.test_from", spec.test_from)))
    edges = _edges(spec, ts_ns[:begin])
    last = edges[max(len(edges) - 1 - spec.gap, 0)]
    if last == 0 or begin == len(ts_ns):
        side = "before it and the gap" if last == 0 else "from it on"
        raise ConfigError(f"sweep.holdout.test_from: {spec.test_from}: there are no bars {side}")
    return ((0, last),), (begin, len(ts_ns))


def _edges(spec: SplitSpec, ts_ns: NDArray[np.int64]) -> list[int]:
    """Return the bar at which each unit begins, and the end."""
    if spec.unit == "bars" or not len(ts_ns):
        return list(range(len(ts_ns) + 1))
    # A bar that closes at midnight belongs to the day that ends there.
    days = (ts_ns - 1) // DAY_NS
    starts = np.flatnonzero(days[1:] != days[:-1]) + 1
    return [0, *starts.tolist(), len(ts_ns)]


def check_split(spec: SplitSpec, digest: str, symbol: str) -> None:
    """Refuse a split that is not the one that the section names; ConfigError."""
    if not digest.startswith(spec.split):
        raise ConfigError(
            f"sweep: expected the split {spec.split} of {symbol}, found {digest}: the bars are "
            "others than when it was written down; leave out split, or use the bars of then"
        )


def split_digest(folds: Sequence[Fold]) -> str:
    """Return the sha256 of the times of all splits: equal for equal splits, whatever the sets."""
    times = [[fold.train_ts_ns, fold.test_ts_ns] for fold in folds]
    return hashlib.sha256(json.dumps(times).encode()).hexdigest()
