"""The drivers' work on features in plain Python, one bar at a time: see `admf_kernels.plain`."""

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from admf_kernels import layout
from admf_kernels.actions import ACTION_COLUMNS, ADJUSTED, NO_ACTIONS, Actions
from admf_kernels.checksum import MASK, key_of, signed, slot_of
from admf_kernels.clock import Clock, required
from admf_kernels.contract import (
    ADJUSTMENT,
    BAR_COLUMNS,
    CLOCK_COLUMNS,
    PRICE_COLUMNS,
    Feature,
    Indicator,
    Lag,
    Output,
    Source,
    WindowOf,
    columns_of,
    output_of,
    resolve_bars,
)
from admf_kernels.numeric import Window, nan
from admf_kernels.plain_actions import Before, PlainActions
from admf_kernels.plain_clock import PlainClock

if TYPE_CHECKING:
    from admf_kernels.feature_program import FeatureProgram
    from admf_kernels.plain_frames import PlainFrame

SEEN_KEY = 1442695040888963407  # odd key of the bar counter

Column = list[float]


class PlainBar(NamedTuple):
    """What one bar led to; `events` holds rows by table, without their row number."""

    features: Mapping[str, float]
    checksum: int
    signal: float = 0.0
    sequence: int = 0
    lots: int = 0
    cash: float = 0.0
    equity: float = 0.0
    status: int = 0
    events: Mapping[str, Sequence[tuple[Any, ...]]] = MappingProxyType({})


def coerced(cls: type, value: Any) -> Any:
    """Return a state with every field of exactly its declared kind.

    Raises OverflowError for an integer that 64 bits cannot hold: compiled, it would wrap.
    """
    kinds = {"float": float, "int": int, "bool": bool}
    made = [kinds[f.kind](v) for f, v in zip(layout.fields_of(cls), value, strict=True)]
    for field, v in zip(layout.fields_of(cls), made, strict=True):
        if isinstance(v, int) and not -(2**63) <= v < 2**63:
            raise OverflowError(f"{cls.__name__}.{field.name} does not fit into 64 bits")
    return cls(*made)


def share_of_checksum(slot: int, seen: int, states: Iterable[Any]) -> int:
    """Return what one instance adds: its bar counter and all state words, each times a key."""
    total = seen * (slot + SEEN_KEY)
    words = (word for state in states for word in layout.pack(state).tolist())
    for place, word in enumerate(words):
        total += word * (slot + key_of(place))
    return total & MASK


class PlainIndicator:
    """One indicator over columns that are lists with one value per bar so far."""

    def __init__(
        self,
        feature: Feature,
        columns: Mapping[Source, Column],
        start_bars: int,
        label: str,
        *,
        waits: bool = False,
    ) -> None:
        self.feature = feature
        self.kernel: Indicator = feature.indicator
        self.constants = self.kernel.prepare(feature.params)
        self.warmup_bars = self.kernel.warmup_bars(feature.params)
        self.renew_bars = self.kernel.renew_bars(feature.params)
        self.slot = slot_of(label)
        sources = zip(self.kernel.sources, feature.sources, strict=True)
        self.columns = {name: columns[source] for name, source in sources}
        # One that waits starts when its columns have values, the others after `start_bars`.
        self.waits = waits
        # Negative while the indicator's own inputs are not valid: no step is made then.
        self.seen = -start_bars
        self.hashed_seen = self.seen
        self.state = layout.zeros(self.kernel.state)

    def step(self) -> tuple[float, ...]:
        """Advance by the newest row of the columns and return the outputs."""
        outputs = (nan,) * len(self.kernel.outputs)
        if self.waits and self.seen < 0:
            if any(column[-1] != column[-1] for column in self.columns.values()):
                self.hashed_seen = self.seen
                return outputs
            self.seen = 0
        idle = self.seen < 0
        # While idle the checksum covers the counter before the bar, later the one after it.
        self.hashed_seen = self.seen if idle else self.seen + 1
        self.seen += 1
        if idle:
            return outputs
        seen = self.seen
        warm = seen > self.warmup_bars
        renew = warm and self.renew_bars > 0 and seen % self.renew_bars == 0
        values = {
            "c": self.constants,
            "s": self.state,
            "bars": min(seen, self.warmup_bars + 1),
            "renew": renew,
            **{name: self._input(name) for name in self.kernel.inputs},
        }
        result = self.kernel.step(*(values[name] for name in self.kernel.arguments))
        if self.kernel.stateful:
            state, result = result
            self.state = coerced(self.kernel.state, state)
        if seen < self.warmup_bars:
            return outputs
        return (float(result),) if len(outputs) == 1 else tuple(float(y) for y in result)

    def _input(self, name: str) -> Any:
        """Return the value, the earlier value or the window that an argument stands for."""
        declared = self.kernel.inputs[name]
        column = self.columns[name if isinstance(declared, str) else declared.of]
        row = len(column) - 1
        if isinstance(declared, str):
            return column[row]
        bars = resolve_bars(declared.bars, self.feature.params)
        if isinstance(declared, Lag):
            return column[row - bars]
        return Window(_Window(column, row, bars), row, bars)  # type: ignore[arg-type]  # is read alike

    def checksum(self) -> int:
        """Return the instance's share of the state checksum."""
        return share_of_checksum(self.slot, self.hashed_seen, [self.state])


