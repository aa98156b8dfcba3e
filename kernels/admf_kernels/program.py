"""A program: features, strategy and account over one stream of bars, ready to advance.

The same object serves every mode. A historical run feeds it blocks, a live run one bar:
both write rows into the same columns and call the same compiled drivers on them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_kernels import checksum, drivers
from admf_kernels import clock as clocks
from admf_kernels.clock import Clock
from admf_kernels.codegen import run
from admf_kernels.compiler.load import Native
from admf_kernels.contract import (
    BAR_COLUMNS,
    Kernel,
    Source,
    Strategy,
    output_of,
    resolve_bars,
)
from admf_kernels.errors import KernelError
from admf_kernels.execution.account import Account
from admf_kernels.execution.portfolio import Portfolio
from admf_kernels.layout import Words, fields_of, pack, to_word, unpack
from admf_kernels.plan import Node, Plan

BLOCK_BARS = 16_384
STATUS = {
    1: "the strategy's signal is not in [-1, 1]",
    2: "the equity is not finite",
    3: "a kernel failed on it or up to 1,023 bars later: it divides whole numbers by zero, or "
    "one of its ways returns nothing",
}

Floats = NDArray[np.float64]
TYPES = {"i": np.int64, "f": np.float64}


class Place(NamedTuple):
    """A table entry that is the address of a column, moved back by a lag."""

    column: int
    lag: int = 0


class Part:
    """The state of one kernel in a program: its label, its class, its words."""

    __slots__ = ("cls", "label", "words")

    def __init__(self, label: str, cls: type, words: Words) -> None:
        self.label = label
        self.cls = cls
        self.words = words

    @property
    def value(self) -> Any:
        """The state as a NamedTuple."""
        return unpack(self.cls, self.words)


class FeatureProgram:
    """Distinct features over one stream of bars.

    Parameters
    ----------
    features : iterable of features
        Equal ones are computed once.
    block_bars : int
        The most bars one `feed` takes.
    hashed : bool
        Whether a state checksum is made for every bar.
    clock : Clock, optional
        Of the market; needed where clock columns are read.
    needs : iterable of str
        Clock columns to fill besides those that features read.

    Attributes
    ----------
    columns : float64 (columns, rows)
        ``ts_ns`` (as int64 bits), the bar, the clock, then the features; the first `history` rows
        are what came before the oldest row that may still be written.
    state : int64 (words,)
        All state, every kernel's own words one after the other.
    """

    def __init__(
        self, features: Iterable[Any], *, block_bars: int = BLOCK_BARS, hashed: bool = True,
        clock: Clock | None = None, needs: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.plan = Plan([f if isinstance(f, str) else output_of(f) for f in features], needs)
        self.clock = clock
        self.hashed = hashed
        self.parts: list[Part] = []
        self._kept: list[Any] = []
        self._calls: list[int] = []
        self._places: dict[int, list[tuple[Words, int, int]]] = defaultdict(list)
        self._allocate(block_bars)
        self._add_clock()
        first = 0
        for node in self.plan.nodes.values():
            first = self._add_indicator(node, first)
        self._add_strategies(first)
        self.call_through(Native.caller)
        zeroed = self.checksum if hashed else 0
        self._table = self._keep([len(self._calls) // 2, zeroed, self.counts, len(self.counts),
                                  *self._calls])  # fmt: skip

    def _allocate(self, block_bars: int) -> None:
        self.history = self.plan.history_bars
        self.block_bars = block_bars
        # As much room again as history takes: moving it costs at most a row a bar.
        self.rows = self.history + max(block_bars, self.history)
        self.columns: Floats = np.full((self.plan.column_count, self.rows), np.nan)
        self._columns_at = int(self.columns.ctypes.data)
        self.ts_ns = self.columns[0].view(np.int64)
        self.ts_ns[:] = 0
        self.checksum = np.zeros(self.rows, np.int64)
        self.counts = np.zeros(len(run.EVENTS), np.int64)
        self.state = np.zeros(self._state_size(), np.int64)
        self.cursor = self.history  # the next row to fill
        self.bars_seen = 0
        self.restored_checksum = 0  # of the last bar before this program's first
        self.event_count = 0  # of the last `advance`

    def _state_size(self) -> int:
        return sum(1 + len(fields_of(f.indicator.state)) for f in self.plan.nodes)

    def _add_clock(self) -> None:
        """Add what fills the clock columns, if any are read."""
        columns = self.plan.clock_columns
        if columns:
            clock = clocks.required(self.clock, columns)
            places = [Place(self.plan.column(name)) for name in columns]
            self._add(drivers.for_clock(columns), [Place(0), *clock.table(), *places])

    def _add_strategies(self, first: int) -> None:
        """Add what runs after the features; nothing here."""

    def _add_indicator(self, node: Node, first: int) -> int:
        """Add the scan driver of a node, its state from word `first` on."""
        feature, indicator = node.feature, node.feature.indicator
        label = feature.label
        slot = checksum.slot_of(label) if self.hashed else 0
        bars = [indicator.warmup_bars(feature.params), indicator.renew_bars(feature.params)]
        bars += [resolve_bars(w.bars, feature.params) for w in indicator.windows.values()]
        constants = np.concatenate([constant_words(indicator, feature.params), bars])
        last = first + 1 + len(fields_of(indicator.state))
        state = self.state[first:last]
        state[0] = -node.start_bars
        columns = [(node.column + k, 0) for k in range(len(indicator.outputs))]
        columns += self.plan.inputs(feature).values()
        self._add(
            drivers.for_indicator(indicator, hashed=self._is_hashed(node)),
            [constants.astype(np.int64), state, self.checksum, slot,
             *(Place(c, lag) for c, lag in columns)],
        )  # fmt: skip
        self.parts.append(Part(label, indicator.state, state[1:]))
        return last

    def _is_hashed(self, node: Node) -> bool:
        return self.hashed

    def _add(self, native: Native, parts: Sequence[Any]) -> None:
        self._calls += [native.address, self._keep(parts)]

    def _keep(self, parts: Sequence[Any]) -> int:
        """Return the address of a table; arrays are entered by address and kept alive."""
        table = np.array([self._word(p) for p in parts], np.int64)
        for k, part in enumerate(parts):
            if isinstance(part, Place):
                self._places[part.column].append((table, k, part.lag))
        self._kept += [table, *parts]
        return int(table.ctypes.data)

    def _word(self, part: Any) -> int:
        if isinstance(part, Place):
            return self._columns_at + 8 * (part.column * self.rows - part.lag)
        return int(part.ctypes.data) if isinstance(part, np.ndarray) else int(part)

    def point(self, column: int, address: int) -> None:
        """Let the drivers find row 0 of a column at another address.

        The memory must hold every row they read or write, and outlive the next `advance`.
        """
        for table, k, lag in self._places[column]:
            table[k] = address - 8 * lag

    def call_through(self, caller: Callable[[Native], Callable[[int, int, int], int]]) -> None:
        """Call the compiled code through another foreign-function interface."""
        self._call = caller(drivers.execute_all())

    def room(self, bars: int) -> int:
        """Make room for `bars` more rows and return the first of them."""
        if self.cursor + bars > self.rows:
            if bars > self.block_bars:
                raise KernelError(f"a block holds at most {self.block_bars} bars, found {bars}")
            keep = slice(self.cursor - self.history, self.cursor)
            self.columns[:, : self.history] = self.columns[:, keep].copy()
            self.cursor = self.history
        return self.cursor

    def advance(self, bars: int) -> slice:
        """Run all drivers over the `bars` rows written at the cursor; returns those rows.

        Raises KernelError when a kernel gave a number that cannot be used, and whenever it
        is called after that.
        """
        start = self.cursor
        stop = start + bars
        self.event_count = self._call(self._table, start, stop)
        if self.event_count < 0:
            self._refuse(-self.event_count, start)
        self.cursor = stop
        self.bars_seen += bars
        return slice(start, stop)

    def _refuse(self, status: int, start: int) -> None:
        row = status >> 4
        bar = f"bar {self.bars_seen + row - start} (ts_ns {self.ts_ns[row]})"
        missing = self.clock.missing if self.clock and status & 15 == clocks.NO_SESSION else ""
        reason = f"{bar}: {missing or STATUS[status & 15]}"

        def stopped(table: int, start: int, stop: int) -> int:
            raise KernelError(f"the run has stopped at {reason}")

        self._call = stopped
        raise KernelError(reason)

    def feed(
        self, ts_ns: NDArray[np.int64], open: Floats, high: Floats, low: Floats, close: Floats,
        volume: Floats,
    ) -> slice:  # fmt: skip
        """Write up to `block_bars` bars and advance over them; returns their rows."""
        start = self.room(len(ts_ns))
        rows = slice(start, start + len(ts_ns))
        self.ts_ns[rows] = ts_ns
        for k, values in enumerate((open, high, low, close, volume)):
            self.columns[k + 1, rows] = values
        return self.advance(len(ts_ns))

    def describe(self) -> str:
        """Return what is computed from which columns and parameters, as text for digests."""
        clock = clocks.describe(self.clock, self.plan.clock_columns)
        return f"{self.plan.describe()}\nhistory {self.history}{clock}"

    @property
    def last_checksum(self) -> int:
        """The state checksum after the last bar, 0 before the first; a restored one included."""
        written = self.cursor > self.history
        return int(self.checksum[self.cursor - 1]) if written else self.restored_checksum

    def column(self, output: Any) -> Floats:
        """Return the whole column of a feature; index it with the rows of `feed`."""
        values: Floats = self.columns[self.plan.column(output_of(output))]
        return values

    def values(self) -> dict[str, Any]:
        """Return the state of every kernel by label, as NamedTuples."""
        return {part.label: part.value for part in self.parts}


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
        self._add(
            drivers.for_strategy(self.strategy, tuple(self.reads)),
            [constant_words(self.strategy, self.params), pack(self.account), state,
             *self._surroundings(np.array([self.ready_bars(self.reads)])),
             *(Place(self.plan.column(o)) for o in self.reads.values())],
        )  # fmt: skip


def set_cash(state: Words, strategy: Strategy, cash: float) -> None:
    """Write the starting cash into the state of one run (or a row of them per field)."""
    before = 1
    for cls in run.state_classes(strategy).values():
        if cls is Portfolio:
            state[before + Portfolio._fields.index("cash")] = to_word("float", cash)
        before += len(fields_of(cls))


def constant_words(kernel: Kernel, params: Any) -> Words:
    """Return the words of a kernel's constants, prepared from its Params."""
    return pack(kernel.prepare(params)) if fields_of(kernel.constants) else np.zeros(0, np.int64)
