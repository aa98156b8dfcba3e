"""Limits that no strategy, kernel or configuration of one can talk its way around."""

from collections import deque
from typing import Literal

import msgspec

from admf_fast.journal.messages import Intent
from admf_fast.venues.book import QUEUED, Book, Tracked

MINUTE_NS = 60_000_000_000
SECOND_NS = 1_000_000_000


class GatewayLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What leaves the gateway at most; 0 is no limit. Money is in account currency.

    Orders that only make a position smaller are held to the rates alone.
    """

    orders_per_minute: int = 60  # submits and replaces of any 60 s
    notional_per_order: float = 0.0
    position_lots: int = 0  # of one symbol, all working orders filled
    day_loss: float = 0.0  # since the first equity of the UTC day
    on_day_loss: Literal["freeze", "flatten"] = "flatten"
    price_band: float = 0.2  # fraction of the last close that prices may lie away from it
    rejects_in_row: int = 3  # that freeze
    intent_age_ns: int = 0  # after which an intent expires unsent
    send_rate: float = 5.0  # messages a second, of any kind
    send_burst: int = 10
    answer_ns: int = 5_000_000_000  # after which an unanswered order is unsure
    grace_ns: int = 10_000_000_000  # between two looks that both miss an order
    reconcile_ns: int = 60_000_000_000


class Pace:
    """A token bucket for all messages, and the orders of the last minute."""

    def __init__(self, limits: GatewayLimits) -> None:
        self._limits = limits
        self._tokens = float(limits.send_burst)
        self._at_ns = 0
        self.orders: deque[int] = deque()  # when those of the last minute went out

    def ready(self, now_ns: int) -> bool:
        """Return whether another message may go out now."""
        if self._limits.send_rate <= 0.0:
            return True
        passed = max(0, now_ns - self._at_ns) if self._at_ns else 0
        self._at_ns = max(now_ns, self._at_ns)
        full = float(self._limits.send_burst)
        self._tokens = min(full, self._tokens + passed * self._limits.send_rate / SECOND_NS)
        return self._tokens >= 1.0

    def full(self, now_ns: int) -> bool:
        """Return whether the minute has all the orders it may have."""
        while self.orders and self.orders[0] <= now_ns - MINUTE_NS:
            self.orders.popleft()
        most = self._limits.orders_per_minute
        return most > 0 and len(self.orders) >= most

    def count(self, now_ns: int, *, order: bool) -> None:
        """Count a message that goes out and is not journaled as `Sent`, or is by `take`."""
        self._tokens -= 1.0
        if order:
            self.full(now_ns)  # forgets those of earlier minutes
            self.orders.append(now_ns)

    def take(self, at_ns: int, *, order: bool) -> None:
        """Count a message that went out according to the journal."""
        if at_ns > 0:
            self.ready(at_ns)
            self.count(at_ns, order=order)

    def start(self, now_ns: int) -> None:
        """Take the time of a new process: what went out later than now went out now."""
        self.orders = deque(min(at_ns, now_ns) for at_ns in self.orders)
        self._at_ns = min(self._at_ns, now_ns)


def reduces(book: Book, intent: Intent) -> bool:
    """Return whether an intent only makes a position smaller, by the fills themselves."""
    held = book.held.get(intent.symbol, 0)
    return intent.reduce_only and intent.lots * held < 0 and abs(intent.lots) <= abs(held)


def broken(
    limits: GatewayLimits, book: Book, intent: Intent, close: float, lot_value: float
) -> str:
    """Return the limit that an order would break, or nothing.

    `close` is the last price, 0 if there was none: then no limit that needs one can hold.
    """
    if reduces(book, intent):
        return ""
    if book.frozen:
        return "frozen"
    if limits.price_band > 0.0 and not _inside(limits, intent, close):
        return "price_band"
    if limits.notional_per_order > 0.0:
        price = max(close, intent.limit, intent.stop)
        value = abs(intent.lots) * lot_value * price
        if close <= 0.0 or not value <= limits.notional_per_order:
            return "notional_per_order"
    if limits.position_lots > 0 and abs(reach(book, intent)) > limits.position_lots:
        return "position_lots"
    return ""


def _inside(limits: GatewayLimits, intent: Intent, close: float) -> bool:
    prices = [p for p in (intent.limit, intent.stop) if p != 0.0]
    return all(abs(p - close) <= limits.price_band * close for p in prices)


def reach(book: Book, intent: Intent, *, exits: bool = False) -> int:
    """Return the position if this and all working orders of its side fill.

    With `exits` those that make the position smaller fill first, which a venue may do.
    """
    symbol, held = intent.symbol, book.held.get(intent.symbol, 0)
    lots, closed = held + book.external.get(symbol, 0) + intent.lots, 0
    for order in beside(book, intent):
        if order.intent.reduce_only and reduces(book, order.intent):
            closed += abs(order.left)
        else:
            lots += order.left
    side = 1 if intent.lots > 0 else -1
    return lots + side * min(closed, abs(held)) if exits else lots


def beside(book: Book, intent: Intent) -> list[Tracked]:
    """Return the orders of the same symbol and side that the venue may have."""
    return [
        order
        for order in book.working()
        if order.stage != QUEUED
        and order.intent.client_id != intent.client_id
        and order.intent.symbol == intent.symbol
        and (order.intent.lots > 0) == (intent.lots > 0)
    ]
