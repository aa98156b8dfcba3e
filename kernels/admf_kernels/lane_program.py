"""Many parameter sets of one strategy over one stream of bars, side by side.

Distinct features are computed once; the lane driver advances all sets bar by bar. One
lane, the tap, leaves the same outputs, events and checksums as a `Program` of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from admf_kernels import drivers
from admf_kernels.actions import Actions
from admf_kernels.clock import Clock
from admf_kernels.codegen import engine
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.lanes import LANES
from admf_kernels.contract import Source, Strategy, output_of
from admf_kernels.errors import KernelError
from admf_kernels.execution import log
from admf_kernels.execution.terms import Terms
from admf_kernels.layout import Words
from admf_kernels.program import (
    BLOCK_BARS,
    TradingProgram,
    constant_words,
    set_start,
    terms_for,
)
from admf_kernels.reading_program import run_addresses


class LaneProgram(TradingProgram):
    """Up to `LANES` parameter sets of one strategy.

    Parameters
    ----------
    strategy : Strategy
    sets : sequence of Params
        One per lane, at most `LANES`; unused lanes repeat the first.
    terms : Terms
        The same for all lanes.
    inputs : mapping of features, optional
        What the engine reads itself, as for `Program`.
    tap : int
        The lane whose outputs, events and checksums are written.
    """

    def __init__(
        self,
        strategy: Strategy,
        sets: Sequence[Any],
        terms: Terms | None = None,
        *,
        inputs: Mapping[str, Any] | None = None,
        tap: int = 0,
        block_bars: int = BLOCK_BARS,
        hashed: bool = True,
        clock: Clock | None = None,
        actions: Actions | None = None,
    ) -> None:
        if not 1 <= len(sets) <= LANES or not 0 <= tap < len(sets):
            raise KernelError(
                f"expected 1 to {LANES} parameter sets and a tap among them, "
                f"found {len(sets)} and tap {tap}"
            )
        self.strategy = strategy
        self.sets = [*sets, *[sets[0]] * (LANES - len(sets))]
        self.terms = terms_for(strategy, terms)
        self.form = Form(self.terms.uses)
        self.inputs = {name: output_of(o) for name, o in (inputs or {}).items()}
        self.tap = tap
        adjusted = actions is not None
        self.lane_reads = [strategy.columns_for(p, adjusted=adjusted) for p in self.sets]
        self._check_actions(actions)
        self.reads = self.lane_reads[tap]
        features = [o for reads in self.lane_reads for o in reads.values()]
        features += self.inputs.values()
        super().__init__(
            features, block_bars=block_bars, hashed=hashed, clock=clock, needs=self._needs(),
            actions=actions,
        )  # fmt: skip

    def _state_size(self) -> int:
        # Word 0 of the first lane is the driver's bar counter, shared by all lanes.
        words = engine.state_words(self.strategy, self.terms.uses)
        return super()._state_size() + words * LANES

    def _all_reads(self) -> list[dict[str, Source]]:
        return [{**reads, **self.inputs} for reads in self.lane_reads]

    def _add_strategies(self, first: int) -> None:
        lanes = self.state[first:].reshape(LANES, -1)
        self._add_parts(lanes[self.tap])
        void = self._void_log()
        tables = []
        for k, state in enumerate(lanes):
            set_start(state, self.strategy, self.terms)
            at = run_addresses(self.strategy, state)
            tables.append(self._engine_table(at, self.log if k == self.tap else void))
        columns = np.array(
            [[self.plan.column(o) for o in reads.values()] for reads in self.lane_reads], np.int64
        ).T.copy()
        constants = np.stack([constant_words(self.strategy, p) for p in self.sets], 1).copy()
        self.add_driver(
            drivers.for_lanes(self.strategy, tuple(self.reads), self.form),
            [constants, self.state[first:],
             *self._surroundings(self.ready, self._keep(tables)),
             self.tap, self.rows, self.columns, columns, void[log.COUNTS_AT :]],
        )  # fmt: skip

    def _void_log(self) -> Words:
        """Return a log whose events are overwritten on every bar."""
        rows = engine.events_per_bar(self.terms.uses)
        written = np.zeros(len(log.Log._fields), np.int64)
        for name, columns in log.TABLES.items():
            memory = np.zeros((rows, len(columns)), np.int64)
            self._kept.append(memory)
            written[log.Log._fields.index(name)] = memory.ctypes.data
        return written
