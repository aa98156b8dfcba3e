"""Which features a run computes, in which order, in which columns, from which bar on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from admf_kernels.actions import ACTION_COLUMNS, ADJUSTED
from admf_kernels.contract import (
    ADJUSTMENT,
    BAR_COLUMNS,
    CLOCK_COLUMNS,
    RECORDED,
    Feature,
    Indicator,
    Lag,
    Output,
    Source,
    WindowOf,
    columns_of,
    resolve_bars,
)


@dataclass(frozen=True)
class Node:
    """One distinct feature: its place among the columns, and when its inputs are valid."""

    feature: Feature
    column: int  # of its first output
    start_bars: int  # bars to pass over before its first step
    waits: bool = False  # passes over bars until its sources have values, however many

    @cached_property
    def ready_bars(self) -> int:
        """Bars of the run until its first valid value, that bar included."""
        return self.start_bars + self.feature.indicator.warmup_bars(self.feature.params)


class Plan:
    """Distinct features in dependency order; equal features share one node.

    Columns are those of the bar, then the clock columns that are read, with actions those of
    `admf_kernels.actions`, then the features. `needs` are clock columns that something else
    than a feature reads. With actions, what reads a price reads the adjusted one.
    """

    def __init__(
        self, outputs: Iterable[Source], needs: Iterable[str] = (), *, adjusted: bool = False
    ) -> None:
        sources = [*outputs, *needs]
        read = names_read(sources)
        self.clock_columns = tuple(name for name in CLOCK_COLUMNS if name in read)
        self.adjusted = adjusted or ADJUSTMENT in read
        self.names = (*BAR_COLUMNS, *self.clock_columns)
        if self.adjusted:
            self.names += ACTION_COLUMNS
        self.recorded = tuple(sorted(name for name in read if name.startswith(f"{RECORDED}:")))
        self.names += self.recorded
        self.nodes: dict[Feature, Node] = {}
        # Features on longer timeframes: the column each is held in; those of each timeframe.
        self.held: dict[Feature, int] = {}
        self.by_timeframe: dict[str, list[Output]] = {}
        self.column_count = len(self.names)
        for source in sources:
            if isinstance(source, Output):
                self._add(source.feature)

    def _add(self, feature: Feature) -> None:
        if feature in self.nodes or feature in self.held:
            return
        if feature.timeframe:
            self.held[feature] = self.column_count
            self.column_count += len(feature.indicator.outputs)
            inner = Output(feature._replace(timeframe=""), 0)
            self.by_timeframe.setdefault(feature.timeframe, []).append(inner)
            return
        for source in feature.sources:
            if isinstance(source, Output):
                self._add(source.feature)
        waits = any(self.waits(source) for source in feature.sources)
        start = max((self.ready_bars(s) - 1 for s in feature.sources), default=0)
        self.nodes[feature] = Node(feature, self.column_count, 1 if waits else start, waits)
        self.column_count += len(feature.indicator.outputs)

    @property
    def feature_column_count(self) -> int:
        """How many columns features fill."""
        return self.column_count - len(self.names)

    def column(self, source: Source) -> int:
        """Return the column index of a bar column, another column or a feature's output."""
        if isinstance(source, str):
            return self.names.index(ADJUSTED.get(source, source) if self.adjusted else source)
        held = self.held.get(source.feature)
        first = self.nodes[source.feature].column if held is None else held
        return first + source.place

    def ready_bars(self, source: Source) -> int:
        """Return on which bar, counted from 1, `source` has its first valid value.

        Where it waits for a longer timeframe, it is that bar at the earliest.
        """
        if isinstance(source, str):
            return 1
        # The first bucket is dropped, the second one closes on the second bar or later.
        return 2 if source.feature in self.held else self.nodes[source.feature].ready_bars

    def waits(self, source: Source) -> bool:
        """Whether it depends on a longer timeframe: the times of the bars say when it is valid."""
        if isinstance(source, str):
            return False
        return source.feature in self.held or self.nodes[source.feature].waits

    def child(self, timeframe: str) -> "Plan":
        """Return the plan of what is computed on bars of a longer timeframe."""
        return Plan(self.by_timeframe[timeframe])

    @property
    def children(self) -> dict[str, "Plan"]:
        """The plans of all longer timeframes."""
        return {timeframe: self.child(timeframe) for timeframe in self.by_timeframe}

    @property
    def features(self) -> list[Feature]:
        """All features that fill columns, those held from longer timeframes included."""
        return [*self.nodes, *self.held]

    @property
    def indicators(self) -> list[Indicator]:
        """The indicator of every feature that is computed, on longer timeframes too."""
        inner = [f for plan in self.children.values() for f in plan.nodes]
        return [feature.indicator for feature in (*self.nodes, *inner)]

    @property
    def clock_reads(self) -> tuple[str, ...]:
        """The clock columns that are read, on longer timeframes too."""
        own = [self.clock_columns, *(plan.clock_columns for plan in self.children.values())]
        return tuple(name for name in CLOCK_COLUMNS if any(name in read for read in own))

    def inputs(self, feature: Feature) -> dict[str, tuple[int, int]]:
        """Return (column, lag) of every input of a feature, by argument name."""
        indicator = feature.indicator
        direct = dict(zip(indicator.sources, feature.sources, strict=True))
        found = {}
        for name, declared in indicator.inputs.items():
            base = name if isinstance(declared, str) else declared.of
            shift = resolve_bars(declared.bars, feature.params) if isinstance(declared, Lag) else 0
            found[name] = (self.column(direct[base]), shift)
        return found

    def describe(self) -> str:
        """Return all that the declarations of kernels and parameters came to, as text."""
        lines = []
        for feature, node in self.nodes.items():
            kernel, params = feature.indicator, feature.params
            windows = {n: resolve_bars(w.bars, params) for n, w in kernel.windows.items()}
            bars = (node.start_bars, kernel.warmup_bars(params), kernel.renew_bars(params))
            lines.append(
                f"{feature.label} {node.column} {kernel.outputs} {self.inputs(feature)} "
                f"{windows} {bars} {tuple(kernel.prepare(params))}"
            )
        lines += [f"{feature.label} {column}" for feature, column in self.held.items()]
        return "\n".join(lines)

    @property
    def history_bars(self) -> int:
        """How many bars before a block its drivers may read."""
        return max((_reach(f) for f in self.nodes), default=0) or int(self.adjusted)


def _reach(feature: Feature) -> int:
    declared: Mapping[str, Any] = feature.indicator.inputs
    derived = [d for d in declared.values() if isinstance(d, (Lag, WindowOf))]
    return max((resolve_bars(d.bars, feature.params) for d in derived), default=0)


def names_read(sources: Iterable[Source]) -> set[str]:
    """Return the columns of the bar and of the clock that sources come down to."""
    return set[str]().union(*(columns_of(source) for source in sources))


def bar_columns_of(outputs: Iterable[Output]) -> list[int]:
    """Return the indices of the columns that features read: of the bar, then of the clock."""
    read = names_read(outputs)
    clock = (name for name in CLOCK_COLUMNS if name in read)
    return [k for k, name in enumerate((*BAR_COLUMNS, *clock)) if name in read]
