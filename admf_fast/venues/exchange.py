"""A simulated exchange: books of its own, the engine's rules of matching, faults on demand.

It stands in for a venue in tests, soaks and the simulator. Prices, slippage and fees are
those of a run's terms, so that without faults a run with it equals the paper run.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from admf_fast.journal.messages import Intent, Report
from admf_fast.venues.protocol import DownError, OrderView, RefusedError, UnsureError
from admf_kernels.execution.costs import month_end_ns, quote
from admf_kernels.execution.matching import NEVER, meeting
from admf_kernels.execution.reasons import (
    FOK,
    IOC,
    KINDS,
    MARKET,
    STOP,
    TIMES_IN_FORCE,
    TRAILING_STOP,
)
from admf_kernels.execution.records import Bar, Desk, Ledger, Now, Order, Plain
from admf_kernels.execution.terms import NO_EXITS, Terms

ORDERS_MAX = 1_000_000
TOLD_KEPT = 100_000  # reports that can be told again


@dataclass(slots=True)
class Faults:
    """What goes wrong; numbers are how many of the next, all off at first."""

    down: bool = False  # nobody answers, nothing arrives
    lose_requests: int = 0  # the call times out, the order did not arrive
    lose_acks: int = 0  # the call times out, the order did arrive
    mute_reports: int = 0  # reports that are never sent
    duplicate: int = 0  # reports that are sent twice
    reject: int = 0  # orders
    parts: int = 1  # fills that an order comes in
    latency_ns: int = 0  # from a report to its delivery
    reorder: bool = False  # what is delivered together comes in reverse
    hide_open: int = 0  # open orders that a list omits
    forget_final: bool = False  # ids are unique among open orders alone
    totals: bool = True  # ends of orders say what was filled


@dataclass(slots=True)
class Resting:
    """An order in the exchange's book."""

    intent: Intent
    record: Any  # as the rules of matching want it
    number: int
    status: str = "accepted"
    filled: int = 0


class Fill(NamedTuple):
    """What an order meets."""

    moment: float
    rank: tuple[int, int]
    client_id: str
    price: float
    maker: bool


