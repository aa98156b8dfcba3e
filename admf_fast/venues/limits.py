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
        self._orders: deque[int] = deque()

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
        while self._orders and self._orders[0] <= now_ns - MINUTE_NS:
            self._orders.popleft()
        most = self._limits.orders_per_minute
        return most > 0 and len(self._orders) >= most

    def count(self, now_ns: int, *, order: bool) -> None:
        """Count a message that went out."""
        self._tokens -= 1.0
        if order:
            self._orders.append(now_ns)


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


def reach(book: Book, intent: Intent) -> int:
    """Return the position if this and all working orders of its side fill."""
    held = book.held.get(intent.symbol, 0) + book.external.get(intent.symbol, 0)
    beside = (o.left for o in _beside(book, intent) if not _leaves(book, o.intent))
    return held + intent.lots + sum(beside)


def leaving(book: Book, intent: Intent) -> int:
    """Return how many lots working orders of its side may leave the position by, before it."""
    beside = (abs(o.left) for o in _beside(book, intent) if _leaves(book, o.intent))
    return min(sum(beside), abs(book.held.get(intent.symbol, 0)))


def _leaves(book: Book, intent: Intent) -> bool:
    return intent.reduce_only and reduces(book, intent)


def _beside(book: Book, intent: Intent) -> list[Tracked]:
    """Return the other orders of its side that the venue has."""
    symbol, buying = intent.symbol, intent.lots > 0
    working = [o for o in book.working() if o.stage != QUEUED]
    return [
        o for o in working
        if o.intent.client_id != intent.client_id
        and o.intent.symbol == symbol and (o.intent.lots > 0) == buying
    ]  # fmt: skip
