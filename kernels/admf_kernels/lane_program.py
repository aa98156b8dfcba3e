"""Many parameter sets of one strategy over one stream of bars, side by side.

Distinct features are computed once; the lane driver advances all sets bar by bar, `LANES` at
a time. One lane, the tap, may leave the same outputs, events and checksums as a `Program` of
its own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from admf_kernels import drivers
from admf_kernels.actions import Actions
from admf_kernels.clock import Clock
from admf_kernels.codegen import engine, lanes
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.lanes import LANES
from admf_kernels.contract import Source, Strategy, output_of
from admf_kernels.errors import KernelError
from admf_kernels.execution import log, records
from admf_kernels.execution.terms import CONSTANTS, Terms
from admf_kernels.feature_program import Place
from admf_kernels.layout import Words, fields_of, pack, unpack
from admf_kernels.program import (
    BLOCK_BARS,
    TradingProgram,
    constant_words,
    set_start,
    terms_for,
)
from admf_kernels.reading_program import run_addresses

NO_TAP = -1


class LaneProgram(TradingProgram):
    """Any number of parameter sets of one strategy.

    Parameters
    ----------
    strategy : Strategy
    sets : sequence of Params
        One per lane; the last `LANES` are filled up with the first.
    terms : Terms or sequence of Terms
        The same for all lanes, or one per lane: of the same uses, fee and sizing kernels.
    inputs : mapping of features, optional
        What the engine reads itself, as for `Program`.
    tap : int
        The lane whose outputs, events and checksums are written; `NO_TAP` for none, which is
        faster.

    Attributes
    ----------
    lanes : int
        How many lanes there are, without those that fill up.
    """

    def __init__(
        self,
        strategy: Strategy,
        sets: Sequence[Any],
        terms: Terms | Sequence[Terms] | None = None,
        *,
        inputs: Mapping[str, Any] | None = None,
        tap: int = 0,
        block_bars: int = BLOCK_BARS,
        hashed: bool = True,
        clock: Clock | None = None,
        actions: Actions | None = None,
    ) -> None:
        if not sets or not NO_TAP <= tap < len(sets):
            raise KernelError(
                f"expected at least one parameter set and a tap among them or {NO_TAP}, "
                f"found {len(sets)} and tap {tap}"
            )
        self.strategy = strategy
        self.lanes = len(sets)
        spare = -len(sets) % LANES
        self.sets = [*sets, *[sets[0]] * spare]
        self.lane_terms = _lane_terms(strategy, terms, len(sets), spare)
        self.terms = self.lane_terms[max(tap, 0)]
        self.form = Form(self.terms.uses)
        self.inputs = {name: output_of(o) for name, o in (inputs or {}).items()}
        self.tap = tap
        adjusted = actions is not None
        self.lane_reads = [strategy.columns_for(p, adjusted=adjusted) for p in self.sets]
        self._check_actions(actions)
        self.reads = self.lane_reads[max(tap, 0)]
        features = [o for reads in self.lane_reads for o in reads.values()]
        features += self.inputs.values()
        super().__init__(
            features, block_bars=block_bars, hashed=hashed and tap != NO_TAP, clock=clock,
            needs=self._needs(), actions=actions,
        )  # fmt: skip

    def _state_size(self) -> int:
        # Word 0 of the first lane of every `LANES` is the driver's bar counter.
        words = engine.state_words(self.strategy, self.terms.uses)
        return super()._state_size() + words * len(self.sets)

    def _all_reads(self) -> list[dict[str, Source]]:
        return [{**reads, **self.inputs} for reads in self.lane_reads]

    def _add_strategies(self, first: int) -> None:
        self._lane_state: Words = self.state[first:].reshape(len(self.sets), -1)
        if self.tap != NO_TAP:
            self._add_parts(self._lane_state[self.tap])
        for state, terms in zip(self._lane_state, self.lane_terms, strict=True):
            set_start(state, self.strategy, terms)
        tables = self._engine_tables()
        columns = self._feature_columns()
        fixed = self._fixed()
        fields = lanes.hot_fields(self.strategy)
        self._hot = np.zeros((len(self.sets) // LANES, len(fields), LANES), np.int64)
        self._kept_at = {n: fields.index(("", n)) for n in lanes.KEPT}
        values = np.zeros((lanes.ROWS, len(self.reads), LANES))
        native = drivers.for_lanes(self.strategy, tuple(self.reads), self.form)
        for g in range(len(self.sets) // LANES):
            those = slice(g * LANES, (g + 1) * LANES)
            tap = self.tap - g * LANES if self.tap // LANES == g else NO_TAP
            engine_tables = int(self._kept_words(tables[those]).ctypes.data)
            self.add_driver(
                native,
                [np.zeros(1, np.int64), self._lane_state[those],
                 *self._surroundings(self.ready[those], engine_tables),
                 tap, self.columns, np.ascontiguousarray(columns[:, those]), values,
                 self._void[log.COUNTS_AT :], self._hot[g],
                 np.ascontiguousarray(fixed[:, those])],
            )  # fmt: skip

    def _kept_words(self, words: Words) -> Words:
        kept = np.ascontiguousarray(words)
        self._kept.append(kept)
        return kept

    def _feature_columns(self) -> Words:
        """Return how many values each lane's columns are from the first, (features, lanes)."""
        found = [[self.plan.column(o) for o in r.values()] for r in self.lane_reads]
        return np.array(found, np.int64).reshape(len(self.sets), -1).T * self.rows

    def _fixed(self) -> Words:
        """Return the constants of strategy and terms, (fields, lanes)."""
        packed = _by_identity(
            self.lane_terms, lambda t: [w for n in lanes.FIXED for w in pack(getattr(t, n))]
        )
        rows = np.array(packed, np.int64)
        if "c" in self.strategy.arguments:
            own = [constant_words(self.strategy, p) for p in self.sets]
            rows = np.concatenate([np.array(own, np.int64), rows], axis=1)
        return rows.T

    def _engine_tables(self) -> Words:
        """Return the addresses of the engine's table of every lane.

        They differ from one another by what is the lane's own: constants, state, notes.
        """
        count, lane_words = self._lane_state.shape
        lane = np.arange(count, dtype=np.int64)
        base = run_addresses(self.strategy, self._lane_state[0])
        self._void = self._void_log()
        parts = self._engine_parts(base, self._void)
        tables = np.tile(np.array([self._word(p) for p in parts], np.int64), (count, 1))
        own = {name: at + 8 * lane_words * lane for name, at in base.items()}
        now = np.zeros((count, len(records.Now._fields)), np.int64)
        own["now"] = now.ctypes.data + 8 * now.shape[1] * lane
        packed = _by_identity(
            self.lane_terms, lambda t: {n: self._kept_words(pack(getattr(t, n))) for n in CONSTANTS}
        )
        for name in CONSTANTS:
            own[name] = np.array([words[name].ctypes.data for words in packed], np.int64)
        for k, name in enumerate(engine.TABLE):
            if name in own:
                tables[:, k] = own[name]
        if self.tap != NO_TAP:
            tables[self.tap, engine.TABLE.index("log")] = self.log.ctypes.data
        self._kept += [now, tables, *parts]
        self._tables = tables
        self._bar_places = {k: p for k, p in enumerate(parts) if isinstance(p, Place)}
        addresses: Words = tables.ctypes.data + 8 * tables.shape[1] * lane
        return addresses

    def point(self, column: int, address: int) -> None:
        """Let the drivers find row 0 of a column at another address; see `FeatureProgram`."""
        super().point(column, address)
        for k, place in self._bar_places.items():
            if place.column == column:
                self._tables[:, k] = address - 8 * place.lag

    def _void_log(self) -> Words:
        """Return a log whose events are overwritten on every bar."""
        rows = engine.events_per_bar(self.terms.uses)
        written = np.zeros(len(log.Log._fields), np.int64)
        for name, columns in log.TABLES.items():
            memory = np.zeros((rows, len(columns)), np.int64)
            self._kept.append(memory)
            written[log.Log._fields.index(name)] = memory.ctypes.data
        return written

    def lane_values(self, name: str) -> Words:
        """Return the words of a group of the state, such as ``ledger``, (lanes, fields)."""
        at = engine.offsets(self.strategy)[name]
        count = len(fields_of(engine.groups(self.strategy)[name]))
        words: Words = self._lane_state[: self.lanes]
        return words[:, at : at + count]

    def lane_value(self, lane: int, name: str) -> Any:
        """Return a group of one lane's state as its NamedTuple."""
        return unpack(engine.groups(self.strategy)[name], self.lane_values(name)[lane])

    @property
    def signal_digests(self) -> Words:
        """A hash of all changes of each lane's signal and their times, (lanes,)."""
        return self._notes("digest")

    @property
    def statuses(self) -> Words:
        """``code + 16 * row`` of the first bar that could not be used, (lanes,); 0 for none."""
        return self._notes("status")

    def _notes(self, name: str) -> Words:
        return self._hot[:, self._kept_at[name]].reshape(-1)[: self.lanes]


def _lane_terms(
    strategy: Strategy, terms: Terms | Sequence[Terms] | None, count: int, spare: int
) -> list[Terms]:
    """Return the terms of every lane; refuses those that need another form of the engine."""
    if terms is None or isinstance(terms, Terms):
        return [terms_for(strategy, terms)] * (count + spare)
    if len(terms) != count:
        raise KernelError(f"expected terms for {count} lanes, found {len(terms)}")
    for k, each in enumerate(terms):
        if (each.uses, each.fee_of, each.size_of) != (
            terms[0].uses, terms[0].fee_of, terms[0].size_of,
        ):  # fmt: skip
            raise KernelError(
                f"lane {k}: expected the uses, the fee kernel and the sizing kernel of lane 0, "
                "found others; put these lanes into a program of their own"
            )
    return [terms_for(strategy, t) for t in (*terms, *[terms[0]] * spare)]


def _by_identity(values: Sequence[Any], made: Callable[[Any], Any]) -> list[Any]:
    """Return what is made of each value, once for each object."""
    found: dict[int, Any] = {}
    for value in values:
        if id(value) not in found:
            found[id(value)] = made(value)
    return [found[id(value)] for value in values]
