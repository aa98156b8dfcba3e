"""The drivers' work in plain Python, one bar at a time: slow, and meant to be read.

This is the specification the compiled drivers are held to, bit for bit. It calls the same
kernel functions, uncompiled, and shares no generated code: how inputs are bound, when a
kernel is called, what is recorded and what the checksum covers are written out here a second
time.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from admf_kernels import layout
from admf_kernels.actions import Actions
from admf_kernels.checksum import signed, slot_of
from admf_kernels.clock import Clock
from admf_kernels.contract import (
    Output,
    Strategy,
)
from admf_kernels.execution.bar import (
    BAD_EQUITY,
    BAD_SIGNAL,
    OK,
    close_bar,
    decide,
    open_bar,
    wanted_signal,
)
from admf_kernels.execution.log import PlainLog
from admf_kernels.execution.matching import heed
from admf_kernels.execution.metrics import NO_SUMS, Curve, Sums, mark_bar
from admf_kernels.execution.records import (
    OWN,
    SHARED,
    Desk,
    Exposure,
    Now,
    Order,
    Plain,
    expose,
)
from admf_kernels.execution.requests import take_requests
from admf_kernels.execution.terms import Terms
from admf_kernels.execution.uses import make_terms
from admf_kernels.numeric import is_finite
from admf_kernels.plain_features import (
    PlainBar,
    share_of_checksum,
    unpacked,
)
from admf_kernels.plain_reading import PlainReading, events_of

if TYPE_CHECKING:
    from admf_kernels.program import Program


class PlainProgram(PlainReading):
    """A strategy with its features and execution; the plain twin of `Program`."""

    def __init__(
        self,
        strategy: Strategy,
        params: Any = None,
        terms: Terms | None = None,
        *,
        inputs: Mapping[str, Any] | None = None,
        features: Iterable[Any] = (),
        hashed: bool = True,
        clock: Clock | None = None,
        actions: Actions | None = None,
    ) -> None:
        made = make_terms(requests=strategy.orders) if terms is None else terms
        self.slot = slot_of(strategy.reference)
        super().__init__(
            strategy,
            params,
            made,
            inputs=inputs,
            features=features,
            hashed=hashed,
            clock=clock,
            actions=actions,
        )
        self.curve = Curve()
        self.sums: list[float] = [*NO_SUMS]
        self.records = {n: Plain(cls) for n, cls in {**SHARED, **OWN}.items()}
        self.records["wallet"].cash = self.terms.a.cash

    def step(
        self, ts_ns: int, open: float, high: float, low: float, close: float, volume: float
    ) -> PlainBar:
        """Advance by one closed bar: fill, features, strategy, order, mark."""
        checksum = self._advance(ts_ns, open, high, low, close, volume)
        self.seen += 1
        terms, log = self.terms, PlainLog()
        e = Plain(Exposure)
        desk = Desk(**self.records, now=Plain(Now), e=e, slots=self.slots, log=log)
        bar = self.bar(terms.n.lot_value, ts_ns, open, high, low, close, volume)
        last = self.columns["close"][-2] if self.adjusted else self.curve.last_close
        expose(e, desk.wallet, desk.q, bar.worth, last if self.seen > 1 else 0.0)
        open_bar(terms, desk, bar)
        expose(e, desk.wallet, desk.q, bar.worth, close)
        wanted, asked = self.answer(desk)
        signal = wanted_signal(terms.a, wanted, e.equity)
        decide(terms, desk, bar, signal)
        take_requests(terms, desk, bar, asked, Plain(Order))
        close_bar(terms, desk, bar)
        heed(terms, desk)
        equity = desk.wallet.cash + desk.q.lots * bar.worth * close
        cash = terms.a.cash
        market = self.columns[self.column_of("close")][-1] if self.adjusted else close
        held = desk.q.lots != 0.0
        self.curve = mark_bar(self.curve, self.sums, cash, ts_ns, market, equity, held)
        status = OK if -1.0 <= wanted <= 1.0 else BAD_SIGNAL
        own = share_of_checksum(self.slot, self.seen, self._states().values())
        return PlainBar(
            features=self._values(),
            checksum=signed(checksum + own) if self.hashed else 0,
            signal=signal,
            sequence=desk.book.bar_sequence,
            lots=int(desk.q.lots),
            cash=desk.wallet.cash,
            equity=equity,
            status=status if status or is_finite(equity) else BAD_EQUITY,
            events=events_of(log),
        )

    def _states(self) -> dict[str, Any]:
        """Return the strategy's own state and the engine's, in memory order."""
        own = {self.strategy.reference: self.own} if self.strategy.stateful else {}
        found = {name: record.value for name, record in self.records.items()}
        marked = {"curve": self.curve, "sums": Sums(*self.sums)}
        orders = {f"order {k}": o.value for k, o in enumerate(self.slots)}
        return {**own, **marked, **found, **orders}

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
            program.terms,
            inputs=program.inputs,
            features=extra,
            hashed=program.hashed,
            clock=program.clock,
            actions=program.actions if program.terms.uses.actions else None,
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
        self.curve, words = unpacked(Curve, words)
        sums, words = unpacked(Sums, words)
        self.sums = [*sums]
        for name, cls in {**SHARED, **OWN}.items():
            value, words = unpacked(cls, words)
            self.records[name] = Plain(cls, *value)
        for k in range(len(self.slots)):
            value, words = unpacked(Order, words)
            self.slots[k] = Plain(Order, *value)
        return words
