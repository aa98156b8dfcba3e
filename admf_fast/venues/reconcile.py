"""Comparing the venue's account with ours, now and then."""

from admf_fast.errors import VenueError
from admf_fast.journal.messages import Intent
from admf_fast.venues.book import IDLE, UNSURE
from admf_fast.venues.floor import Floor
from admf_fast.venues.limits import reach

TOLD_KEPT = 1000


class Reconciler:
    """Looks at orders and positions; two looks in a row must agree before anything is said.

    Between a fill and its report the two accounts differ rightly, and lists of open orders
    lag behind: one look that finds a difference is none.
    """

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self.due_ns = 0
        self._suspected: dict[str, tuple[int, int]] = {}
        self._told: dict[str, None] = {}  # ids that are not ours, the latest of them

    def look(self, now_ns: int) -> None:
        """Compare, if it is time, and say what was found."""
        if now_ns < self.due_ns:
            return
        circuit, limits = self._floor.circuit, self._floor.limits
        try:
            views = circuit.ask("open_orders")
            positions = circuit.ask("positions")
        except VenueError:
            self.due_ns = now_ns + limits.grace_ns  # the circuit has said so
            return
        again = bool(self._suspected)
        self._orders([v.client_id for v in views], now_ns)
        self._positions(positions, now_ns)
        new = bool(self._suspected) and not again
        self.due_ns = now_ns + (limits.grace_ns if new else limits.reconcile_ns)

    def doubts(self, intent: Intent) -> bool:
        """Whether an order breaks the position limit if the venue's account is the right one.

        The order waits then: the next look finds that the accounts agree, or freezes. An
        operator who lifted a freeze does not lift the limit.
        """
        ours, theirs = self._suspected.get(intent.symbol, (0, 0))
        most = self._floor.limits.position_lots
        differ = most > 0 and ours != theirs
        return differ and abs(reach(self._floor.book, intent) + theirs - ours) > most

    def _orders(self, open_ids: list[str], now_ns: int) -> None:
        book = self._floor.book
        for client_id in open_ids:
            if client_id not in book.orders and client_id not in self._told:
                self._told[client_id] = None
                self._freeze(
                    "O05", f"the venue has an order {client_id!r} that is not ours", now_ns
                )
        while len(self._told) > TOLD_KEPT:
            del self._told[next(iter(self._told))]
        for order in book.working():
            # O12: a list may omit an order. It is asked for by its own id.
            if order.stage == IDLE and order.intent.client_id not in open_ids:
                order.move(UNSURE, now_ns)

    def _positions(self, positions: dict[str, int], now_ns: int) -> None:
        book = self._floor.book
        suspected: dict[str, tuple[int, int]] = {}
        for symbol in sorted({*positions, *book.held, *book.external}):
            ours = book.held.get(symbol, 0) + book.external.get(symbol, 0)
            theirs = positions.get(symbol, 0)
            if ours == theirs:
                continue
            suspected[symbol] = (ours, theirs)
            if self._suspected.get(symbol) == (ours, theirs):
                text = f"{symbol}: the venue holds {theirs} lots, our fills come to {ours}"
                self._freeze("O11", text, now_ns)
        self._suspected = suspected

    def _freeze(self, rule: str, text: str, now_ns: int) -> None:
        self._floor.note(rule, text)
        self._floor.command("freeze", f"{rule}: {text}", now_ns)
