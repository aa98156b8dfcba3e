"""The one way to a venue: limits, rates, the fate of every order, the state of the account.

The gateway is told the time and returns messages. It keeps no file, has no clock and never
touches the runner, so a simulator and a live process drive the same code.
"""

from collections import deque

import msgspec

from admf_fast.errors import VenueError
from admf_fast.journal.messages import (
    BarInput,
    Command,
    Expired,
    Intent,
    Message,
    Note,
    Report,
    Sent,
)
from admf_fast.runners.between import FILLS
from admf_fast.venues.book import (
    FINAL,
    IDLE,
    OVER,
    QUEUED,
    SENT,
    UNSURE,
    Book,
    Tracked,
    is_own,
    own_report,
)
from admf_fast.venues.limits import GatewayLimits, Pace, broken, reduces
from admf_fast.venues.protocol import DownError, RefusedError, UnsureError, Venue
from admf_fast.venues.reconcile import Reconciler
from admf_kernels.execution.orders import may_become
from admf_kernels.execution.reasons import STATUSES

DAY_NS = 86_400_000_000_000
CHANGES_MAX = 3
NEW, LESS, END = 2, 1, 0  # who goes first: what ends an order, what makes a position smaller


class Gateway:
    """Takes journaled intents to a venue, and brings back what is to be journaled.

    Every call returns messages in order. Inputs among them (Report, Command) are journaled
    and then applied to the runner, as every input is; the gateway has counted them already.

    Parameters
    ----------
    venue : Venue
    limits : GatewayLimits
    account : str
        The only account it may be; empty for any.
    lot_value : float
        Account currency of one lot at price 1.
    """

    def __init__(
        self, venue: Venue, limits: GatewayLimits, *, account: str = "", lot_value: float = 1.0
    ) -> None:
        self._venue = venue
        self.limits = limits
        self._account = account
        self._lot_value = lot_value
        self.book = Book()
        self._pace = Pace(limits)
        self._reconciler = Reconciler(venue, self.book, limits)
        self._close = 0.0
        self._day, self._day_equity, self._stopped_day = -1, 0.0, -1
        self._rejects = 0
        self._down = False
        self._last_report = ""  # of the venue, that is journaled
        self._out: list[Message] = []
        self._inbox: deque[Report] = deque()

    def replay(self, message: Message) -> None:
        """Learn from a journaled message; after a restart all of them, oldest first.

        While running, only from commands that did not come from the gateway.
        """
        if isinstance(message, BarInput):
            self._close = message.close
        elif isinstance(message, Report) and not is_own(message):
            self._last_report = message.report_id
        self.book.note(message)

    def start(self, now_ns: int) -> list[Message]:
        """Check the account, and ask for every order that is not known to be over.

        Raises VenueError where the account is not the one that was configured, or nobody
        answers; nothing was sent then.
        """
        found = self._venue.account()
        if self._account and found != self._account:
            raise VenueError(
                f"account: expected {self._account!r}, the venue says {found!r}; nothing was "
                "sent. Set the account of the configuration, or the venue's address, right"
            )
        self._venue.resume(self._last_report)
        for order in self.book.working():
            order.move(UNSURE, 0)
            order.cancel_sent = False
        self._reconciler.due_ns = now_ns
        return self.poll(now_ns)

    def bar(self, ts_ns: int, close: float, equity: float) -> list[Message]:
        """Take the last price and the equity at it; a broken day's limit gives a command."""
        self._close = close
        if ts_ns // DAY_NS != self._day:
            self._day, self._day_equity = ts_ns // DAY_NS, equity
        most = self.limits.day_loss
        if most > 0.0 and self._day_equity - equity > most and self._stopped_day != self._day:
            self._stopped_day = self._day
            lost = self._day_equity - equity
            self._command(self.limits.on_day_loss, f"day_loss: lost {lost!r}", ts_ns)
        return self._taken()

    def send(self, intents: list[Intent], now_ns: int) -> list[Message]:
        """Take journaled intents, and send what limits, rate and connection allow now."""
        for intent in intents:
            self.book.want(intent)
        self._pump(now_ns)
        return self._taken()

    def poll(self, now_ns: int) -> list[Message]:
        """Take what the venue reports, look after unsure orders, send what waited.

        At most one fill is returned at once, for the runner's answer to it may change what
        the next one means: poll until nothing is returned.
        """
        try:
            self._inbox.extend(self._venue.poll(now_ns))
            self._up(now_ns)
        except VenueError as error:
            self._gone(error, now_ns)
        while self._inbox:
            if self._hear(self._inbox.popleft(), now_ns):
                return self._taken()
        for order in self.book.working():
            self._look_after(order, now_ns)
        if not self._down:
            for message in self._reconciler.look(now_ns):
                self._say(message)
            self._pump(now_ns)
        return self._taken()

    @property
    def settled(self) -> bool:
        """Whether nothing waits: to be sent, to be answered, or to be made sure of."""
        done = (o.stage == IDLE and not o.change and not o.withheld for o in self.book.working())
        return all(done) and not self._down and not self._inbox

    @property
    def frozen(self) -> bool:
        """Whether nothing but what ends orders or reduces positions goes out."""
        return self.book.frozen

    # What it says.

    def _taken(self) -> list[Message]:
        out, self._out = self._out, []
        return out

    def _say(self, message: Message) -> None:
        """Add a message, and count what it says."""
        if self.book.repeats(message):
            return
        self.book.note(message)
        self._out.append(message)

    def _command(self, action: str, reason: str, now_ns: int) -> None:
        self._say(Command(action=action, origin="limit", reason=reason, ts_ns=now_ns))

    def _end(self, order: Tracked, status: str, reason: str, now_ns: int) -> None:
        """Tell the runner that an order is over, where no venue does."""
        self._say(own_report(order, "gateway", status, now_ns, reason))
        order.stage = OVER

    # Hearing.

    def _hear(self, report: Report, now_ns: int) -> bool:
        """Take a report; returns whether a fill was passed on."""
        order = self.book.orders.get(report.client_id)
        works = order is not None and order.stage != OVER
        if order is not None and works and report.reason == "replace_rejected":
            if report.report_id in self.book.seen:
                return False
            self.book.seen[report.report_id] = None
            order.changes += 1
            order.move(UNSURE, now_ns)
            order.change = order.intent
            return False
        if order is not None and works and order.awaits_fills(report):
            if order.withheld is None:
                order.withheld = report
                order.move(UNSURE, now_ns)
            return False
        heard = self.book.hear(report)
        if heard.report is not None:
            # First of all, for what follows may be about it.
            self._say(heard.report)
            self._count_reject(heard.report, now_ns)
            if order is not None and heard.report.status != report.status:
                order.move(UNSURE, now_ns)
        if heard.text:
            self._say(Note(rule=heard.rule, text=heard.text))
            if order is not None and works and heard.report is None:
                order.move(UNSURE, now_ns)
        if heard.freezes:
            self._command("freeze", f"{heard.rule}: {heard.text}", now_ns)
        if order is not None and order.withheld and not order.awaits_fills(order.withheld):
            self._inbox.appendleft(order.withheld)
            order.withheld = None
        return heard.report is not None and heard.report.lots != 0

    def _count_reject(self, report: Report, now_ns: int) -> None:
        if report.status != "rejected":
            self._rejects = 0 if report.status in ("accepted", *FILLS) else self._rejects
            return
        self._rejects += 1
        order = self.book.orders[report.client_id]
        most = self.limits.rejects_in_row
        if most and self._rejects >= most:
            self._command("freeze", f"O01: {self._rejects} orders in a row rejected", now_ns)
        elif order.intent.reduce_only:
            self._command("freeze", f"O01: an exit was rejected: {report.reason}", now_ns)

    # Making sure.

    def _up(self, now_ns: int) -> None:
        if self._down:  # O14: whatever happened meanwhile is asked for
            self._down = False
            self._say(Note(rule="O14", text="the venue answers again; all orders are asked for"))
            for order in self.book.working():
                if order.stage != QUEUED:
                    order.move(UNSURE, now_ns)
            self._reconciler.due_ns = now_ns

    def _gone(self, error: VenueError, now_ns: int) -> None:
        if not self._down:
            self._down = True
            self._say(Note(rule="O14", text=f"the venue does not answer: {error}"))

    def _look_after(self, order: Tracked, now_ns: int) -> None:
        waited = now_ns - order.since_ns
        if order.stage == SENT and waited >= self.limits.answer_ns:
            text = f"order {order.intent.order_id} was not answered; it is asked for, not resent"
            self._say(Note(rule="O06", text=text))
            order.move(UNSURE, now_ns)
        if order.stage == UNSURE and not self._down:
            self._ask(order, now_ns)

    def _ask(self, order: Tracked, now_ns: int) -> None:
        """Ask for an unsure order; it is gone only when two looks, a while apart, miss it."""
        soon = order.asked_ns and now_ns - order.asked_ns < self.limits.answer_ns // 5
        if soon or not self._pace.ready(now_ns):
            return
        order.asked_ns = now_ns
        self._pace.count(now_ns, order=False)
        try:
            view = self._venue.query(order.intent.client_id)
        except VenueError:
            return
        if view is None:
            self._miss(order, now_ns)
            return
        if order.status == "submitted" and view.status not in (*FINAL, *FILLS):
            self._say(own_report(order, "query", "accepted", now_ns))
            order.stage = UNSURE  # until fills agree, too
        if view.status in FINAL:
            self._settle(order, view.status, view.filled, now_ns)
        elif view.filled == order.filled:
            if order.changes > CHANGES_MAX:
                self._command("freeze", f"O10: order {order.intent.order_id} refuses to be "
                              "changed", now_ns)  # fmt: skip
                order.change = None
            order.cancel_sent = False  # one that was wanted had no effect
            order.move(IDLE, now_ns)

    def _settle(self, order: Tracked, status: str, filled: int, now_ns: int) -> None:
        """An order is over at the venue; its fills have come, or will by the next poll."""
        if filled == order.filled:
            order.withheld = None
            may = may_become(STATUSES.index(order.status), STATUSES.index(status))
            plain = may and status not in FILLS
            self._end(order, status if plain else "canceled", "by_query", now_ns)
            return
        order.short_ns = order.short_ns or now_ns
        if now_ns - order.short_ns >= self.limits.grace_ns and not order.told:
            order.told = True
            text = (
                f"order {order.intent.order_id}: the venue filled {filled} lots, "
                f"{order.filled} were reported; fills are missing"
            )
            self._say(Note(rule="O11", text=text))
            self._command("freeze", f"O11: {text}", now_ns)

    def _miss(self, order: Tracked, now_ns: int) -> None:
        order.misses += 1
        if order.misses == 1:
            order.missed_ns = now_ns
        if order.misses < 2 or now_ns - order.missed_ns < self.limits.grace_ns:
            return
        if order.status != "submitted":
            text = f"order {order.intent.order_id} was {order.status}, and the venue lost it"
            self._say(Note(rule="O12", text=text))
            self._end(order, "canceled", "lost", now_ns)
            self._command("freeze", f"O12: {text}", now_ns)
        else:  # it never arrived
            order.move(QUEUED, now_ns)

    # Sending.

    def _pump(self, now_ns: int) -> None:
        """Send what is due, the most urgent first; the oldest first among equals."""
        due = [(self._rank(o), k, o) for k, o in enumerate(self.book.working()) if o.is_due]
        for _, _, order in sorted(due, key=lambda d: d[:2]):
            if order.stage == QUEUED and self._drop(order, now_ns):
                continue
            if self._down or not self._pace.ready(now_ns):
                continue
            self._send_next(order, now_ns)

    def _rank(self, order: Tracked) -> int:
        if order.cancels is not None:
            return END
        return LESS if reduces(self.book, order.intent) else NEW

    def _drop(self, order: Tracked, now_ns: int) -> bool:
        """End an order that was not sent and will not be: unwanted by now, or too old."""
        oldest = self.limits.intent_age_ns
        if order.cancels is not None:
            self._end(order, "canceled", "not_sent", now_ns)
        elif oldest and now_ns - order.intent.ts_ns > oldest:
            reason = f"O18: {(now_ns - order.intent.ts_ns) / 1e9:.1f} s old"
            self._say(Expired(client_id=order.intent.client_id, reason=reason))
            self._end(order, "expired", "too_old", now_ns)
        return order.stage == OVER

    def _send_next(self, order: Tracked, now_ns: int) -> None:
        """Send the next message about an order, if the limits allow it."""
        if order.stage != QUEUED and order.cancels is not None:
            self._hand_over(order, order.cancels, now_ns)
            return
        intent = msgspec.structs.replace(order.intent, lots=order.left)
        reducing = reduces(self.book, intent)
        limit = broken(self.limits, self.book, intent, self._close, self._lot_value)
        if not reducing and (self._close <= 0.0 or (not limit and self._reconciler.doubts(intent))):
            return  # no limit can be held to before the first price, or while books differ
        if not limit and self._pace.full(now_ns):
            if reducing:
                return  # it waits for its minute
            limit = "orders_per_minute"
        if not limit:
            self._hand_over(order, intent, now_ns)
            return
        self._say(Note(rule="O16", text=f"order {intent.order_id} not sent: {limit}"))
        if order.stage == QUEUED:
            self._end(order, "rejected", limit, now_ns)
        else:  # other terms that may not be: what works under the old ones is ended
            order.change, order.cancels = None, msgspec.structs.replace(intent, action="cancel")
        if limit != "frozen":
            self._command("freeze", f"O16: {limit}", now_ns)

    def _hand_over(self, order: Tracked, intent: Intent, now_ns: int) -> None:
        action = "submit" if order.stage == QUEUED else intent.action
        intent = msgspec.structs.replace(intent, action=action)
        attempt = order.attempts + 1 if action == "submit" else 1
        stage = SENT
        try:
            getattr(self._venue, action)(intent, now_ns)
        except DownError as error:
            self._gone(error, now_ns)
            return
        except UnsureError as error:
            self._say(Note(rule="O06", text=f"{action} of order {intent.order_id}: {error}"))
            stage = UNSURE
        except RefusedError as error:
            self._pace.count(now_ns, order=action != "cancel")
            self._refused(order, action, str(error), now_ns)
            return
        self._pace.count(now_ns, order=action != "cancel")
        self._say(Sent(client_id=intent.client_id, action=action, attempt=attempt))
        order.move(stage, now_ns)

    def _refused(self, order: Tracked, action: str, text: str, now_ns: int) -> None:
        self._say(Note(rule="O01", text=f"{action} of order {order.intent.order_id}: {text}"))
        if action == "submit":
            self._end(order, "rejected", text, now_ns)
            self._count_reject(own_report(order, "gateway", "rejected", now_ns, text), now_ns)
            return
        if action == "replace":
            order.changes += 1
        else:
            order.cancel_sent = True
        order.move(UNSURE, now_ns)  # it may be over: nobody cancels or changes in vain
