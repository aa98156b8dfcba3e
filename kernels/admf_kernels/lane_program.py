"""Many parameter sets of one strategy over one stream of bars, side by side.

Distinct features are computed once; the lane driver advances all sets bar by bar. One
lane, the tap, leaves the same outputs, events and checksums as a `Program` of its own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from admf_kernels import drivers
from admf_kernels.clock import Clock
from admf_kernels.codegen import lanes, run
from admf_kernels.codegen.lanes import LANES
from admf_kernels.contract import Source, Strategy
from admf_kernels.errors import KernelError
from admf_kernels.execution.account import Account
from admf_kernels.layout import pack
from admf_kernels.program import BLOCK_BARS, TradingProgram, constant_words, set_cash


class LaneProgram(TradingProgram):
    """Up to `LANES` parameter sets of one strategy.

    Parameters
    ----------
    strategy : Strategy
    sets : sequence of Params
        One per lane, at most `LANES`; unused lanes repeat the first.
    account : Account
        The same for all lanes.
    tap : int
        The lane whose outputs, events and checksums are written.
    """

    def __init__(
        self,
        strategy: Strategy,
        sets: Sequence[Any],
        account: Account | None = None,
        *,
        tap: int = 0,
        block_bars: int = BLOCK_BARS,
        hashed: bool = True,
        clock: Clock | None = None,
    ) -> None:
        if not 1 <= len(sets) <= LANES or not 0 <= tap < len(sets):
            raise KernelError(
                f"expected 1 to {LANES} parameter sets and a tap among them, "
                f"found {len(sets)} and tap {tap}"
            )
        self.strategy = strategy
        self.sets = [*sets, *[sets[0]] * (LANES - len(sets))]
        self.account = account or Account()
        self.tap = tap
        self.lane_reads = [strategy.columns_for(p) for p in self.sets]
        self.reads = self.lane_reads[tap]
        features = [o for reads in self.lane_reads for o in reads.values()]
        super().__init__(features, block_bars=block_bars, hashed=hashed, clock=clock)

    def _state_size(self) -> int:
        # Word 0 is the driver's bar counter, shared by all lanes; one row per field after it.
        return super()._state_size() + run.state_words(self.strategy) * LANES

    def _all_reads(self) -> list[dict[str, Source]]:
        return self.lane_reads

    def _add_strategies(self, first: int) -> None:
        lane_state = self.state[first:].reshape(-1, LANES)
        set_cash(lane_state, self.strategy, self.account.cash)
        self._add_parts(lane_state[:, self.tap])
        columns = np.array(
            [[self.plan.column(o) for o in reads.values()] for reads in self.lane_reads], np.int64
        ).T.copy()
        constants = np.stack([constant_words(self.strategy, p) for p in self.sets], 1).copy()
        accounts = np.repeat(pack(self.account)[:, None], LANES, 1).copy()
        self.add_driver(
            drivers.for_lanes(self.strategy, tuple(self.reads)),
            [constants, accounts, lane_state, *self._surroundings(self.ready),
             np.zeros(lanes.SCRATCH_WORDS), self.tap, self.rows, self.columns, columns],
        )  # fmt: skip
