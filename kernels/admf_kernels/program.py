"""A program: features, strategy and account over one stream of bars, ready to advance.

The same object serves every mode. A historical run feeds it blocks, a live run one bar:
both write rows into the same columns and call the same compiled drivers on them.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_kernels import checksum, drivers, frames
from admf_kernels.clock import Clock
from admf_kernels.codegen import run
from admf_kernels.contract import BAR_COLUMNS, Feature, Source, Strategy
from admf_kernels.execution.account import Account
from admf_kernels.execution.portfolio import Portfolio
from admf_kernels.feature_program import (
    BLOCK_BARS,
    STATUS,
    FeatureProgram,
    Part,
    Place,
    constant_words,
)
from admf_kernels.layout import Words, fields_of, pack, to_word
from admf_kernels.plan import Node, Plan

__all__ = [
    "BLOCK_BARS",
    "STATUS",
    "FeatureProgram",
    "Part",
    "Place",
    "Program",
    "TradingProgram",
    "constant_words",
    "set_cash",
]

TYPES = {"i": np.int64, "f": np.float64}


class TradingProgram(FeatureProgram):
    """What a single run and the lanes of a sweep have in common: outputs and events.

    Attributes
    ----------
    per_bar : dict of int64 or float64 (rows,)
        ``codegen.run.PER_BAR`` for every row.
    events : dict of dict of int64 or float64 (capacity,)
        The events of the last `advance` by table and column; `counts` says how many rows
        of each table, ``row`` where in the columns they happened.
    event_words : dict of int64 (columns, capacity)
        The same, as words.
    """

    strategy: Strategy
    reads: dict[str, Source]

    def _allocate(self, block_bars: int) -> None:
        super()._allocate(block_bars)
        self.per_bar = {n: np.zeros(self.rows, TYPES[side]) for n, side in run.PER_BAR}
        self.capacity = run.EVENTS_PER_BAR * block_bars
        self.event_words = {
            n: np.zeros((len(c), self.capacity), np.int64) for n, c in run.EVENTS.items()
        }
        self.events = {
            name: {
                column: words[k].view(TYPES[side])
                for k, (column, side) in enumerate(run.EVENTS[name])
            }
            for name, words in self.event_words.items()
        }

    def _is_hashed(self, node: Node) -> bool:
        # A feature this strategy does not read must change nothing, the checksum included.
        return self.hashed and node.feature in Plan(self.reads.values()).nodes

    def covered_on(self, timeframe: str) -> list[Feature]:
        """Return the features on a longer timeframe that the strategy reads."""
        read = Plan(self.reads.values())
        return [*read.child(timeframe).nodes] if timeframe in read.by_timeframe else []

    def _all_reads(self) -> list[dict[str, Source]]:
        """Return what each lane reads."""
        return [self.reads]

    def _state_size(self) -> int:
        gate = frames.gate_size(self.plan, self._all_reads())
        return super()._state_size() + gate

    def _add_gate(self, first: int) -> int:
        self.ready, first = frames.add_gate(self, first, self._all_reads())
        return first

    def ready_bars(self, reads: dict[str, Source]) -> int:
        """On which bar, counted from 1, a strategy reading these is first called."""
        return max((self.plan.ready_bars(o) for o in reads.values()), default=1)

    def _add_parts(self, state: Words) -> None:
        """Enter the strategy's state groups, `state` being (words,) of one run."""
        first = 1
        for name, cls in run.state_classes(self.strategy).items():
            words = state[first : first + len(fields_of(cls))]
            self.parts.append(Part(self.strategy.reference if name == "s" else name, cls, words))
            first += len(words)

    def _surroundings(self, ready: NDArray[np.int64]) -> list[Any]:
        """Return the part of the table that run and lane drivers share."""
        bars = [Place(k) for k in range(len(BAR_COLUMNS))]
        slot = checksum.slot_of(self.strategy.reference)
        return [self.checksum, slot, ready, self.capacity, self.counts,
                *bars, *self.per_bar.values(), *self.event_words.values()]  # fmt: skip


class Program(TradingProgram):
    """A strategy with its features and account over one stream of bars.

    Parameters
    ----------
    strategy, params : Strategy and its Params
    account : Account
    features : iterable of features, optional
        More features to compute and keep; they never change what the strategy does.
    """

    def __init__(
        self,
        strategy: Strategy,
        params: Any = None,
        account: Account | None = None,
        *,
        features: Iterable[Any] = (),
        block_bars: int = BLOCK_BARS,
        hashed: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self.strategy = strategy
        self.params = strategy.checked() if params is None else params
        self.account = account or Account()
        self.reads = strategy.columns_for(self.params)
        super().__init__(
            [*self.reads.values(), *features], block_bars=block_bars, hashed=hashed, clock=clock
        )

    def describe(self) -> str:
        """Return what is computed from which columns and parameters, as text for digests."""
        reads = {name: self.plan.column(output) for name, output in self.reads.items()}
        constants = tuple(self.strategy.prepare(self.params))
        strategy = (self.strategy.reference, reads, self.ready_bars(self.reads), constants)
        return f"{super().describe()}\n{strategy} {self.account}"

    def _state_size(self) -> int:
        return super()._state_size() + run.state_words(self.strategy)

    def _add_strategies(self, first: int) -> None:
        state = self.state[first:]
        self._add_parts(state)
        set_cash(state, self.strategy, self.account.cash)
        self.add_driver(
            drivers.for_strategy(self.strategy, tuple(self.reads)),
            [constant_words(self.strategy, self.params), pack(self.account), state,
             *self._surroundings(self.ready),
             *(Place(self.plan.column(o)) for o in self.reads.values())],
        )  # fmt: skip


def set_cash(state: Words, strategy: Strategy, cash: float) -> None:
    """Write the starting cash into the state of one run (or a row of them per field)."""
    before = 1
    for cls in run.state_classes(strategy).values():
        if cls is Portfolio:
            state[before + Portfolio._fields.index("cash")] = to_word("float", cash)
        before += len(fields_of(cls))
