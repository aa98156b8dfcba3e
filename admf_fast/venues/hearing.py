"""Hearing what a venue reports: each report once, in an order that the engine takes."""

from collections import deque
from collections.abc import Iterable

from admf_fast.journal.messages import Report
from admf_fast.venues.book import IDLE, OVER, SENT, UNSURE, Heard, Tracked
from admf_fast.venues.floor import Floor


class Listener:
    """Takes reports one after the other; those not taken yet wait."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._inbox: deque[Report] = deque()

    @property
    def waits(self) -> bool:
        """Whether reports were not taken yet."""
        return bool(self._inbox)

    def add(self, reports: Iterable[Report]) -> None:
        """Add what the venue told."""
        self._inbox.extend(reports)

    def listen(self, now_ns: int) -> bool:
        """Take reports up to the next fill; returns whether there was one."""
        while self._inbox:
            if self._hear(self._inbox.popleft(), now_ns):
                return True
        return False

    def _hear(self, report: Report, now_ns: int) -> bool:
        """Take a report; returns whether a fill was passed on."""
        book = self._floor.book
        order = book.orders.get(report.client_id)
        works = order is not None and order.stage != OVER
        if order is not None and works:
            if report.reason == "replace_rejected":
                self._not_replaced(order, report, now_ns)
                return False
            if order.awaits_fills(report):
                self._withhold(order, report, now_ns)
                return False
            again = report.status == "accepted" and order.status != "submitted"
            if again and order.changing and report.report_id not in book.seen:
                self._holds(order, now_ns)
        heard = book.hear(report)
        self._pass_on(heard, order, report, now_ns)
        if heard.text and order is not None and works and heard.report is None:
            order.move(UNSURE, now_ns)
        if order is not None and order.withheld and not order.awaits_fills(order.withheld):
            self._inbox.appendleft(order.withheld)
            order.withheld = None
        return heard.report is not None and heard.report.lots != 0

    def _holds(self, order: Tracked, now_ns: int) -> None:
        """Other terms are in force: some venues say that as they said it of the first ones."""
        order.changing = False
        if order.stage == SENT and not order.cancel_sent:
            order.move(IDLE, now_ns)

    def _not_replaced(self, order: Tracked, report: Report, now_ns: int) -> None:
        book = self._floor.book
        if report.report_id in book.seen:
            return
        book.see(report.report_id, report.ts_ns, order)
        order.changes += 1
        order.move(UNSURE, now_ns)
        order.change, order.changing = order.intent, False

    def _withhold(self, order: Tracked, report: Report, now_ns: int) -> None:
        if order.withheld is None:
            order.withheld = report
            order.move(UNSURE, now_ns)

    def _pass_on(
        self, heard: Heard, order: Tracked | None, report: Report, now_ns: int
    ) -> None:  # fmt: skip
        """Say what a report comes to: itself first of all, for what follows may be about it."""
        floor = self._floor
        if heard.report is not None:
            floor.say(heard.report)
            if order is not None:
                if heard.report.status == "rejected":
                    check_rejects(floor, order, heard.report.reason, now_ns)
                if heard.report.status != report.status:
                    order.move(UNSURE, now_ns)
        if heard.text:
            # One that is set aside is not asked for again by the next process.
            aside = "" if heard.report is not None else report.report_id
            floor.note(heard.rule, heard.text, aside)
        if heard.freezes:
            floor.command("freeze", f"{heard.rule}: {heard.text}", now_ns)


def check_rejects(floor: Floor, order: Tracked, reason: str, now_ns: int) -> None:
    """Freeze where this rejected order is one too many in a row, or an exit."""
    most, rejects = floor.limits.rejects_in_row, floor.tallies.rejects
    if most and rejects >= most:
        floor.command("freeze", f"O01: {rejects} orders in a row rejected", now_ns)
    elif order.intent.reduce_only:
        floor.command("freeze", f"O01: an exit was rejected: {reason}", now_ns)