class _Window:
    """The last rows of a column; refuses what the compiled form would read unchecked."""

    def __init__(self, column: Column, row: int, bars: int) -> None:
        self.column = column
        self.row = row
        self.bars = bars

    def __getitem__(self, row: int) -> float:
        lag = self.row - row
        if not 0 <= lag < self.bars:
            raise IndexError(f"a window of {self.bars} bars has no value {lag} bars back")
        return self.column[row]


class PlainFeatures:
    """Distinct features over one stream of bars; the plain twin of `FeatureProgram`."""

    def __init__(
        self, features: Iterable[Any], *, hashed: bool = True, clock: Clock | None = None,
        actions: Actions | None = None,
    ) -> None:  # fmt: skip
        self.hashed = hashed
        features = [f if isinstance(f, str) else output_of(f) for f in features]
        if actions is None and any(ADJUSTMENT in columns_of(f) for f in features):
            actions = NO_ACTIONS
        self.actions = PlainActions(actions) if actions is not None else None
        names = (*BAR_COLUMNS, *(ACTION_COLUMNS if self.actions else ()))
        self.columns: dict[Source, Column] = {name: [] for name in names}
        self.ready_bars: dict[Source, int] = dict.fromkeys(names, 1)
        self.indicators: dict[Feature, PlainIndicator] = {}
        self.held: dict[str, list[Feature]] = {}  # features on longer timeframes
        self._labelled: list[tuple[str, Column]] = []
        self.waiting: set[Source] = set()  # columns whose first valid bar the times decide
        for given in features:
            if isinstance(given, str):
                self._read_clock(given)
            else:
                self._add(given.feature)
        self.clock_columns = [name for name in CLOCK_COLUMNS if name in self.columns]
        if self.clock_columns:
            self.clock = PlainClock(required(clock, self.clock_columns))
        self.frames = self._frames(clock)
        # Rows that no bar has filled are NaN, as far back as any input reaches.
        reach = max((_reach(f) for f in self.indicators), default=0) or int(bool(self.actions))
        for column in self.columns.values():
            column.extend([nan] * reach)

    def _add(self, feature: Feature) -> None:
        """Enter a feature after the features it reads, once."""
        if feature in self.indicators or Output(feature, 0) in self.columns:
            return
        if feature.timeframe:
            self.held.setdefault(feature.timeframe, []).append(feature)
            for output in _outputs(feature):
                self.columns[output] = []
                self.ready_bars[output] = 2
                self.waiting.add(output)
            return
        for source in feature.sources:
            if isinstance(source, Output):
                self._add(source.feature)
            elif source in CLOCK_COLUMNS:
                self._read_clock(source)
        start_bars = max((self.ready_bars[s] - 1 for s in feature.sources), default=0)
        waits = any(source in self.waiting for source in feature.sources)
        start_bars = 1 if waits else start_bars
        label = self.label(feature)
        read: dict[Source, Column] = {s: self.columns[self.column_of(s)] for s in feature.sources}
        node = PlainIndicator(feature, read, start_bars, label, waits=waits)
        self.indicators[feature] = node
        for output in _outputs(feature):
            self.columns[output] = []
            self.ready_bars[output] = start_bars + node.warmup_bars
            if waits:
                self.waiting.add(output)

    def _frames(self, clock: Clock | None) -> "list[PlainFrame]":
        """Return what makes the bars of the longer timeframes."""
        if not self.held:
            return []
        from admf_kernels.plain_frames import PlainChild, PlainFrame  # also plain features

        made = []
        for timeframe, features in self.held.items():
            inner = [Output(f._replace(timeframe=""), 0) for f in features]
            covered = self._covered_on(timeframe) if self.hashed else []
            made.append(PlainFrame(PlainChild(timeframe, inner, covered, clock), clock))
        return made

    def _covered_on(self, timeframe: str) -> list[Feature]:
        """Return the features on a longer timeframe that the state checksum covers."""
        inner = [Output(f._replace(timeframe=""), 0) for f in self.held[timeframe]]
        return computed(inner)

    def label(self, feature: Feature) -> str:
        """Return the name its state goes by."""
        return feature.label

    def _read_clock(self, name: str) -> None:
        self.columns.setdefault(name, [])
        self.ready_bars[name] = 1

    def column_of(self, source: Source) -> Source:
        """Return the name of the column that is read as `source`: prices may be adjusted."""
        return ADJUSTED.get(source, source) if self.actions and isinstance(source, str) else source

    def step(
        self, ts_ns: int, open: float, high: float, low: float, close: float, volume: float
    ) -> PlainBar:
        """Advance by one closed bar."""
        checksum = self._advance(ts_ns, open, high, low, close, volume)
        return PlainBar(self._values(), signed(checksum))

    def _advance(self, *bar: float) -> int:
        """Append the bar, step every indicator; returns the checksum so far."""
        adjusted = self.actions.columns(self._before(), *bar) if self.actions else {}  # type: ignore[arg-type]
        for name, value in (*zip(BAR_COLUMNS, bar, strict=True), *adjusted.items()):
            self.columns[name].append(value)
        found = self.clock.columns(int(bar[0])) if self.clock_columns else {}
        for name in self.clock_columns:
            self.columns[name].append(found[name])
        checksum = 0
        for frame in self.frames:
            frame.step(int(bar[0]), *(self.columns[self.column_of(n)][-1] for n in PRICE_COLUMNS))
            checksum += frame.share()
            for feature in self.held[frame.timeframe]:
                for output in _outputs(feature):
                    self.columns[output].append(frame.value(output))
        for feature, node in self.indicators.items():
            for k, value in enumerate(node.step()):
                self.columns[Output(feature, k)].append(value)
            if self._is_hashed(feature):
                checksum += node.checksum()
        return checksum & MASK

    def _before(self) -> Before | None:
        """Return what the last bar left; None before the first."""
        names = ("ts_ns", "close", ADJUSTMENT, "units")
        ts_ns, *values = (self.columns[name][-1] for name in names)
        return None if isnan(values[1]) else Before(int(ts_ns), *values)

    def _is_hashed(self, feature: Feature) -> bool:
        return self.hashed

    def _values(self) -> dict[str, float]:
        """Return the newest value of every feature column by label."""
        if not self._labelled:  # once: a label is made of all it is computed from
            self._labelled = [
                (s.label, c) for s, c in self.columns.items() if isinstance(s, Output)
            ]
        return {label: column[-1] for label, column in self._labelled}

    def state(self) -> dict[str, Any]:
        """Return the state of every kernel by label."""
        longer: dict[str, Any] = {}
        for frame in self.frames:
            longer |= frame.state()
        return {**longer, **{self.label(f): node.state for f, node in self.indicators.items()}}

    def resume(self, program: "FeatureProgram") -> None:
        """Take over where a compiled program of the same features stands."""
        rows = slice(program.cursor - program.history, program.cursor)
        for source, column in self.columns.items():
            column[:] = program.columns[_place(program, source), rows].tolist()
        self.columns["ts_ns"][:] = program.ts_ns[rows].tolist()
        words = program.state
        for frame, child in zip(self.frames, program.children, strict=True):
            words = frame.resume(child, words)
        self._resume_states(words)

    def _resume_states(self, words: layout.Words) -> layout.Words:
        """Read every indicator's counter and state; returns the words that are left."""
        for node in self.indicators.values():
            node.seen = int(words[0])
            node.state, words = unpacked(node.kernel.state, words[1:])
        return words


