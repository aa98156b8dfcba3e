"""The drivers' work in plain Python, one bar at a time: slow, and meant to be read.

This is the specification the compiled drivers are held to, bit for bit. It calls the same
kernel functions, uncompiled, with NamedTuples, and shares no generated code: how inputs
are bound, when a kernel is called, what is recorded and what the checksum covers are
written out here a second time.
"""

from collections.abc import Iterable
from math import isnan
from typing import TYPE_CHECKING, Any

from admf_kernels import layout
from admf_kernels.checksum import signed, slot_of
from admf_kernels.clock import Clock
from admf_kernels.contract import BAR_COLUMNS, Feature, Output, Strategy
from admf_kernels.execution.account import Account
from admf_kernels.execution.bar import (
    BAD_EQUITY,
    Book,
    Fill,
    close_bar,
    decide,
    mark,
    open_bar,
)
from admf_kernels.execution.metrics import Curve, Ledger
from admf_kernels.execution.portfolio import Portfolio, Trade
from admf_kernels.numeric import is_finite
from admf_kernels.plain_features import (
    PlainBar,
    PlainFeatures,
    coerced,
    computed,
    held_by,
    share_of_checksum,
    unpacked,
)

if TYPE_CHECKING:
    from admf_kernels.program import Program

ACCEPTED, CANCELED = 0, 1
NEVER = 2**62


