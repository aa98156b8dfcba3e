"""Many parameter sets of one strategy over one stream of bars.

Distinct features are computed once; the lane driver advances all sets. One lane, the tap, may
leave the same outputs, events and checksums as a `Program` of its own.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_kernels import drivers
from admf_kernels.actions import Actions
from admf_kernels.clock import Clock
from admf_kernels.codegen import carry, desk, engine, lanes, run_state
from admf_kernels.codegen.asking import asked_together
from admf_kernels.codegen.engine import Form
from admf_kernels.contract import BAR_COLUMNS, Output, Source, Strategy, output_of
from admf_kernels.errors import KernelError
from admf_kernels.execution import log, metrics, records
from admf_kernels.execution.metrics import Curve, Sums
from admf_kernels.execution.records import Ledger
from admf_kernels.execution.terms import Terms
from admf_kernels.feature_program import STATUS, Floats, Place
from admf_kernels.layout import Words, fields_of, to_word
from admf_kernels.memory import LINE_WORDS, columns_of_lines
from admf_kernels.program import (
    BLOCK_BARS,
    TradingProgram,
    constant_words,
    terms_for,
)
from admf_kernels.reading_program import constant_block, run_addresses
from admf_kernels.recorded import Recorded

# The most rows that a lane may have kept when another block of bars is taken.
ROWS_KEPT = 4096


class LaneProgram(TradingProgram):
    """Any number of parameter sets of one strategy.

    Parameters
    ----------
    strategy : Strategy
    sets : sequence of Params
        One per lane.
    terms : Terms, or a sequence of one per lane
        All must use the same parts of the engine.
    inputs : mapping of features, or a sequence of one per lane, optional
        What the engine reads itself, as for `Program`.
    tap : int, optional
        The lane whose outputs, events and checksums are written; None for no lane.
    keep : collection of str
        Tables of events that the other lanes keep, for `take_events`.
    recorded : Recorded, optional
        What lanes of the strategy `recorded.replay` play: series by number.
    """

    def __init__(
        self,
        strategy: Strategy,
        sets: Sequence[Any],
        terms: Terms | Sequence[Terms] | None = None,
        *,
        inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        tap: int | None = 0,
        keep: Collection[str] = (),
        block_bars: int = BLOCK_BARS,
        hashed: bool = True,
        clock: Clock | None = None,
        actions: Actions | None = None,
        recorded: Recorded | None = None,
    ) -> None:
        if not sets or (tap is not None and not 0 <= tap < len(sets)):
            raise KernelError(
                f"expected 1 or more parameter sets and a tap among them, "
                f"found {len(sets)} and tap {tap}"
            )
        self.strategy = strategy
        self.sets = [*sets]
        self.tap = lanes.NO_TAP if tap is None else tap
        self.keep = tuple(name for name in log.TABLES if name in keep)
        first = max(self.tap, 0)
        self.lane_terms = self._checked_terms(terms)
        self.terms = self.lane_terms[first]
        self.form = Form(self.terms.uses)
        self.lane_inputs = _inputs_of(inputs, len(sets))
        self.inputs = self.lane_inputs[first]
        adjusted = actions is not None
        # Sets that differ in their exits alone read the same.
        reads = {p: strategy.columns_for(p, adjusted=adjusted) for p in dict.fromkeys(self.sets)}
        self.lane_reads = [reads[p] for p in self.sets]
        self._check_actions(actions)
        self.reads = self.lane_reads[first]
        super().__init__(
            _distinct(self._all_reads()), block_bars=block_bars, hashed=hashed, clock=clock,
            needs=self._needs(), actions=actions, recorded=recorded,
        )  # fmt: skip

    def _checked_terms(self, terms: Terms | Sequence[Terms] | None) -> list[Terms]:
        one = terms is None or isinstance(terms, Terms)
        each: Any = [terms] * len(self.sets) if one else terms
        made = [terms_for(self.strategy, given) for given in each[:1]] if one else None
        found = made * len(self.sets) if made else [terms_for(self.strategy, t) for t in each]
        kinds = {(t.uses, t.fee_of, t.size_of) for t in found}
        if len(found) != len(self.sets) or len(kinds) != 1:
            raise KernelError(
                f"expected terms for {len(self.sets)} lanes that use the same parts of the "
                f"engine, found {len(found)} of {len(kinds)} kinds"
            )
        return found

    def _state_size(self) -> int:
        words = run_state.lane_words(self.strategy, self.terms.uses)
        return super()._state_size() + LINE_WORDS - 1 + words * len(self.sets)

    def _all_reads(self) -> list[dict[str, Source]]:
        pairs = zip(self.lane_reads, self.lane_inputs, strict=True)
        return [{**reads, **inputs} for reads, inputs in pairs]

    def _add_strategies(self, first: int) -> None:
        self.lanes = self._lane_states(first)
        self._add_parts(self.lanes[max(self.tap, 0)])
        cash = run_state.offsets(self.strategy)["wallet"] + records.Wallet._fields.index("cash")
        self.lanes[:, cash] = [to_word("float", t.a.cash) for t in self.lane_terms]
        self._add_logs()
        self._notes = np.zeros((len(self.sets), len(lanes.NOTES)), np.int64)
        own = [constant_words(self.strategy, p) for p in self.sets]
        together = asked_together(self.strategy)
        tables = self._kept_words(self._engine_tables())
        self.add_driver(
            drivers.for_lanes(self.strategy, tuple(self.reads), self.form),
            [0, self.lanes, *self._surroundings(self.ready, tables), len(self.sets), self.tap,
             self.columns, self._feature_columns(), np.array(own, np.int64),
             self._notes, columns_of_lines(together, self.rows, self.history, 0.0), self.rows,
             self._brief_engine()],
        )  # fmt: skip

    def _event_bars(self, block_bars: int) -> int:
        return (
            1 if self.tap == lanes.NO_TAP else block_bars
        )  # the driver wants an address in any case

    def carry(
        self, ts_ns: NDArray[np.int64], open: Floats, high: Floats, low: Floats, close: Floats,
        volume: Floats,
    ) -> int:  # fmt: skip
        """Advance over any number of bars in one call of compiled code; returns how many.

        Fewer than given where a lane would have no room for the events it keeps: take them
        (`take_events`) and go on. Raises KernelError as `feed` does, for a program with a tap,
        whose events are those of a block, and for columns that are not contiguous, of one length,
        int64 (time) and float64.
        """
        columns = (ts_ns, open, high, low, close, volume)
        kinds = (np.int64, *[np.float64] * 5)
        bad = [
            c
            for c, kind in zip(columns, kinds, strict=True)
            if not c.flags.c_contiguous or c.shape != ts_ns.shape or c.dtype != kind
        ]
        if bad or self.tap != lanes.NO_TAP:
            raise KernelError(
                "expected a program without a tap, and contiguous columns of one length, int64 and "
                f"float64; found tap {self.tap}, {len(bad)} other columns"
            )
        if self.refused:
            raise KernelError(self.refused)
        self._carry[len(carry.TABLE) :] = [column.ctypes.data for column in columns]
        self._progress[0] = self.cursor
        status = drivers.carry_over_bars()(self._carry.ctypes.data, 0, len(ts_ns))
        self.cursor, done = self._progress.tolist()
        self.bars_seen += done
        if status < 0:
            self._refuse(-status, self.cursor)
        return int(done)

    @cached_property
    def _carry(self) -> Words:
        """The table of the carry driver, but for the bars."""
        self._progress = np.zeros(2, np.int64)
        parts = {
            "execute": drivers.execute_all().address, "program": self._table,
            "columns": self._columns_at, "stride": self.rows,
            "column_count": self.plan.column_count, "rows_used": self._rows_used,
            "history": self.history, "block_bars": self.block_bars,
            "counts": self._logs.ctypes.data + 8 * log.COUNTS_AT,
            "counts_stride": self._logs.shape[1], "lanes": len(self._logs),
            "counts_most": ROWS_KEPT,
            "progress": self._progress.ctypes.data,
        }  # fmt: skip
        bars = [0] * len(BAR_COLUMNS)
        return np.array([*(parts[name] for name in carry.TABLE), *bars], np.int64)

    @property
    def statuses(self) -> Words:
        """0, or why and on which bar each lane could not be used; `refusal` has the words."""
        return self._notes[:, lanes.NOTES.index("status")]

    def _kept_words(self, words: Words) -> int:
        """Return the address of words that live as long as the program."""
        kept = np.ascontiguousarray(words)
        self._kept.append(kept)
        return int(kept.ctypes.data)

    def _feature_columns(self) -> Words:
        """Return how many values each lane's columns are from the first, (lanes, features)."""
        found = [[self.plan.column(o) for o in r.values()] for r in self.lane_reads]
        return np.array(found, np.int64) * self.rows

    def _lane_states(self, first: int) -> Words:
        """Return the states, (lanes, words), from some word on; each one's sums begin a line."""
        words = run_state.lane_words(self.strategy, self.terms.uses)
        first += -(first + run_state.offsets(self.strategy)["sums"]) % LINE_WORDS
        count = len(self.sets)
        return np.reshape(self.state[first : first + words * count], (count, words))

    def _brief_engine(self) -> int:
        """Return the address of what settles lanes of which few events are kept, 0 for none."""
        if not (engine.is_brief(self.form) and set(self.keep) <= {"signals"}):
            return 0
        edition = self.form.edition
        return drivers.brief_for(edition, self.terms.fee_of, self.terms.size_of).address

    def _engine_address(self) -> int:
        # Where no lane needs another engine, none has to be compiled: without orders that wait
        # the driver has nothing else to ask of it.
        alone = self.tap == lanes.NO_TAP
        return (self._brief_engine() if alone else 0) or super()._engine_address()

    def _engine_tables(self) -> Words:
        """Return the addresses of the engine's table of every lane.

        They differ in the blocks, which are each lane's own, and in the columns that only the
        engine reads.
        """
        count, words = self.lanes.shape
        account, own = (
            at + 8 * words * np.arange(count, dtype=np.int64)
            for at in run_addresses(self.strategy, self.lanes[0])
        )
        notes = np.zeros((count, desk.notes_words(self.strategy.orders)), np.int64)
        logs = _addresses(self._logs)
        if self.tap != lanes.NO_TAP:
            logs[self.tap] = self.log.ctypes.data
        constants = _by_identity(self.lane_terms, lambda t: self._kept_words(constant_block(t)))
        blocks: dict[str, Any] = {
            "constants": constants, "account": account, "own": own, "notes": _addresses(notes),
            "log": logs,
        }  # fmt: skip
        columns = np.array([self._word(p) for p in self._engine_columns()], np.int64)
        tables = np.empty((count, len(desk.TABLE) + len(columns)), np.int64)
        tables[:, len(desk.TABLE) :] = columns
        for k, name in enumerate(desk.TABLE):
            tables[:, k] = blocks[name]
        for name in desk.extras(self.form.uses):
            read = [Place(self.plan.column(i.get(name, name))) for i in self.lane_inputs]
            at = len(desk.TABLE) + desk.COLUMNS.index(name)
            tables[:, at] = [self._word(place) for place in read]
        self._engine_notes = notes[max(self.tap, 0)]
        self._kept += [notes, tables]
        return _addresses(tables)

    def _add_logs(self) -> None:
        """Give every lane memory for the events it keeps, and none for those of other tables."""
        per_bar = engine.events_per_bar(self.terms.uses)
        self._logs = np.zeros((len(self.sets), len(log.Log._fields)), np.int64)
        self._kept_events: dict[str, list[Words]] = {}
        for name in self.keep:
            field, columns = log.Log._fields.index(name), log.TABLES[name]
            # At most one signal a bar. Memory that no event is written to is never touched.
            most = self.block_bars * (1 if name == "signals" else per_bar)
            rows = [np.empty((ROWS_KEPT + most, len(columns)), np.int64) for _ in self._logs]
            self._kept_events[name] = rows
            self._logs[:, field] = [memory.ctypes.data for memory in rows]

    def take_events(self, name: str, least: int = 0) -> list[tuple[int, Words]]:
        """Return the kept events of the lanes that have more than `least`, and forget them.

        Each is a lane and int64 words, (events, columns of ``log.TABLES``), oldest first, with
        the bar's time in place of the row. The next `feed` writes over them. Before every `feed`
        or `carry` take those of lanes with more than `ROWS_KEPT`, and the rest at the end.
        """
        counts = self._logs[:, log.COUNTS_AT + list(log.TABLES).index(name)]
        if counts.max() <= least:
            return []
        full = np.flatnonzero(counts > least).tolist()
        memory = self._kept_events[name]
        found = [(k, memory[k][: int(counts[k])]) for k in full]
        counts[full] = 0
        return found

    def curves(self) -> list[Curve]:
        """Return every lane's equity curve after the last bar."""
        return self._groups("curve", metrics.Curve)

    def sums(self) -> list[Sums]:
        """Return the sums over the bars of every lane's equity curve."""
        return self._groups("sums", metrics.Sums)

    def equities(self) -> NDArray[np.float64]:
        """Return the equity of every lane after the last bar; 0.0 before the first."""
        at = run_state.offsets(self.strategy)["curve"] + metrics.Curve._fields.index("equity")
        found: NDArray[np.float64] = self.lanes[:, at].copy().view(np.float64)
        return found

    def ledgers(self) -> list[Ledger]:
        """Return the counts and sums of every lane's orders, fills and trades."""
        return self._groups("ledger", records.Ledger)

    def _groups(self, name: str, cls: type) -> list[Any]:
        first = run_state.offsets(self.strategy)[name]
        columns = []
        for k, field in enumerate(fields_of(cls)):
            words = self.lanes[:, first + k].copy()
            columns.append((words.view(np.float64) if field.kind == "float" else words).tolist())
        return [cls(*values) for values in zip(*columns, strict=True)]

    def differing(self, lane: int, other: int) -> list[str]:
        """Return in which words of their state two lanes differ: ``group.field``, or their place.

        Word 0 counts the bars.
        """
        names = {0: "bars"}
        first = 1
        for name, cls in run_state.groups(self.strategy).items():
            names |= {first + k: f"{name}.{f.name}" for k, f in enumerate(fields_of(cls))}
            first += len(fields_of(cls))
        places = np.flatnonzero(self.lanes[lane] != self.lanes[other]).tolist()
        return [names.get(place, f"word {place} of the orders") for place in places]

    def refusal(self, lane: int) -> str:
        """Return why a lane could not be used, with the number of the bar; empty if it did not."""
        status = int(self.statuses[lane])
        return f"bar {(status >> 4) - 1}: {STATUS[status & 15]}" if status else ""


def _addresses(rows: Words) -> Words:
    """Return the address of each row."""
    addresses: Words = rows.ctypes.data + rows.strides[0] * np.arange(len(rows), dtype=np.int64)
    return addresses


def _by_identity(values: Sequence[Any], made: Callable[[Any], Any]) -> list[Any]:
    """Return what is made of each value, once for each object."""
    found: dict[int, Any] = {}
    for value in values:
        if id(value) not in found:
            found[id(value)] = made(value)
    return [found[id(value)] for value in values]


def _inputs_of(
    inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None, lanes: int
) -> list[dict[str, Output]]:
    """Return the engine's inputs of each lane; those of one mapping are shared."""
    if inputs is None or isinstance(inputs, Mapping):
        return [{name: output_of(o) for name, o in (inputs or {}).items()}] * lanes
    if len(inputs) != lanes:
        raise KernelError(f"expected inputs for {lanes} lanes, found {len(inputs)}")
    return [{name: output_of(o) for name, o in each.items()} for each in inputs]


def _distinct(reads: Sequence[Mapping[str, Source]]) -> list[Source]:
    """Return the columns that lanes read, each once, in the order they are first read."""
    return list(dict.fromkeys(source for each in reads for source in each.values()))