@dataclass
class Exchange:
    """One account at an exchange; implements `protocol.Venue`.

    `bar` brings prices. Reports are stamped with the bar's time, or with the time of the call
    that led to them. `record` is told every request that changed the books, as plain data
    that `repeat` takes, for who wants them to outlive the process.
    """

    terms: Terms
    name: str = "simulated"
    faults: Faults = field(default_factory=Faults)
    record: Callable[[dict[str, Any]], None] = lambda _: None

    def __post_init__(self) -> None:
        """Open the books."""
        self.orders: dict[str, Resting] = {}
        self.past: list[Resting] = []
        self.held: dict[str, int] = {}
        self.cash = self.terms.a.cash
        self.fees = 0.0
        self._reports: list[tuple[int, Report]] = []  # due, report
        self._told: deque[Report] = deque(maxlen=TOLD_KEPT)  # in the order of their delivery
        self._numbers = 0
        self._calls = 0
        self._bar = Bar()
        self._desk = Desk(*[None] * len(Desk._fields))._replace(
            now=Plain(Now), ledger=Plain(Ledger)
        )

    # The venue.

    def account(self) -> str:
        """Return the name of the account."""
        self._answer()
        return self.name

    def submit(self, intent: Intent, now_ns: int) -> None:
        """Take a new order; its id must be free."""
        self._arrive()
        old = self.orders.get(intent.client_id)
        if old is not None and not (self.faults.forget_final and old.status not in LIVE):
            raise RefusedError(f"the order id {intent.client_id!r} is in use")
        self.record({"op": "submit", "order": msgspec.to_builtins(intent), "now_ns": now_ns})
        self._place(intent, now_ns)
        self._lose_ack()

    def replace(self, intent: Intent, now_ns: int) -> None:
        """Change lots (still to fill) and prices of a working order."""
        self._arrive()
        order = self.orders.get(intent.client_id)
        if order is None or order.status not in LIVE:
            raise RefusedError(f"the order {intent.client_id!r} does not work")
        self.record({"op": "replace", "order": msgspec.to_builtins(intent), "now_ns": now_ns})
        made_ns = order.record.made_ns
        order.intent, order.record = intent, _record(intent, order.number)
        order.record.made_ns = made_ns
        self._report(order, "replaced", now_ns)
        self._lose_ack()

    def cancel(self, intent: Intent, now_ns: int) -> None:
        """End a working order."""
        self._arrive()
        order = self.orders.get(intent.client_id)
        if order is None or order.status not in LIVE:
            raise RefusedError(f"the order {intent.client_id!r} does not work")
        self.record({"op": "cancel", "order": msgspec.to_builtins(intent), "now_ns": now_ns})
        self._end(order, "canceled", now_ns)
        self._lose_ack()

    def query(self, client_id: str) -> OrderView | None:
        """Return an order, final or not."""
        self._answer()
        order = self.orders.get(client_id)
        return _view(order) if order else None

    def open_orders(self) -> list[OrderView]:
        """Return the working orders, less those that a fault hides."""
        self._answer()
        found = [_view(o) for o in self.orders.values() if o.status in LIVE]
        hidden, self.faults.hide_open = self.faults.hide_open, 0
        return found[hidden:]

    def positions(self) -> dict[str, int]:
        """Return what is held."""
        self._answer()
        return {symbol: lots for symbol, lots in self.held.items() if lots}

    def resume(self, report_id: str) -> None:
        """Deliver again what was delivered after a report; all there is if that is not known."""
        self._answer()
        again: deque[tuple[int, Report]] = deque()
        while self._told and self._told[-1].report_id != report_id:
            again.appendleft((0, self._told.pop()))
        self._reports = [*again, *self._reports]

    def poll(self, now_ns: int) -> list[Report]:
        """Return the reports that are due."""
        self._answer()
        due = [report for at_ns, report in self._reports if at_ns <= now_ns]
        self._reports = [(at_ns, r) for at_ns, r in self._reports if at_ns > now_ns]
        due = due[::-1] if self.faults.reorder else due
        self._told += due
        return due

    # The market.

    def bar(self, bar: Bar, *, first: bool = False) -> None:
        """Match everything that works against a bar, and end it."""
        self.record({"op": "bar", "bar": bar._asdict(), "first": first})
        self.begin(bar, first=first)
        while self.fill_next():
            pass
        self.close()

    def begin(self, bar: Bar, *, first: bool = False) -> None:
        """Begin a bar; `first` of its session."""
        now = self._desk.now
        now.first, now.entered, now.entered_at = first, -1.0, 0.0
        now.entered_by_stop = now.stop_in_reach = False
        self._bar = bar._replace(worth=self.terms.n.lot_value)

    def fill_next(self) -> bool:
        """Fill the order that the bar meets first; returns whether there was one."""
        met = [f for o in self.orders.values() if o.status in LIVE and (f := self._meet(o))]
        if not met:
            return False
        first = min(met)
        self._fill(self.orders[first.client_id], first)
        return True

    def close(self) -> None:
        """End the bar: what had to fill at once has not."""
        for order in self.orders.values():
            if order.status in LIVE and order.record.tif in (IOC, FOK):
                self._end(order, "canceled", self._bar.ts_ns)

    def trade_by_hand(self, symbol: str, lots: int, price: float, now_ns: int) -> None:
        """Fill an order that somebody else gave for the account."""
        intent = Intent(
            client_id=f"hand-{self._numbers}", action="submit", order_id=0, symbol=symbol,
            ts_ns=now_ns, kind="market", time_in_force="GTC", lots=lots,
        )  # fmt: skip
        order = self._place(intent, now_ns, silent=True)
        self._book(order, lots, price, 0.0, False, now_ns)

    def repeat(self, request: dict[str, Any]) -> None:
        """Do again what `record` was told."""
        record, self.record = self.record, lambda _: None
        try:
            if request["op"] == "bar":
                self.bar(Bar(**request["bar"]), first=request["first"])
            else:
                intent = msgspec.convert(request["order"], Intent)
                getattr(self, request["op"])(intent, request["now_ns"])
        finally:
            self.record = record

    # Inside.

    def _answer(self) -> None:
        if self.faults.down:
            raise DownError("the exchange does not answer")

    def _arrive(self) -> None:
        self._answer()
        if self.faults.lose_requests > 0:
            self.faults.lose_requests -= 1
            raise UnsureError("timed out")

    def _lose_ack(self) -> None:
        if self.faults.lose_acks > 0:
            self.faults.lose_acks -= 1
            raise UnsureError("timed out")

    def _place(self, intent: Intent, now_ns: int, *, silent: bool = False) -> Resting:
        self._numbers += 1
        order = Resting(intent, _record(intent, self._numbers), self._numbers)
        if intent.client_id in self.orders:
            self.past.append(self.orders.pop(intent.client_id))
        self.orders[intent.client_id] = order
        if len(self.orders) > ORDERS_MAX:
            raise RefusedError(f"the books hold {ORDERS_MAX} orders")
        # What is made while a bar is under way carries that bar's time.
        order.record.made_ns = intent.ts_ns
        if self.faults.reject > 0 and not silent:
            self.faults.reject -= 1
            order.status = "rejected"
            self._report(order, "rejected", now_ns, reason="margin")
        elif not silent:
            self._report(order, "accepted", now_ns)
        return order

    def _meet(self, order: Resting) -> Fill | None:
        record, bar = order.record, self._bar
        if self._wanted(order) == 0:
            return None
        at = meeting(self.terms, self._desk, bar, record, record.stop)
        if at.moment >= NEVER:
            return None
        rank = (0 if order.record.kind == MARKET else 1, order.number)
        return Fill(at.moment, rank, order.intent.client_id, at.price, at.maker)

    def _wanted(self, order: Resting) -> int:
        """Return the lots that may fill: what only reduces does no more than that."""
        lots, held = int(order.record.lots), self.held.get(order.intent.symbol, 0)
        if not order.intent.reduce_only:
            return lots
        if lots * held >= 0:
            return 0
        return lots if abs(lots) <= abs(held) else -held

    def _fill(self, order: Resting, met: Fill) -> None:
        """Fill an order, in parts where a fault wants it so, and note what it opened."""
        bar, now = self._bar, self._desk.now
        held = self.held.get(order.intent.symbol, 0)
        lots = self._wanted(order)
        if lots != int(order.record.lots):
            order.record.lots = float(lots)
        parts = max(1, min(self.faults.parts, abs(lots)))
        side = 1 if lots > 0 else -1
        sizes = [abs(lots) // parts + (k < abs(lots) % parts) for k in range(parts)]
        for size in sizes:
            limit = order.record.limit
            now.slips = True
            price, fee = quote(
                self.terms, self._desk, bar, float(size * side), met.price, met.maker, limit
            )
            self._book(order, size * side, price, fee, met.maker, bar.ts_ns)
        after = self.held[order.intent.symbol]
        if after and held * after <= 0 and self.terms.a.entry_bar != NO_EXITS:
            now.entered, now.entered_at = met.moment, price
            now.entered_by_stop = order.record.kind in (STOP, TRAILING_STOP)

    def _book(
        self, order: Resting, lots: int, price: float, fee: float, maker: bool, now_ns: int
    ) -> None:
        symbol, worth = order.intent.symbol, self.terms.n.lot_value
        self.held[symbol] = self.held.get(symbol, 0) + lots
        self.cash = self.cash - lots * worth * price - fee
        self.fees += fee
        self._count(abs(lots) * worth * price, now_ns)
        order.filled += lots
        order.record.lots -= lots
        order.status = "filled" if order.record.lots == 0 else "partially_filled"
        self._report(order, order.status, now_ns, lots=lots, price=price, fee=fee, maker=maker)

    def _count(self, notional: float, now_ns: int) -> None:
        """Count the month's turnover, which fees may go by."""
        ledger = self._desk.ledger
        if now_ns >= ledger.month_end_ns:
            ledger.month_end_ns, ledger.month_turnover = month_end_ns(now_ns), 0.0
        ledger.month_turnover += notional

    def _end(self, order: Resting, status: str, now_ns: int) -> None:
        order.status = status
        self._report(order, status, now_ns)

    def _report(self, order: Resting, status: str, now_ns: int, **more: Any) -> None:
        self._calls += 1
        total = order.filled if self.faults.totals else None
        report = Report(
            report_id=f"{self.name}-{self._calls}", client_id=order.intent.client_id, order_id=0,
            ts_ns=now_ns, status=status, symbol=order.intent.symbol, total=total, **more,
        )  # fmt: skip
        copies = 1
        if self.faults.mute_reports > 0:
            self.faults.mute_reports -= 1
            copies = 0
        elif self.faults.duplicate > 0:
            self.faults.duplicate -= 1
            copies = 2
        self._reports += [(now_ns + self.faults.latency_ns, report)] * copies


LIVE = ("accepted", "partially_filled")


def _record(intent: Intent, number: int) -> Any:
    """Return an order as the rules of matching want it."""
    return Plain(Order, *Order()._replace(
        id=number,
        kind=KINDS.index(intent.kind),
        tif=TIMES_IN_FORCE.index(intent.time_in_force),
        lots=float(intent.lots),
        limit=intent.limit,
        stop=intent.stop,
    ))  # fmt: skip


def _view(order: Resting) -> OrderView:
    left = int(order.record.lots)
    return OrderView(
        order.intent.client_id, order.status, order.filled + left, order.filled,
        order.intent.symbol,
    )  # fmt: skip