class PlainProgram(PlainFeatures):
    """A strategy with its features and account; the plain twin of `Program`."""

    def __init__(
        self,
        strategy: Strategy,
        params: Any = None,
        account: Account | None = None,
        *,
        features: Iterable[Any] = (),
        hashed: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self.strategy = strategy
        self.account = account or Account()
        params = strategy.checked() if params is None else params
        self.constants = strategy.prepare(params)
        self.reads = strategy.columns_for(params)
        self.slot = slot_of(strategy.reference)
        super().__init__([*self.reads.values(), *features], hashed=hashed, clock=clock)
        # Features that only the caller asked for are no part of the checksum.
        self.covered = computed(self.reads.values())
        self.at_least = max((self.ready_bars[o] for o in self.reads.values()), default=1)
        # Unknown while the features of longer timeframes have no value yet.
        self.waits_for = [o for o in self.reads.values() if o in self.waiting]
        self.first_bar = NEVER if self.waits_for else self.at_least
        self.seen = 0
        self.own = layout.zeros(strategy.state)
        self.book = Book()
        self.portfolio = Portfolio(cash=self.account.cash)
        self.ledger = Ledger()
        self.curve = Curve()

    def _is_hashed(self, feature: Feature) -> bool:
        return self.hashed and feature in self.covered

    def _covered_on(self, timeframe: str) -> list[Feature]:
        read: list[Feature] = [
            f for source in self.reads.values() for f in held_by(source) if f.timeframe == timeframe
        ]
        return computed([Output(f._replace(timeframe=""), 0) for f in read])

    def step(
        self, ts_ns: int, open: float, high: float, low: float, close: float, volume: float
    ) -> PlainBar:
        """Advance by one closed bar: fill, features, strategy, order, mark."""
        checksum = self._advance(ts_ns, open, high, low, close, volume)
        account = self.account
        self.seen += 1
        self.book, self.portfolio, self.ledger, fill_open, trade_open = open_bar(
            account, self.book, self.portfolio, self.ledger, ts_ns, open
        )
        if self.first_bar == NEVER and all(not isnan(self.columns[o][-1]) for o in self.waits_for):
            self.first_bar = max(self.seen, self.at_least)
        wanted = self._wanted() if self.seen >= self.first_bar else 0.0
        self.book, self.ledger, made = decide(
            account, self.book, self.portfolio, self.ledger, close, wanted
        )
        self.book, self.portfolio, self.ledger, fill_close, trade_close = close_bar(
            account, self.book, self.portfolio, self.ledger, ts_ns, close
        )
        self.curve = mark(account, self.portfolio, self.curve, ts_ns, close)
        events = _no_events()
        _add_fill(events, fill_open, trade_open)
        if made.signal_sequence:
            events["signals"].append((made.signal_sequence, made.signal))
        if made.order_id:
            lots = int(made.order_lots)
            events["orders"].append((made.order_id, made.order_id, ACCEPTED, lots))
        _add_fill(events, fill_close, trade_close)
        own = share_of_checksum(self.slot, self.seen, self._states().values())
        return PlainBar(
            features=self._values(),
            checksum=signed(checksum + own) if self.hashed else 0,
            signal=made.signal,
            sequence=self.book.bar_sequence,
            lots=int(self.portfolio.lots),
            cash=self.portfolio.cash,
            equity=self.curve.equity,
            status=made.status if made.status or is_finite(self.curve.equity) else BAD_EQUITY,
            events=events,
        )

    def _wanted(self) -> float:
        """Call the strategy with what its arguments name; returns its signal."""
        values = {
            "c": self.constants,
            "s": self.own,
            "position": self.portfolio.lots * self.account.lot_size,
            **{name: self.columns[name][-1] for name in BAR_COLUMNS},
            **{name: self.columns[output][-1] for name, output in self.reads.items()},
        }
        result = self.strategy.step(*(values[name] for name in self.strategy.arguments))
        if self.strategy.stateful:
            state, result = result
            self.own = coerced(self.strategy.state, state)
        return float(result)

    def _states(self) -> dict[str, Any]:
        """Return the strategy's own state and the account's, in memory order."""
        own = {self.strategy.reference: self.own} if self.strategy.stateful else {}
        groups = {"book": self.book, "p": self.portfolio}
        return {**own, **groups, "ledger": self.ledger, "curve": self.curve}

    def state(self) -> dict[str, Any]:
        """Return the state of every kernel by label."""
        return {**super().state(), **self._states()}

    @classmethod
    def resumed(cls, program: "Program") -> "PlainProgram":
        """Return the plain twin of a compiled program, standing where that one stands."""
        extra = [Output(feature, 0) for feature in program.plan.features]
        twin = cls(
            program.strategy,
            program.params,
            program.account,
            features=extra,
            hashed=program.hashed,
            clock=program.clock,
        )
        twin.resume(program)
        return twin

    def _resume_states(self, words: layout.Words) -> layout.Words:
        words = super()._resume_states(words)
        if self.waits_for:
            self.first_bar = int(words[1])
            words = words[2:]
        self.seen = int(words[0])
        words = words[1:]
        if self.strategy.stateful:
            self.own, words = unpacked(self.strategy.state, words)
        self.book, words = unpacked(Book, words)
        self.portfolio, words = unpacked(Portfolio, words)
        self.ledger, words = unpacked(Ledger, words)
        self.curve, words = unpacked(Curve, words)
        return words


def _no_events() -> dict[str, list[tuple[Any, ...]]]:
    return {"signals": [], "orders": [], "fills": [], "trades": []}


def _add_fill(events: dict[str, list[tuple[Any, ...]]], fill: Fill, trade: Trade) -> None:
    """Enter a fill, the trade it closed, and the order's rest that could not be paid."""
    if fill.order_id == 0:
        return
    if fill.lots != 0.0:
        row = (fill.sequence, fill.order_id, int(fill.lots), fill.price, fill.fee)
        events["fills"].append(row)
    if trade.lots != 0.0:
        prices = (trade.entry_price, trade.exit_price, trade.pnl, trade.fees)
        events["trades"].append((fill.sequence, trade.entry_ts_ns, int(trade.lots), *prices))
    if fill.canceled_lots != 0.0:
        lots = int(fill.canceled_lots)
        events["orders"].append((fill.canceled_sequence, fill.order_id, CANCELED, lots))
