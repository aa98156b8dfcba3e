"""Many parameter sets of one strategy over one stream of bars, side by side.

Distinct features are computed once; the lane driver advances all sets. One lane, the tap, may
leave the same outputs, events and checksums as a `Program` of its own.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from admf_kernels import drivers
from admf_kernels.actions import Actions
from admf_kernels.clock import Clock
from admf_kernels.codegen import engine
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.lanes import NO_TAP
from admf_kernels.contract import Output, Source, Strategy, output_of
from admf_kernels.errors import KernelError
from admf_kernels.execution import log, metrics, records
from admf_kernels.execution.metrics import Curve
from admf_kernels.execution.records import Ledger
from admf_kernels.execution.terms import CONSTANTS, Terms
from admf_kernels.feature_program import STATUS
from admf_kernels.layout import Words, fields_of, pack, to_word
from admf_kernels.program import (
    BLOCK_BARS,
    TradingProgram,
    constant_words,
    terms_for,
)
from admf_kernels.reading_program import run_addresses

# A lane's kept events are taken out by `take_events` before so many more rows are written.
ROWS_KEPT = 256


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

    Attributes
    ----------
    statuses : int64 (lanes,)
        0, or why and on which bar a lane stopped; `refusal` has the words.
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
    ) -> None:
        if not sets or (tap is not None and not 0 <= tap < len(sets)):
            raise KernelError(
                f"expected 1 or more parameter sets and a tap among them, "
                f"found {len(sets)} and tap {tap}"
            )
        self.strategy = strategy
        self.sets = [*sets]
        self.tap = NO_TAP if tap is None else tap
        self.keep = tuple(name for name in log.TABLES if name in keep)
        first = max(self.tap, 0)
        self.lane_terms = self._checked_terms(terms)
        self.terms = self.lane_terms[first]
        self.form = Form(self.terms.uses)
        self.lane_inputs = _inputs_of(inputs, len(sets))
        self.inputs = self.lane_inputs[first]
        adjusted = actions is not None
        self.lane_reads = [strategy.columns_for(p, adjusted=adjusted) for p in self.sets]
        self._check_actions(actions)
        self.reads = self.lane_reads[first]
        super().__init__(
            _distinct(self._all_reads()), block_bars=block_bars, hashed=hashed, clock=clock,
            needs=self._needs(), actions=actions,
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
        # Word 0 of the first lane is the driver's bar counter, shared by all lanes.
        words = engine.state_words(self.strategy, self.terms.uses)
        return super()._state_size() + words * len(self.sets)

    def _all_reads(self) -> list[dict[str, Source]]:
        pairs = zip(self.lane_reads, self.lane_inputs, strict=True)
        return [{**reads, **inputs} for reads, inputs in pairs]

    def _add_strategies(self, first: int) -> None:
        self.lanes = self.state[first:].reshape(len(self.sets), -1)
        self._add_parts(self.lanes[max(self.tap, 0)])
        self.statuses = np.zeros(len(self.sets), np.int64)
        self._add_logs()
        packed: dict[int, list[Words]] = {}
        tables = []
        offsets = run_addresses(self.strategy, self.lanes[0])
        row = self.lanes.strides[0]
        for k, terms in enumerate(self.lane_terms):
            if id(terms) not in packed:
                packed[id(terms)] = [pack(getattr(terms, n)) for n in CONSTANTS]
            at = {name: address + k * row for name, address in offsets.items()}
            written = self.log if k == self.tap else self._logs[k]
            inputs = self.lane_inputs[k]
            tables.append(self._engine_table(at, written, packed[id(terms)], inputs))
        cash = engine.offsets(self.strategy)["wallet"] + records.Wallet._fields.index("cash")
        self.lanes[:, cash] = [to_word("float", terms.a.cash) for terms in self.lane_terms]
        columns = np.array(
            [[self.plan.column(o) for o in reads.values()] for reads in self.lane_reads], np.int64
        ).T.copy()
        constants = np.stack([constant_words(self.strategy, p) for p in self.sets], 1).copy()
        keeps = 0
        for name in self.keep:
            keeps |= 1 << list(log.TABLES).index(name)
        self.add_driver(
            drivers.for_lanes(self.strategy, tuple(self.reads), self.form),
            [constants, self.state[first:],
             *self._surroundings(self.ready, self._keep(tables)),
             len(self.sets), self.tap, keeps, self.rows, self.columns, columns, self.statuses],
        )  # fmt: skip

    def _add_logs(self) -> None:
        """Give every lane memory for the events it keeps; those of other tables share some."""
        per_bar = engine.events_per_bar(self.terms.uses)
        self._logs = np.zeros((len(self.sets), len(log.Log._fields)), np.int64)
        self._kept_events: dict[str, list[Words]] = {}
        for name, columns in log.TABLES.items():
            field = log.Log._fields.index(name)
            if name not in self.keep:
                shared = np.zeros((per_bar, len(columns)), np.int64)
                self._kept.append(shared)
                self._logs[:, field] = shared.ctypes.data
                continue
            # At most one signal a bar. Pages that no event touches are never given by the system.
            most = self.block_bars * (1 if name == "signals" else per_bar)
            rows = [np.zeros((ROWS_KEPT + most, len(columns)), np.int64) for _ in self.sets]
            self._kept_events[name] = rows
            self._logs[:, field] = [memory.ctypes.data for memory in rows]

    def take_events(self, name: str, least: int = 0) -> list[tuple[int, Words]]:
        """Return the kept events of the lanes that have more than `least`, and forget them.

        Each is a lane and rows of int64 words, (events, columns of ``log.TABLES``), oldest
        first, with the bar's time in place of the row. Take them when `ROWS_KEPT` rows are
        there (``least=ROWS_KEPT``) before every `feed`, and the rest at the end.
        """
        counts = self._logs[:, log.COUNTS_AT + list(log.TABLES).index(name)]
        full = np.flatnonzero(counts > least).tolist()
        memory = self._kept_events[name]
        found = [(k, memory[k][: int(counts[k])].copy()) for k in full]
        counts[full] = 0
        return found

    def curves(self) -> list[Curve]:
        """Return the sums of every lane's equity curve after the last bar."""
        return self._groups("curve", metrics.Curve)

    def ledgers(self) -> list[Ledger]:
        """Return the counts and sums of every lane's orders, fills and trades."""
        return self._groups("ledger", records.Ledger)

    def _groups(self, name: str, cls: type) -> list[Any]:
        first = engine.offsets(self.strategy)[name]
        columns = []
        for k, field in enumerate(fields_of(cls)):
            words = self.lanes[:, first + k].copy()
            columns.append((words.view(np.float64) if field.kind == "float" else words).tolist())
        return [cls(*values) for values in zip(*columns, strict=True)]

    def refusal(self, lane: int) -> str:
        """Return why a lane stopped, with the number of the bar; empty if it did not."""
        status = int(self.statuses[lane])
        return f"bar {(status >> 4) - 1}: {STATUS[status & 15]}" if status else ""


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
