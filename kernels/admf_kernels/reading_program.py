"""The features that a strategy and the engine read of one instrument, and the engine's table."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from admf_kernels import drivers, frames
from admf_kernels.actions import Actions
from admf_kernels.codegen import desk, engine, run_state
from admf_kernels.codegen.engine import Form
from admf_kernels.contract import BAR_COLUMNS, CLOCK_COLUMNS, Feature, Output, Source, Strategy
from admf_kernels.errors import KernelError
from admf_kernels.execution import log, records
from admf_kernels.execution.terms import CONSTANTS, Terms
from admf_kernels.feature_program import FeatureProgram, Place
from admf_kernels.layout import Words, pack, unpack
from admf_kernels.plan import Node, Plan

TYPES = {"i": np.int64, "f": np.float64}


class ReadingProgram(FeatureProgram):
    """What programs with a strategy have in common, for one instrument."""

    strategy: Strategy
    reads: dict[str, Source]
    inputs: dict[str, Output]
    terms: Terms
    form: Form

    def _is_hashed(self, node: Node) -> bool:
        # A feature this strategy does not read must change nothing, the checksum included.
        return self.hashed and node.feature in self._read_plan.nodes

    @cached_property
    def _read_plan(self) -> Plan:
        """What is computed for what decides what the run does."""
        return Plan(self._covered())

    def _covered(self) -> list[Source]:
        """Return what decides what the run does: the strategy's columns and the engine's."""
        return [*self.reads.values(), *self.inputs.values()]

    def covered_on(self, timeframe: str) -> list[Feature]:
        """Return the features on a longer timeframe that the run reads."""
        read = self._read_plan
        return [*read.child(timeframe).nodes] if timeframe in read.by_timeframe else []

    def _all_reads(self) -> list[dict[str, Source]]:
        """Return what each lane waits for."""
        return [{**self.reads, **self.inputs}]

    def _state_size(self) -> int:
        gate = frames.gate_size(self.plan, self._all_reads())
        return super()._state_size() + gate

    def _add_gate(self, first: int) -> int:
        self.ready, first = frames.add_gate(self, first, self._all_reads())
        return first

    def ready_bars(self, reads: Mapping[str, Source]) -> int:
        """On which bar, counted from 1, a strategy reading these is first called."""
        return max((self.plan.ready_bars(o) for o in reads.values()), default=1)

    def _extras(self) -> list[Place]:
        """Return the columns that the engine reads besides the bar, in order."""
        return [self._extra(n) for n in desk.extras(self.form.uses)]

    def _extra(self, name: str) -> Place:
        return Place(self.plan.column(self.inputs.get(name, name)))

    def _check_actions(self, actions: Actions | None) -> None:
        """Refuse splits and dividends that features would see and the engine not, or neither."""
        given = actions is not None or "split" in self.inputs
        if given != self.terms.uses.actions:
            raise KernelError(
                "splits and dividends: expected a table of them and terms made with "
                f"make_terms(actions=True), or neither; found {'a table' if given else 'terms'}"
            )

    def _needs(self) -> list[str]:
        """Return the clock columns that the engine reads."""
        return [n for n in desk.extras(self.form.uses) if n in CLOCK_COLUMNS]

    def _engine_table(self, account: int, own: int, written: Words) -> int:
        """Return the address of the engine's table, given those of two of its blocks."""
        self._engine_notes = np.zeros(desk.notes_words(self.strategy.orders), np.int64)
        blocks = {
            "constants": constant_block(self.terms), "account": account, "own": own,
            "notes": self._engine_notes, "log": written,
        }  # fmt: skip
        table = [blocks[name] for name in desk.TABLE]
        self._engine_at = self._keep([*table, *self._engine_columns()])
        return self._engine_at

    def _engine_columns(self) -> list[Any]:
        """Return the columns that the engine reads, 0 for those that the run has not."""
        present = desk.extras(self.form.uses)
        bars = [Place(k) for k in range(len(BAR_COLUMNS))]
        return bars + [self._extra(n) if n in present else 0 for n in desk.EXTRAS]

    def _note(self, name: str) -> Words:
        """Return the words of one of the engine's notes."""
        first = desk.notes_at(name)
        return self._engine_notes[first : first + run_state.words_of({name: desk.NOTES[name]})]

    def tell(self, news: records.News) -> int:
        """Let the engine take what comes between two bars; returns what became of it.

        `event_count` and the event tables are those of this call; the rows are the last
        bar's. The last bar's close and, for a command, its time are filled in.
        """
        last = self.value("curve")
        ts_ns = news.ts_ns or last.last_ts_ns
        self._note("news")[:] = pack(news._replace(ts_ns=ts_ns, close=last.last_close))
        self.counts[:] = 0
        row = max(self.cursor - 1, 0)
        self.log[log.Log._fields.index("row")] = row
        answer = self._tell(self._engine_at, engine.NEWS + (row << engine.STAGE_BITS), 0)
        self.event_count = 0
        for count in self.counts.tolist():
            self.event_count += count
        return answer

    @property
    def exposure(self) -> records.Exposure:
        """What the account held at the engine's last call: what an order was sized by."""
        found: records.Exposure = unpack(records.Exposure, self._note("exposure"))
        return found

    @cached_property
    def _tell(self) -> Callable[[int, int, int], int]:
        """The engine, ready to be called from here."""
        return drivers.engine_for(self.form.edition, self.terms.fee_of, self.terms.size_of).caller()


def run_addresses(strategy: Strategy, state: Words) -> tuple[int, int]:
    """Return where in one run's state the account's groups begin, and the instrument's own."""
    at, base = run_state.offsets(strategy), int(state.ctypes.data)
    return base + 8 * at[next(iter(records.SHARED))], base + 8 * at[next(iter(records.OWN))]


def constant_block(terms: Terms) -> Words:
    """Return the words of all constants of a run's execution, as the engine has them."""
    return np.concatenate([pack(getattr(terms, name)) for name in CONSTANTS])


def event_memory(
    terms: Terms, bars: int, written: Words
) -> tuple[dict[str, Words], dict[str, dict[str, Any]]]:
    """Return the event tables for so many bars, as words and by column, entered in the log."""
    # Pages that no event touches are never given by the system.
    capacity = engine.events_per_bar(terms.uses) * bars
    tables = {n: np.zeros((capacity, len(c)), np.int64) for n, c in log.TABLES.items()}
    for name, rows in tables.items():
        written[log.Log._fields.index(name)] = rows.ctypes.data
    words = {name: rows.T for name, rows in tables.items()}
    columns = {
        name: {
            column: words[name][k].view(TYPES[side])
            for k, (column, side) in enumerate(log.TABLES[name])
        }
        for name in words
    }
    return words, columns
