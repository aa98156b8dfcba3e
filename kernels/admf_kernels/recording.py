"""What a run gave, compiled or in plain Python, as words that can be compared bit for bit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_kernels import layout
from admf_kernels.actions import Actions
from admf_kernels.clock import DAY_NS, Clock
from admf_kernels.contract import Output, Strategy
from admf_kernels.execution.terms import Terms
from admf_kernels.plain import PlainProgram
from admf_kernels.plain_features import PlainBar, PlainFeatures
from admf_kernels.plan import Plan
from admf_kernels.program import FeatureProgram, Program

PER_BAR = ("signal", "sequence", "lots", "cash", "equity")
INTEGERS = ("bars.sequence", "bars.lots", "state.checksum")
LAYERS = ("features", "bars", "events", "state")

Words = NDArray[np.int64]
Floats = NDArray[np.float64]


class Bars(NamedTuple):
    """Columns of bars, each of shape (bars,)."""

    ts_ns: NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def rows(self, start: int, stop: int) -> "Bars":
        """Return the bars of rows ``[start, stop)``."""
        columns = (column[start:stop] for column in self[1:])
        return Bars(self.ts_ns[start:stop], *columns)

    @property
    def bars(self) -> int:
        """How many bars there are."""
        return len(self.ts_ns)


# Sessions and pauses of the clock that tests run by, in seconds, again and again.
SESSIONS_S = (23_400, 420, 60, 5_400, 86_400, 3_577)
PAUSES_S = (63_000, 0, 1_740, 151_200, 0, 3_600)
OFFSETS_S = (-18_000, -14_400)


def clock_over(bars: Bars) -> Clock:
    """Return a clock with long and short sessions around bars, for tests.

    It depends on the first bar alone as far as it goes: fewer bars see the same sessions.
    """
    if not bars.bars:
        return clock_over(Bars(np.zeros(1, np.int64), *[np.zeros(1)] * 5))
    first, last = int(bars.ts_ns[0]), int(bars.ts_ns[-1])
    opens: list[int] = []
    closes: list[int] = []
    days: list[int] = []
    at, day = first - 3_600_000_000_000, first // DAY_NS - 1
    while not closes or closes[-1] < last:
        length, pause = (s[len(days) % len(s)] * 1_000_000_000 for s in (SESSIONS_S, PAUSES_S))
        day = max(day + 1, (at + length + OFFSETS_S[1] * 1_000_000_000) // DAY_NS)
        opens.append(at)
        closes.append(at + length)
        days.append(day)
        at += length + pause
    changes = [opens[0], first + 3_600_000_000_000]
    offsets = [s * 1_000_000_000 for s in OFFSETS_S]
    return Clock("test", *(np.array(a, np.int64) for a in (opens, closes, days, changes, offsets)))


@dataclass(frozen=True, slots=True)
class Run:
    """What is run: features on their own, or a strategy with its account."""

    name: str
    outputs: tuple[Output, ...]
    strategy: Strategy | None = None
    params: Any = None
    terms: Terms | None = None
    actions: Actions | None = None

    def compiled(self, block_bars: int, clock: Clock | None = None) -> FeatureProgram:
        """Return a fresh compiled program."""
        if self.strategy is None:
            return FeatureProgram(
                self.outputs, block_bars=block_bars, clock=clock, actions=self.actions
            )
        return Program(
            self.strategy,
            self.params,
            self.terms,
            features=self.outputs,
            block_bars=block_bars,
            clock=clock,
            actions=self.actions,
        )

    def plain(self, clock: Clock | None = None) -> PlainFeatures:
        """Return a fresh plain-Python program."""
        if self.strategy is None:
            return PlainFeatures(self.outputs, clock=clock, actions=self.actions)
        return PlainProgram(
            self.strategy,
            self.params,
            self.terms,
            features=self.outputs,
            clock=clock,
            actions=self.actions,
        )

    @property
    def columns(self) -> dict[str, Output]:
        """Every feature column by label, those in between included."""
        reads = [] if self.strategy is None else self.strategy.columns_for(self.params).values()
        features = Plan([*reads, *self.outputs]).features
        found = [Output(f, k) for f in features for k in range(len(f.indicator.outputs))]
        return {output.label: output for output in found}

    @property
    def settled_bars(self) -> int:
        """Bars until everything is valid and every renewal has come once."""
        features = [output.feature for output in self.columns.values()]
        ready = max((Plan([Output(f, 0)]).ready_bars(Output(f, 0)) for f in features), default=1)
        return ready + max((f.indicator.renew_bars(f.params) for f in features), default=0)


@dataclass(slots=True)
class Record:
    """Everything a run gave, as 64-bit words."""

    bars: int = 0
    columns: dict[str, Words] = field(default_factory=dict)
    events: dict[str, list[tuple[int, ...]]] = field(default_factory=dict)
    state: dict[str, tuple[str, int]] = field(default_factory=dict)  # kind and word

    def before(self, bars: int) -> "Record":
        """Return what the first `bars` bars gave; the state is that of the last bar."""
        events = {n: [row for row in rows if row[0] < bars] for n, rows in self.events.items()}
        return Record(bars, {n: words[:bars] for n, words in self.columns.items()}, events)


def record_compiled(run: Run, bars: Bars, sizes: Sequence[int]) -> Record:
    """Return what the compiled program gives for blocks of these sizes."""
    program = run.compiled(max(sizes, default=1), clock_over(bars))
    columns = run.columns
    pieces: dict[str, list[Words]] = {}
    record = Record(bars.bars)
    first = 0
    for size in sizes:
        rows = program.feed(*bars.rows(first, first + size))
        for label, output in columns.items():
            _append(pieces, f"features.{label}", program.column(output)[rows])
        _append(pieces, "state.checksum", program.checksum[rows])
        if isinstance(program, Program):
            for name in PER_BAR:
                _append(pieces, f"bars.{name}", program.per_bar[name][rows])
            _add_events(record, program, first - rows.start)
        first += size
    record.columns = {name: np.concatenate(words) for name, words in pieces.items()}
    record.state = _state_words(program.values())
    return record


def _append(pieces: dict[str, list[Words]], name: str, values: NDArray[Any]) -> None:
    pieces.setdefault(name, []).append(values.copy().view(np.int64))


def _add_events(record: Record, program: Program, shift_rows: int) -> None:
    """Add the events of the last block, their rows counted from the first bar."""
    for (name, table), count in zip(program.events.items(), program.counts, strict=True):
        words = [column[:count].copy().view(np.int64) for column in table.values()]
        words[0] += shift_rows
        rows = zip(*(w.tolist() for w in words), strict=True)
        record.events.setdefault(name, []).extend(rows)


def record_plain(run: Run, bars: Bars) -> Record:
    """Return what plain Python gives."""
    program = run.plain(clock_over(bars))
    found = [program.step(*bar) for bar in zip(*(c.tolist() for c in bars), strict=True)]
    record = Record(bars.bars, state=_state_words(program.state()))
    for label in run.columns:
        record.columns[f"features.{label}"] = _words([b.features[label] for b in found])
    record.columns["state.checksum"] = _words([b.checksum for b in found])
    if run.strategy is not None:
        for name in PER_BAR:
            record.columns[f"bars.{name}"] = _words([getattr(b, name) for b in found])
        record.events = _plain_events(found)
    return record


def _plain_events(found: Sequence[PlainBar]) -> dict[str, list[tuple[int, ...]]]:
    events: dict[str, list[tuple[int, ...]]] = {}
    for row, bar in enumerate(found):
        for name, rows in bar.events.items():
            words = [(row, *(_word(value) for value in event)) for event in rows]
            events.setdefault(name, []).extend(words)
    return events


def _word(value: float) -> int:
    return layout.to_word("int" if isinstance(value, int) else "float", value)


def _words(values: Sequence[float]) -> Words:
    return np.array([_word(v) for v in values], np.int64)


def _state_words(states: dict[str, Any]) -> dict[str, tuple[str, int]]:
    found = {}
    for label, state in states.items():
        cls: type = type(state)
        for known, value in zip(layout.fields_of(cls), state, strict=True):
            word = layout.to_word(known.kind, value)
            found[f"state.{label}.{known.name}"] = (known.kind, word)
    return found


def differences(expected: Record, found: Record) -> Iterator[tuple[int, int, str]]:
    """Yield (bar, place of the layer, what differs), for each field its first bar."""
    for name, words in expected.columns.items():
        where = np.flatnonzero(words != found.columns[name])
        if len(where):
            bar = int(where[0])
            kind = "int" if name in INTEGERS else "float"
            shown = _shown(kind, int(words[bar]), int(found.columns[name][bar]))
            yield bar, _place(name), f"{name}: {shown}"
    for name, rows in expected.events.items():
        others = found.events.get(name, [])
        at = next((k for k, (a, b) in enumerate(zip(rows, others, strict=False)) if a != b), None)
        at = min(len(rows), len(others)) if at is None else at
        if at < max(len(rows), len(others)):
            bar = min(r[at][0] for r in (rows, others) if at < len(r))
            counts = f"of {len(rows)} expected, {len(others)} found"
            yield bar, _place("events"), f"events.{name}: row {at} {counts}"
    for name, (kind, word) in expected.state.items():
        if found.state and found.state[name][1] != word:
            shown = _shown(kind, word, found.state[name][1])
            yield expected.bars - 1, _place("state"), f"{name}: {shown}"


def _place(name: str) -> int:
    """Return the place of a field's layer: what is computed first is named first."""
    return LAYERS.index(name.partition(".")[0])


def _shown(kind: str, expected: int, found: int) -> str:
    values = [layout.from_word(kind, word) for word in (expected, found)]
    return f"expected {values[0]!r}, found {values[1]!r}"


def require_equal(run: Run, what: str, expected: Record, found: Record) -> None:
    """Raise AssertionError with the first bar, layer and field in which two runs differ."""
    first = min(differences(expected, found), default=None)
    if first is not None:
        raise AssertionError(f"{run.name}: {what}: bar {first[0]}, {first[2]}")
