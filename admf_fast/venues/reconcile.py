"""Comparing the venue's account with ours, now and then."""

from admf_fast.errors import VenueError
from admf_fast.journal.messages import Command, Intent, Message, Note
from admf_fast.venues.book import IDLE, UNSURE, Book
from admf_fast.venues.limits import GatewayLimits, leaving, reach
from admf_fast.venues.protocol import Venue


class Reconciler:
    """Looks at orders and positions; two looks in a row must agree before anything is said.

    Between a fill and its report the two accounts differ rightly, and lists of open orders
    lag behind: one look that finds a difference is none.
    """

    def __init__(self, venue: Venue, book: Book, limits: GatewayLimits) -> None:
        self._venue, self._book, self._limits = venue, book, limits
        self.due_ns = 0
        self._suspected: dict[str, tuple[int, int]] = {}
        self._told: dict[str, None] = {}

    def look(self, now_ns: int) -> list[Message]:
        """Compare, if it is time; returns what was found."""
        if now_ns < self.due_ns:
            return []
        try:
            views = self._venue.open_orders()
            positions = self._venue.positions()
        except VenueError:
            return []
        again = bool(self._suspected)
        found = self._orders([v.client_id for v in views], now_ns)
        found += self._positions(positions, now_ns)
        new = bool(self._suspected) and not again
        self.due_ns = now_ns + (self._limits.grace_ns if new else self._limits.reconcile_ns)
        return found

    def doubts(self, intent: Intent) -> bool:
        """Whether an order breaks the position limit if the venue's account is the right one.

        The order waits then: the next look finds that the accounts agree, or freezes. An
        operator who lifted a freeze does not lift the limit. Of an order that turns a position
        while others at work may leave it, the venue is asked: one may have filled by now.
        """
        most, far = self._limits.position_lots, reach(self._book, intent)
        if most <= 0:
            return False
        ours, theirs = self._suspected.get(intent.symbol, (0, 0))
        if abs(far) + leaving(self._book, intent) > most:
            ours = self._ours(intent.symbol)
            try:
                theirs = self._venue.positions().get(intent.symbol, 0)
            except VenueError:
                return True
        return ours != theirs and abs(far + theirs - ours) > most

    def _ours(self, symbol: str) -> int:
        return self._book.held.get(symbol, 0) + self._book.external.get(symbol, 0)

    def _orders(self, open_ids: list[str], now_ns: int) -> list[Message]:
        found: list[Message] = []
        for client_id in open_ids:
            order = self._book.orders.get(client_id)
            foreign = order is None
            if foreign and client_id not in self._told:
                self._told[client_id] = None
                text = f"the venue has an order {client_id!r} that is not ours"
                found += [Note(rule="O05", text=text), _freeze(f"O05: {text}", now_ns)]
        for order in self._book.working():
            # O12: a list may omit an order. It is asked for by its own id.
            if order.stage == IDLE and order.intent.client_id not in open_ids:
                order.move(UNSURE, now_ns)
        return found

    def _positions(self, positions: dict[str, int], now_ns: int) -> list[Message]:
        found: list[Message] = []
        suspected: dict[str, tuple[int, int]] = {}
        for symbol in sorted({*positions, *self._book.held, *self._book.external}):
            ours = self._ours(symbol)
            theirs = positions.get(symbol, 0)
            if ours == theirs:
                continue
            suspected[symbol] = (ours, theirs)
            if self._suspected.get(symbol) == (ours, theirs):
                text = f"{symbol}: the venue holds {theirs} lots, our fills come to {ours}"
                found += [Note(rule="O11", text=text), _freeze(f"O11: {text}", now_ns)]
        self._suspected = suspected
        return found


def _freeze(reason: str, now_ns: int) -> Command:
    return Command(action="freeze", origin="limit", reason=reason, ts_ns=now_ns)
