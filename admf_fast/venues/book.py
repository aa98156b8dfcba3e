"""What the gateway knows of every order, and what a report may change of it.

It is made of journaled messages alone, in their order, so that it is the same after a
restart. An order's `status` and `left` are those of the engine: a report that is passed on
is one that the engine takes.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from admf_fast.journal.messages import Command, Expired, Intent, Message, Report, Sent
from admf_fast.runners.between import FILLS, is_usable
from admf_fast.venues.holds import holds_after
from admf_kernels.execution.orders import may_become
from admf_kernels.execution.reasons import STATUSES

# Where an order stands between us and the venue. Unsure: nobody knows whether the venue has
# it. Idle: the venue has answered everything.
QUEUED, SENT, UNSURE, IDLE, OVER = "queued", "sent", "unsure", "idle", "over"
FINAL = ("filled", "canceled", "expired", "rejected")


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
    changes: int = 0  # how often the venue refused them
    cancels: Intent | None = None  # the wish to end it
    cancel_sent: bool = False
    withheld: Report | None = None  # the venue's end of it, which fills have still to precede
    misses: int = 0  # looks in a row that did not find it
    missed_ns: int = 0  # the first of them
    asked_ns: int = 0  # the last look
    short_ns: int = 0  # the first look since the last fill that missed fills; 0 for none
    told: bool = False  # that they are missing

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
            order = self.orders[message.client_id]
            if message.action == "submit":
                order.attempts = message.attempt
                order.stage = SENT if order.stage == QUEUED else order.stage
            elif message.action == "replace":
                order.change = None
            else:
                order.cancel_sent = True
        elif isinstance(message, Expired) and message.client_id in self.orders:
            self.orders[message.client_id].stage = OVER
        elif isinstance(message, Report):
            self.book(message)
        elif isinstance(message, Command):
            self.holds = holds_after(self.holds, message)
            if "limit" not in self.holds:  # a resume brings no fills: what misses some says so
                for order in self.working():
                    order.told = False

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
        self.seen[report.report_id] = None
        order = self.orders.get(report.client_id)
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
        elif report.status in FINAL:
            order.status = report.status
        order.stage = OVER if order.status in FINAL else order.stage
        if order.stage not in (OVER, QUEUED):
            order.stage = SENT if order.cancel_sent else IDLE  # its cancel is to be answered

    def hear(self, report: Report) -> Heard:
        """Return what a report of the venue comes to; nothing is changed but `duplicates`."""
        if report.report_id in self.seen:
            self.duplicates += 1
            return Heard(None)
        order = self.orders.get(report.client_id)
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
