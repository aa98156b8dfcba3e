"""Making sure of orders whose fate nobody knows: they are asked for, never guessed at."""

from admf_fast.errors import VenueError
from admf_fast.runners.between import FILLS
from admf_fast.venues.book import FINAL, IDLE, QUEUED, SENT, UNSURE, Tracked, own_report
from admf_fast.venues.floor import Floor
from admf_fast.venues.protocol import OrderView
from admf_kernels.execution.orders import may_become
from admf_kernels.execution.reasons import STATUSES

CHANGES_MAX = 3


class Inquirer:
    """Asks a venue for orders by their client ids."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def all_unsure(self, now_ns: int) -> None:
        """Have all orders asked for that the venue may know of: it was away."""
        for order in self._floor.book.working():
            if order.stage != QUEUED:
                order.move(UNSURE, now_ns)

    def look(self, now_ns: int) -> None:
        """Ask for what is unsure, as far as the rate allows."""
        for order in self._floor.book.working():
            if order.stage == SENT and now_ns - order.since_ns >= self._floor.limits.answer_ns:
                name = order.intent.order_id
                text = f"order {name} was not answered; it is asked for, not resent"
                self._floor.note("O06", text)
                order.move(UNSURE, now_ns)
            if order.stage == UNSURE and not self._floor.circuit.down:
                self._ask(order, now_ns)

    def _ask(self, order: Tracked, now_ns: int) -> None:
        """Ask for an unsure order; it is gone only when two looks, a while apart, miss it."""
        floor, pace = self._floor, self._floor.tallies.pace
        soon = order.asked_ns and now_ns - order.asked_ns < floor.limits.answer_ns // 5
        if soon or not pace.ready(now_ns):
            return
        order.asked_ns = now_ns
        pace.count(now_ns, order=False)
        try:
            view = floor.circuit.ask("query", order.intent.client_id)
        except VenueError:
            return  # the circuit has said so
        if view is None:
            self._miss(order, now_ns)
        else:
            self._found(order, view, now_ns)

    def _found(self, order: Tracked, view: OrderView, now_ns: int) -> None:
        floor = self._floor
        if order.status == "submitted" and view.status not in (*FINAL, *FILLS):
            floor.say(own_report(order, "query", "accepted", now_ns))
            order.stage = UNSURE  # until fills agree, too
        if view.status in FINAL:
            self._settle(order, view.status, view.filled, now_ns)
        elif view.filled == order.filled:
            if order.changing:  # nobody says on which terms it works
                order.changes += 1
                order.change, order.changing = order.intent, False
            if order.changes > CHANGES_MAX:
                text = f"order {order.intent.order_id} refuses to be changed"
                floor.command("freeze", f"O10: {text}", now_ns)
                order.change = None
            order.cancel_sent = False  # one that was wanted had no effect
            order.move(IDLE, now_ns)

    def _settle(self, order: Tracked, status: str, filled: int, now_ns: int) -> None:
        """An order is over at the venue; its fills have come, or will by the next poll."""
        floor = self._floor
        if filled == order.filled:
            order.withheld = None
            may = may_become(STATUSES.index(order.status), STATUSES.index(status))
            plain = may and status not in FILLS
            floor.end(order, status if plain else "canceled", "by_query", now_ns)
            return
        order.short_ns = order.short_ns or now_ns
        if now_ns - order.short_ns >= floor.limits.grace_ns and not order.told:
            order.told = True
            text = (
                f"order {order.intent.order_id}: the venue filled {filled} lots, "
                f"{order.filled} were reported; fills are missing"
            )
            floor.note("O11", text)
            floor.command("freeze", f"O11: {text}", now_ns)

    def _miss(self, order: Tracked, now_ns: int) -> None:
        floor = self._floor
        order.misses += 1
        if order.misses == 1:
            order.missed_ns = now_ns
        if order.misses < 2 or now_ns - order.missed_ns < floor.limits.grace_ns:
            return
        if order.status != "submitted":
            text = f"order {order.intent.order_id} was {order.status}, and the venue lost it"
            floor.note("O12", text)
            floor.end(order, "canceled", "lost", now_ns)
            floor.command("freeze", f"O12: {text}", now_ns)
        else:  # it never arrived
            order.move(QUEUED, now_ns)
