"""Distinct features over one stream of bars: what every program is made of."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_kernels import actions as adjusting
from admf_kernels import checksum, drivers
from admf_kernels import clock as clocks
from admf_kernels.actions import ACTION_COLUMNS, NO_ACTIONS, Actions
from admf_kernels.clock import Clock
from admf_kernels.compiler.load import Native
from admf_kernels.contract import (
    BAR_COLUMNS,
    RECORDED,
    Feature,
    Kernel,
    output_of,
    resolve_bars,
)
from admf_kernels.errors import KernelError
from admf_kernels.execution import log
from admf_kernels.layout import Words, fields_of, pack, unpack
from admf_kernels.memory import columns_of_lines, whole_lines, words_of_lines
from admf_kernels.plan import Node, Plan
from admf_kernels.recorded import Recorded, series_of

if TYPE_CHECKING:
    from admf_kernels.frames import ChildProgram

BLOCK_BARS = 16_384
STATUS = {
    1: "the strategy's signal is not in [-1, 1]",
    2: "the equity is not finite",
    3: "a kernel failed on it or up to 1,023 bars later: it divides whole numbers by zero, or "
    "one of its ways returns nothing",
    4: "an order came into a state that may not follow the one before; report it",
    adjusting.BAD_DIVIDEND: "a dividend before it is not below the price of the bar before",
}

Floats = NDArray[np.float64]


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
    actions : Actions, optional
        Splits and dividends; features then read adjusted prices.
    recorded : Recorded, optional
        Stored signals; needed where columns of them are read.

    Attributes
    ----------
    columns : float64 (columns, rows)
        ``ts_ns`` (as int64 bits), the bar as traded, the clock, what actions make of the bar,
        then the features; the first `history` rows are what came before the oldest row that
        may still be written.
    state : int64 (words,)
        All state, every kernel's own words one after the other.
    children : list of ChildProgram
        What is computed on longer timeframes, see `frames`.
    """

    least_history = 0
    spare_rows = 0  # room that is not needed

    def __init__(
        self, features: Iterable[Any], *, block_bars: int = BLOCK_BARS, hashed: bool = True,
        clock: Clock | None = None, needs: Iterable[str] = (), actions: Actions | None = None,
        recorded: Recorded | None = None,
    ) -> None:  # fmt: skip
        sources = [f if isinstance(f, str) else output_of(f) for f in features]
        self.plan = Plan(sources, needs, adjusted=actions is not None)
        self.clock = clock
        self.actions = NO_ACTIONS if actions is None and self.plan.adjusted else actions
        self.recorded = recorded
        self.hashed = hashed
        self.parts: list[Part] = []
        self._kept: list[Any] = []
        self._calls: list[int] = []
        self._places: dict[int, list[tuple[Words, int, int]]] = defaultdict(list)
        self._allocate(block_bars)
        self._add_clock()
        self._add_actions()
        self._add_recorded()
        self.children, first = self._add_children()
        for node in self.plan.nodes.values():
            first = self._add_indicator(node, first)
        self._add_strategies(self._add_gate(first))
        self.call_through(Native.caller)
        zeroed = self.checksum if hashed else 0
        self._table = self._keep([len(self._calls) // 2, zeroed, self.counts, len(self.counts),
                                  *self._calls])  # fmt: skip

    def _allocate(self, block_bars: int) -> None:
        self.history = max(self.plan.history_bars, self.least_history)
        self.block_bars = block_bars
        # As much room again as history takes: moving it costs at most a row a bar.
        self._rows_used = self.history + max(block_bars, self.history) + self.spare_rows
        self.rows = whole_lines(self._rows_used)
        self.columns = columns_of_lines(self.plan.column_count, self.rows, self.history, np.nan)
        self._columns_at = int(self.columns.ctypes.data)
        self.ts_ns = self.columns[0].view(np.int64)
        self.ts_ns[:] = 0
        self.checksum = np.zeros(self.rows, np.int64)
        self.log = np.zeros(len(log.Log._fields), np.int64)
        self.counts = self.log[log.COUNTS_AT :]
        self.state = words_of_lines(self._state_size())
        self.cursor = self.history  # the next row to fill
        self.bars_seen = 0
        self.restored_checksum = 0  # of the last bar before this program's first
        self.refused = ""  # why no more bars are taken
        self.event_count = 0  # of the last `advance`

    def _state_size(self) -> int:
        own = sum(1 + len(fields_of(f.indicator.state)) for f in self.plan.nodes)
        if not self.plan.held:
            return own
        from admf_kernels import frames  # whose programs are programs

        return own + frames.state_size(self.plan)

    def _add_children(self) -> "tuple[list[ChildProgram], int]":
        """Add what longer timeframes need; their state comes first, and ends there."""
        if not self.plan.held:
            return [], 0
        from admf_kernels import frames

        return frames.add_children(self, 0)

    def covered_on(self, timeframe: str) -> list[Feature]:
        """Return the features on a longer timeframe that the state checksum covers."""
        return [*self.plan.child(timeframe).nodes]

    def _add_gate(self, first: int) -> int:
        """Add what decides when strategies start; returns where its state ends."""
        return first

    def _add_clock(self) -> None:
        """Add what fills the clock columns, if any are read."""
        columns = self.plan.clock_columns
        if columns:
            clock = clocks.required(self.clock, columns)
            places = [Place(self.plan.column(name)) for name in columns]
            self.add_driver(drivers.for_clock(columns), [Place(0), *clock.table(), *places])

    def _add_actions(self) -> None:
        """Add what adjusts the bars for splits and dividends, if there may be any."""
        if self.actions is not None:
            bars = [Place(k) for k in range(len(BAR_COLUMNS))]
            places = [Place(self.plan.column(name)) for name in ACTION_COLUMNS]
            self.add_driver(drivers.for_actions(), [*bars, *self.actions.table(), *places])

    def _add_recorded(self) -> None:
        """Add what plays stored signals, if any are read."""
        columns = self.plan.recorded
        if not columns:
            return
        given = self.recorded
        count = 0 if given is None else len(given)
        if given is None or sorted(series_of(name) for name in columns) != [*range(count)]:
            raise KernelError(f"expected stored signals for {', '.join(columns)}; found {count}")
        places = [Place(self.plan.column(f"{RECORDED}:{k}")) for k in range(count)]
        self.add_driver(drivers.for_recorded(), [Place(0), *given.table(), *places])

    def _add_strategies(self, first: int) -> None:
        """Add what runs after the features; nothing here."""

    def _add_indicator(self, node: Node, first: int) -> int:
        """Add the scan driver of a node, its state from word `first` on."""
        feature, indicator = node.feature, node.feature.indicator
        label = self._label(feature)
        slot = checksum.slot_of(label) if self.hashed else 0
        bars = [indicator.warmup_bars(feature.params), indicator.renew_bars(feature.params)]
        bars += [resolve_bars(w.bars, feature.params) for w in indicator.windows.values()]
        constants = np.concatenate([constant_words(indicator, feature.params), bars])
        last = first + 1 + len(fields_of(indicator.state))
        state = self.state[first:last]
        state[0] = -node.start_bars
        columns = [(node.column + k, 0) for k in range(len(indicator.outputs))]
        columns += self.plan.inputs(feature).values()
        native = drivers.for_indicator(indicator, hashed=self._is_hashed(node), waits=node.waits)
        self.add_driver(
            native,
            [constants.astype(np.int64), state, self.checksum, slot,
             *(Place(c, lag) for c, lag in columns)],
        )  # fmt: skip
        self.parts.append(Part(label, indicator.state, state[1:]))
        return last

    def _is_hashed(self, node: Node) -> bool:
        return self.hashed

    def _label(self, feature: Feature) -> str:
        return feature.label

    def add_driver(self, native: Native, parts: Sequence[Any]) -> None:
        """Run a driver after those added before, on a table of these parts."""
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
        if self.cursor + bars > self._rows_used:
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
        self.refused = f"the run has stopped at {reason}"

        def stopped(table: int, start: int, stop: int) -> int:
            raise KernelError(self.refused)

        self._call = stopped
        raise KernelError(reason)

    def feed(
        self, ts_ns: NDArray[np.int64], open: Floats, high: Floats, low: Floats, close: Floats,
        volume: Floats,
    ) -> slice:  # fmt: skip
        """Write up to `block_bars` bars and advance over them; returns their rows."""
        self.write(ts_ns, open, high, low, close, volume)
        return self.advance(len(ts_ns))

    def write(self, ts_ns: NDArray[np.int64], *prices: Floats) -> int:
        """Write up to `block_bars` bars at the cursor; returns the first of their rows."""
        start = self.room(len(ts_ns))
        rows = slice(start, start + len(ts_ns))
        self.ts_ns[rows] = ts_ns
        for k, values in enumerate(prices):
            self.columns[k + 1, rows] = values
        return start

    def describe(self) -> str:
        """Return what is computed from which columns and parameters, as text for digests.

        Which splits and dividends there are is no part of it.
        """
        clock = clocks.describe(self.clock, self.plan.clock_columns)
        clock += adjusting.describe() if self.plan.adjusted else ""
        longer = "".join(f"\n{child.describe()}" for child in self.children)
        return f"{self.plan.describe()}\nhistory {self.history}{clock}{longer}"

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

    def value(self, label: str) -> Any:
        """Return the state of one kernel, as a NamedTuple."""
        return next(part.value for part in self.parts if part.label == label)


def constant_words(kernel: Kernel, params: Any) -> Words:
    """Return the words of a kernel's constants, prepared from its Params."""
    return pack(kernel.prepare(params)) if fields_of(kernel.constants) else np.zeros(0, np.int64)
