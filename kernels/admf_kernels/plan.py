"""Which features a run computes, in which order, in which columns, from which bar on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from admf_kernels.contract import (
    BAR_COLUMNS,
    CLOCK_COLUMNS,
    Feature,
    Lag,
    Output,
    Source,
    WindowOf,
    resolve_bars,
)


@dataclass(frozen=True, slots=True)
class Node:
    """One distinct feature: its place among the columns, and when its inputs are valid."""

    feature: Feature
    column: int  # of its first output
    start_bars: int  # bars to pass over before its first step

    @property
    def ready_bars(self) -> int:
        """Bars of the run until its first valid value, that bar included."""
        return self.start_bars + self.feature.indicator.warmup_bars(self.feature.params)


class Plan:
    """Distinct features in dependency order; equal features share one node.

    Columns are those of the bar, then the clock columns that are read, then the features.
    `needs` are clock columns that something else than a feature reads.
    """

    def __init__(self, outputs: Iterable[Source], needs: Iterable[str] = ()) -> None:
        sources = [*outputs, *needs]
        read = names_read(sources)
        self.clock_columns = tuple(name for name in CLOCK_COLUMNS if name in read)
        self.nodes: dict[Feature, Node] = {}
        self.column_count = len(BAR_COLUMNS) + len(self.clock_columns)
        for source in sources:
            if isinstance(source, Output):
                self._add(source.feature)

    def _add(self, feature: Feature) -> None:
        if feature in self.nodes:
            return
        for source in feature.sources:
            if isinstance(source, Output):
                self._add(source.feature)
        start = max((self.ready_bars(s) - 1 for s in feature.sources), default=0)
        self.nodes[feature] = Node(feature, self.column_count, start)
        self.column_count += len(feature.indicator.outputs)

    @property
    def feature_column_count(self) -> int:
        """How many columns features fill."""
        return self.column_count - len(BAR_COLUMNS) - len(self.clock_columns)

    def column(self, source: Source) -> int:
        """Return the column index of a bar column, a clock column or a feature's output."""
        if isinstance(source, str):
            return (*BAR_COLUMNS, *self.clock_columns).index(source)
        return self.nodes[source.feature].column + source.place

    def ready_bars(self, source: Source) -> int:
        """Return on which bar, counted from 1, `source` has its first valid value."""
        return 1 if isinstance(source, str) else self.nodes[source.feature].ready_bars

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
        return "\n".join(lines)

    @property
    def history_bars(self) -> int:
        """How many bars before a block its drivers may read."""
        return max((_reach(f) for f in self.nodes), default=0)


def _reach(feature: Feature) -> int:
    declared: Mapping[str, Any] = feature.indicator.inputs
    derived = [d for d in declared.values() if isinstance(d, (Lag, WindowOf))]
    return max((resolve_bars(d.bars, feature.params) for d in derived), default=0)


def names_read(sources: Iterable[Source]) -> set[str]:
    """Return the columns of the bar and of the clock that sources come down to."""
    found: set[str] = set()

    def visit(source: Source) -> None:
        if isinstance(source, str):
            found.add(source)
        else:
            for inner in source.feature.sources:
                visit(inner)

    for source in sources:
        visit(source)
    return found


def bar_columns_of(outputs: Iterable[Output]) -> list[int]:
    """Return the indices of the columns that features read: of the bar, then of the clock."""
    read = names_read(outputs)
    clock = (name for name in CLOCK_COLUMNS if name in read)
    return [k for k, name in enumerate((*BAR_COLUMNS, *clock)) if name in read]
