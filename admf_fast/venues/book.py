"""What the gateway knows of every order, and what a report may change of it.

It is made of journaled messages alone, in their order, so that it is the same after a
restart. An order's `status` and `left` are those of the engine: a report that is passed on
is one that the engine takes.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from admf_fast.journal.messages import Command, Expired, Intent, Message, Note, Report, Sent
from admf_fast.runners.between import FILLS, is_usable
from admf_fast.venues.circuit import is_told
from admf_fast.venues.holds import holds_after
from admf_kernels.execution.orders import may_become
from admf_kernels.execution.reasons import STATUSES

# Where an order stands between us and the venue. Unsure: nobody knows whether the venue has
# it. Idle: the venue has answered everything.
QUEUED, SENT, UNSURE, IDLE, OVER = "queued", "sent", "unsure", "idle", "over"
FINAL = ("filled", "canceled", "expired", "rejected")
OVER_KEPT = 1000  # orders that are over, whose late reports are still known for theirs
STRANGERS_KEPT = 1000  # reports on orders that are not ours
REFUSED = "refused"  # origin of the report on an order that the venue did not take


@dataclass(slots=True)
class Tracked:
    """One order."""

    intent: Intent  # what is wanted of it now
    left: int  # signed lots still to fill, as the engine counts
    status: str = "submitted"
    stage: str = QUEUED
    since_ns: int = 0  # when it came to its stage
    filled: int = 0
    attempts: int = 0
    change: Intent | None = None  # other terms that have yet to be sent
    changing: bool = False  # whether others were sent, and nobody said that they hold
    changes: int = 0  # how often in a row the venue refused them, or did not answer
    cancels: Intent | None = None  # the wish to end it
    cancel_sent: bool = False
    withheld: Report | None = None  # the venue's end of it, which fills have still to precede
    misses: int = 0  # looks in a row that did not find it
    missed_ns: int = 0  # the first of them
    asked_ns: int = 0  # the last look
    short_ns: int = 0  # the first look since the last fill that missed fills; 0 for none
    told: bool = False  # that they are missing
    reports: list[str] = field(default_factory=list)  # ids of those that were heard
    last_ns: int = 0  # the latest of them

    def move(self, stage: str, now_ns: int) -> None:
        """Come to a stage."""
        self.stage, self.since_ns = stage, now_ns
        self.misses = 0

    @property
    def is_due(self) -> bool:
        """Whether something about it is to be sent; a cancel may be also while it is unsure."""
        if self.stage == QUEUED:
            return True
        if self.cancels is not None:
            return not self.cancel_sent
        return self.change is not None and self.stage != UNSURE

    def awaits_fills(self, report: Report) -> bool:
        """Return whether a report ends it before fills that the venue has counted."""
        ends = report.status in FINAL and report.status not in FILLS
        return ends and report.total is not None and report.total != self.filled


class Heard(NamedTuple):
    """What a report comes to: itself as the engine takes it, if so, and what to say of it."""

    report: Report | None
    rule: str = ""
    text: str = ""
    freezes: bool = False


@dataclass(slots=True)
class Book:
    """All orders by client id, what they filled, and what happened behind our back."""

    orders: dict[str, Tracked] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)  # lots by symbol
    external: dict[str, int] = field(default_factory=dict)  # by orders that are not ours
    seen: dict[str, None] = field(default_factory=dict)  # ids of reports
    holds: tuple[str, ...] = ()  # who keeps new entries from going out
    duplicates: int = 0
    over: dict[str, None] = field(default_factory=dict)  # client ids, in the order of their ends
    strangers: dict[str, int] = field(default_factory=dict)  # times of reports without an order
    forgotten_ns: int = 0  # the latest report on an order that is no longer known
    overtaken: int = 0  # reports that are older than that
    _alive: dict[str, Tracked] = field(default_factory=dict)  # those not over, and lately over

    @property
    def frozen(self) -> bool:
        """Whether anybody holds entries."""
        return bool(self.holds)

    def repeats(self, message: Message) -> bool:
        """Return whether a freeze is in force already, by its own origin.

        Another's, the feed's above all, may be lifted while this one has to stay.
        """
        if not isinstance(message, Command) or message.action != "freeze":
            return False
        return message.origin in self.holds

    def note(self, message: Message) -> None:
        """Learn from a journaled message."""
        if isinstance(message, Intent):
            self.want(message)
        elif isinstance(message, Sent) and message.client_id in self.orders:
            self._sent(self.orders[message.client_id], message)
        elif isinstance(message, Expired) and message.client_id in self.orders:
            self._end(self.orders[message.client_id])
        elif isinstance(message, Report):
            self.book(message)
        elif isinstance(message, Command):
            self.holds = holds_after(self.holds, message)
            if "limit" not in self.holds:  # a resume brings no fills: what misses some says so
                for order in self.working():
                    order.told = False
        elif isinstance(message, Note) and message.report_id:
            self.see(message.report_id)

    def _sent(self, order: Tracked, message: Sent) -> None:
        if message.refused:
            return
        if message.action == "submit":
            order.attempts = message.attempt
            order.stage = SENT if order.stage == QUEUED else order.stage
        elif message.action == "replace":
            order.change, order.changing = None, True
        else:
            order.cancel_sent = True

    def want(self, intent: Intent) -> Tracked | None:
        """Take an intent; returns its order, None for one that is not known."""
        order = self.orders.get(intent.client_id)
        if intent.action == "submit":
            if order is None:
                order = self.orders[intent.client_id] = Tracked(intent, intent.lots)
                self._alive[intent.client_id] = order
        elif order is not None and intent.action == "replace":
            order.intent, order.left = intent, intent.lots
            order.change = intent if order.stage != QUEUED else None
        elif order is not None:
            order.cancels = intent
        return order

    def book(self, report: Report) -> None:
        """Change what a report, as `hear` passed it on, changes."""
        order = self.orders.get(report.client_id)
        self.see(report.report_id, 0 if is_own(report) else report.ts_ns, order)
        if order is None:
            lots = self.external.get(report.symbol, 0) + report.lots
            self.external[report.symbol] = lots
            return
        symbol = order.intent.symbol
        if report.status in FILLS:
            self.held[symbol] = self.held.get(symbol, 0) + report.lots
            order.filled += report.lots
            order.short_ns = 0
            whole = report.lots == order.left
            ends = whole or report.adopted or report.status == "filled"
            if report.adopted and order.stage == OVER:
                return
            order.left = 0 if ends else order.left - report.lots
            order.status = "filled" if ends else "partially_filled"
        elif report.status == "accepted":
            order.status = "accepted" if order.status == "submitted" else order.status
        elif report.status == "replaced":
            order.changing, order.changes = False, 0
        elif report.status in FINAL:
            order.status = report.status
        if order.status in FINAL:
            self._end(order)
        elif order.stage not in (OVER, QUEUED):
            order.stage = SENT if order.cancel_sent else IDLE  # its cancel is to be answered

    def see(self, report_id: str, ts_ns: int = 0, order: Tracked | None = None) -> None:
        """Remember that a report was heard, for as long as its order is."""
        self.seen[report_id] = None
        if order is not None:
            order.reports.append(report_id)
            order.last_ns = max(order.last_ns, ts_ns)
            return
        self.strangers[report_id] = ts_ns
        while len(self.strangers) > STRANGERS_KEPT:
            oldest = next(iter(self.strangers))
            self.seen.pop(oldest, None)
            self.forgotten_ns = max(self.forgotten_ns, self.strangers.pop(oldest))

    def _end(self, order: Tracked) -> None:
        """An order is over; the one that has been for longest is forgotten.

        What comes of it later must neither be booked again nor be taken for another's: it is
        known by its time, which lies before `forgotten_ns`.
        """
        order.stage = OVER
        self.over[order.intent.client_id] = None
        while len(self.over) > OVER_KEPT:
            oldest = next(iter(self.over))
            del self.over[oldest]
            gone = self.orders.pop(oldest)
            self._alive.pop(oldest, None)
            self.forgotten_ns = max(self.forgotten_ns, gone.last_ns)
            for report_id in gone.reports:
                self.seen.pop(report_id, None)

    def adopt(self, order: Tracked) -> None:
        """Take an order of a saved book."""
        self.orders[order.intent.client_id] = order
        self.seen.update(dict.fromkeys(order.reports))
        if order.stage != OVER:
            self._alive[order.intent.client_id] = order

    def hear(self, report: Report) -> Heard:
        """Return what a report of the venue comes to; nothing is changed but `duplicates`."""
        if report.report_id in self.seen:
            self.duplicates += 1
            return Heard(None)
        order = self.orders.get(report.client_id)
        if order is None and 0 < self.forgotten_ns >= report.ts_ns:
            return self._overtaken(report)
        if not is_usable(report):
            text = f"cannot be booked: {_shown(report)}"
            return Heard(None, "O04", text, freezes=report.lots != 0)
        if order is None:
            text = f"order {report.client_id!r} is not ours: {_shown(report)}"
            return Heard(msgspec.structs.replace(report, order_id=0), "O05", text, freezes=True)
        ours = msgspec.structs.replace(
            report, order_id=order.intent.order_id, symbol=order.intent.symbol
        )
        if report.status in FILLS:
            return _fill(order, ours)
        if report.status == "replaced":
            return Heard(None if order.stage == OVER else ours)
        return _change(order, ours)

    def _overtaken(self, report: Report) -> Heard:
        self.overtaken += 1
        if not is_told(self.overtaken):
            return Heard(None)
        count = f"{self.overtaken} so far, " if self.overtaken > 1 else ""
        text = f"older than what is remembered, passed over, {count}positions are compared"
        return Heard(None, "O03", f"{text}: {_shown(report)}")

    def working(self) -> list[Tracked]:
        """Return the orders that are not over, oldest first."""
        self._alive = {k: o for k, o in self._alive.items() if o.stage != OVER}
        return list(self._alive.values())


def own_report(order: Tracked, origin: str, status: str, now_ns: int, reason: str = "") -> Report:
    """Return a report that no venue made, but the gateway or its query."""
    intent = order.intent
    return Report(
        report_id=f"{origin} {intent.client_id} {status}",
        client_id=intent.client_id,
        order_id=intent.order_id,
        ts_ns=now_ns,
        status=status,
        reason=reason,
        symbol=intent.symbol,
    )


def is_own(report: Report) -> bool:
    """Return whether a report was made by `own_report`."""
    return report.report_id.endswith(f" {report.client_id} {report.status}")


def is_refusal(report: Report) -> bool:
    """Return whether a report says that the venue refused an order at once."""
    return is_own(report) and report.report_id.startswith(f"{REFUSED} ")


def _fill(order: Tracked, report: Report) -> Heard:
    """A fill is always true; one that does not fit is booked, and trading stops."""
    adopted = msgspec.structs.replace(report, adopted=True)
    if order.stage == OVER:
        return Heard(adopted, "O04", f"filled after its end: {_shown(report)}", freezes=True)
    if report.lots * order.left <= 0 or abs(report.lots) > abs(order.left):
        text = f"expected at most {order.left} lots: {_shown(report)}"
        return Heard(adopted, "O09", text, freezes=True)
    said = order.filled + report.lots
    if report.status == "filled" and report.lots != order.left and report.total != said:
        # The last fill has overtaken others, or the order was smaller there: to be asked for.
        report = msgspec.structs.replace(report, status="partially_filled")
    limit, buying = order.intent.limit, report.lots > 0
    beyond = limit > 0.0 and (report.price > limit if buying else report.price < limit)
    if beyond:
        text = f"filled beyond its limit {limit!r}: {_shown(report)}"
        return Heard(report, "O09", text, freezes=True)
    if report.fee < 0.0:
        return Heard(report, "O09", f"a fee below 0, taken as a rebate: {_shown(report)}")
    return Heard(report)


def _change(order: Tracked, report: Report) -> Heard:
    """A change of state is passed on where the engine would take it, and changes something."""
    known = report.status in ("accepted", *FINAL)
    late = order.stage == OVER or (report.status == "accepted" and order.status != "submitted")
    if known and late:
        return Heard(None)
    if not known or not may_become(STATUSES.index(order.status), STATUSES.index(report.status)):
        text = f"{report.status} may not follow {order.status}: {_shown(report)}"
        return Heard(None, "O04", text)
    return Heard(report)


def _shown(report: Report) -> str:
    return (
        f"report {report.report_id!r} on order {report.order_id}: {report.status}, "
        f"{report.lots} lots at {report.price!r}, fee {report.fee!r}"
    )
