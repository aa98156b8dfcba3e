"""A program: features, strategy and execution over one stream of bars, ready to advance.

The same object serves every mode. A historical run feeds it blocks, a live run one bar:
both write rows into the same columns and call the same compiled drivers on them.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_kernels import checksum, drivers
from admf_kernels.actions import Actions
from admf_kernels.clock import Clock
from admf_kernels.codegen import run, run_state
from admf_kernels.codegen.engine import Form
from admf_kernels.contract import (
    BAR_COLUMNS,
    Strategy,
    output_of,
)
from admf_kernels.errors import KernelError
from admf_kernels.execution import orders, records
from admf_kernels.execution.terms import Terms
from admf_kernels.execution.uses import make_terms
from admf_kernels.feature_program import (
    BLOCK_BARS,
    STATUS,
    FeatureProgram,
    Part,
    Place,
    constant_words,
)
from admf_kernels.layout import Words, fields_of, to_word
from admf_kernels.reading_program import TYPES, ReadingProgram, event_memory, run_addresses

__all__ = [
    "BLOCK_BARS",
    "STATUS",
    "FeatureProgram",
    "Part",
    "Place",
    "Program",
    "TradingProgram",
    "constant_words",
    "set_start",
    "terms_for",
]


class TradingProgram(ReadingProgram):
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

    def _allocate(self, block_bars: int) -> None:
        super()._allocate(block_bars)
        self.per_bar = {n: np.zeros(self.rows, TYPES[side]) for n, side in run.PER_BAR}
        bars = self._event_bars(block_bars)
        self.event_words, self.events = event_memory(self.terms, bars, self.log)

    def _event_bars(self, block_bars: int) -> int:
        """Return for how many bars there is memory for the events of the run itself."""
        return block_bars

    @property
    def market(self) -> NDArray[np.float64]:
        """The price that the run is compared with, by row: the close."""
        prices: NDArray[np.float64] = self.columns[self.plan.column("close")]
        return prices

    def _add_parts(self, state: Words) -> None:
        """Enter the strategy's state groups, `state` being (words,) of one run."""
        first = 1
        for name, cls in run_state.groups(self.strategy).items():
            words = state[first : first + len(fields_of(cls))]
            self.parts.append(Part(self.strategy.reference if name == "s" else name, cls, words))
            first += len(words)
        for k in range(orders.places(self.terms.uses)):
            words = state[first : first + run_state.ORDER_WORDS]
            self.parts.append(Part(f"order {k}", records.Order, words))
            first += run_state.ORDER_WORDS

    def _surroundings(self, ready: NDArray[np.int64], engine_table: int) -> list[Any]:
        """Return the part of the table that run and lane drivers share."""
        slot, keys, address = self._engine_facts
        bars = [Place(k) for k in range(len(BAR_COLUMNS))]
        return [self.checksum, slot, keys, ready, address, engine_table, *bars,
                *self.per_bar.values(), *self._extras()]  # fmt: skip

    @cached_property
    def _engine_facts(self) -> tuple[int, Words, int]:
        """The slot of the state checksum, the keys of what the engine changes, its address."""
        kept = run_state.kept_places(self.strategy, self.terms.uses)
        keys = np.array([checksum.key_of(place) for place in kept], np.int64)
        return checksum.slot_of(self.strategy.reference), keys, self._engine_address()

    def _engine_address(self) -> int:
        """Return where the engine is that the driver calls, in the stages that it calls it for."""
        edition = self.form.edition
        return drivers.engine_for(edition, self.terms.fee_of, self.terms.size_of).address


class Program(TradingProgram):
    """A strategy with its features and execution over one stream of bars.

    Parameters
    ----------
    strategy, params : Strategy and its Params
    terms : Terms
        Account, instrument, orders, exits and limits; ``make_terms()`` gives the defaults.
    inputs : mapping of features, optional
        What the engine reads itself: ``atr`` and ``deviation``, where the terms use them.
    features : iterable of features, optional
        More features to compute and keep; they never change what the strategy does.
    actions : Actions, optional
        Splits and dividends, with terms made for them: prices are traded ones then, and what
        features and strategy read is adjusted.
    general : bool
        Use the form of the engine that has every part compiled in and reads its modes.
    """

    def __init__(
        self,
        strategy: Strategy,
        params: Any = None,
        terms: Terms | None = None,
        *,
        inputs: Mapping[str, Any] | None = None,
        features: Iterable[Any] = (),
        block_bars: int = BLOCK_BARS,
        hashed: bool = True,
        clock: Clock | None = None,
        actions: Actions | None = None,
        general: bool = False,
    ) -> None:
        self.strategy = strategy
        self.params = strategy.checked() if params is None else params
        self.terms = terms_for(strategy, terms)
        self.form = Form(self.terms.uses, general)
        self.inputs = {name: output_of(o) for name, o in (inputs or {}).items()}
        self.reads = strategy.columns_for(self.params, adjusted=actions is not None)
        self._check_actions(actions)
        super().__init__(
            [*self._covered(), *features],
            block_bars=block_bars,
            hashed=hashed,
            clock=clock,
            needs=self._needs(),
            actions=actions,
        )

    def describe(self) -> str:
        """Return what is computed from which columns and parameters, as text for digests."""
        reads = {name: self.plan.column(output) for name, output in self.reads.items()}
        inputs = {name: self.plan.column(output) for name, output in self.inputs.items()}
        constants = tuple(self.strategy.prepare(self.params))
        strategy = (self.strategy.reference, reads, inputs, self.ready_bars(self.reads), constants)
        return f"{super().describe()}\n{strategy} {self.terms[:6]}"

    def _state_size(self) -> int:
        return super()._state_size() + run_state.state_words(self.strategy, self.terms.uses)

    def _add_strategies(self, first: int) -> None:
        state = self.state[first:]
        self._add_parts(state)
        set_start(state, self.strategy, self.terms)
        table = self._engine_table(*run_addresses(self.strategy, state), self.log)
        self.add_driver(
            drivers.for_strategy(self.strategy, tuple(self.reads), self.form),
            [constant_words(self.strategy, self.params), state,
             *self._surroundings(self.ready, table),
             *(Place(self.plan.column(o)) for o in self.reads.values())],
        )  # fmt: skip


def terms_for(strategy: Strategy, terms: Terms | None) -> Terms:
    """Return the terms of a run of `strategy`, or the defaults; refuses those of another."""
    made = make_terms(requests=strategy.orders) if terms is None else terms
    if made.uses.requests != strategy.orders:
        raise KernelError(
            f"{strategy.name} makes {strategy.orders} orders itself, the terms have places for "
            f"{made.uses.requests}: make them with make_terms(requests={strategy.orders})"
        )
    return made


def set_start(state: Words, strategy: Strategy, terms: Terms) -> None:
    """Write the starting cash into the state of one run (or a row of them per field)."""
    at = run_state.offsets(strategy)["wallet"] + records.Wallet._fields.index("cash")
    state[at] = to_word("float", terms.a.cash)