def _place(program: "FeatureProgram", source: Source) -> int:
    """Return the index of a column, for the bar the one as traded."""
    if isinstance(source, str) and source in BAR_COLUMNS:
        return BAR_COLUMNS.index(source)
    return program.plan.column(source)


def unpacked(cls: type, words: layout.Words) -> tuple[Any, layout.Words]:
    """Return the `cls` that the first words hold, and the words after it."""
    count = len(layout.fields_of(cls))
    return layout.unpack(cls, words[:count]), words[count:]


def _outputs(feature: Feature) -> list[Output]:
    return [Output(feature, k) for k in range(len(feature.indicator.outputs))]


def computed(outputs: Iterable[Source]) -> list[Feature]:
    """Return the features that sources are made of, each once, on the program's bars."""
    found: list[Feature] = []
    for output in outputs:
        if isinstance(output, Output) and not output.feature.timeframe:
            found += [f for f in computed(output.feature.sources) if f not in found]
            found += [output.feature] if output.feature not in found else []
    return found


def held_by(source: Source) -> list[Feature]:
    """Return the features on longer timeframes that a source is made of."""
    if isinstance(source, str):
        return []
    if source.feature.timeframe:
        return [source.feature]
    return [f for inner in source.feature.sources for f in held_by(inner)]


def _reach(feature: Feature) -> int:
    """Return how many bars before the newest a feature's inputs read."""
    declared = feature.indicator.inputs.values()
    derived = [d for d in declared if isinstance(d, (Lag, WindowOf))]
    return max((resolve_bars(d.bars, feature.params) for d in derived), default=0)
