"""The way to the simulated exchange: calls that are counted, and a process that dies at them."""

from __future__ import annotations

from admf_fast.journal.messages import Intent, Report
from admf_fast.simulator.calls import Calls
from admf_fast.simulator.timeline import Timeline
from admf_fast.venues.exchange import Exchange
from admf_fast.venues.protocol import OrderView


class FarVenue:
    """An exchange as one process reaches it; it has a clock of its own.

    Attributes
    ----------
    sent : dict of str to int
        How often each client id was submitted.
    most_lots : int
        The largest position that ever was, absolute.
    """

    def __init__(self, exchange: Exchange, timeline: Timeline, calls: Calls) -> None:
        self.exchange = exchange
        self.sent: dict[str, int] = {}
        self.most_lots = 0
        self._timeline = timeline
        self._calls = calls

    def account(self) -> str:
        """Return the id of the account."""
        return self.exchange.account()

    def submit(self, intent: Intent, now_ns: int) -> None:
        """Hand a new order over."""
        self._calls.before("submit", intent.client_id)
        self.sent[intent.client_id] = self.sent.get(intent.client_id, 0) + 1
        self.exchange.submit(intent, self._timeline.now_ns)
        self._calls.after("submit", intent.client_id)

    def replace(self, intent: Intent, now_ns: int) -> None:
        """Change a working order."""
        self._calls.before("replace", intent.client_id)
        self.exchange.replace(intent, self._timeline.now_ns)
        self._calls.after("replace", intent.client_id)

    def cancel(self, intent: Intent, now_ns: int) -> None:
        """Cancel a working order."""
        self._calls.before("cancel", intent.client_id)
        self.exchange.cancel(intent, self._timeline.now_ns)
        self._calls.after("cancel", intent.client_id)

    def query(self, client_id: str) -> OrderView | None:
        """Return an order."""
        self._calls.before("query", client_id)
        found = self.exchange.query(client_id)
        self._calls.after("query", client_id)
        return found

    def open_orders(self) -> list[OrderView]:
        """Return the working orders."""
        self._calls.before("open_orders", "")
        found = self.exchange.open_orders()
        self._calls.after("open_orders", "")
        return found

    def positions(self) -> dict[str, int]:
        """Return what is held."""
        self._calls.before("positions", "")
        found = self.exchange.positions()
        self._calls.after("positions", "")
        return found

    def resume(self, report_id: str) -> None:
        """Have reports told again that a process was told and did not live to write down."""
        self._calls.before("resume", report_id)
        self.exchange.resume(report_id)
        self._calls.after("resume", report_id)

    def poll(self, now_ns: int) -> list[Report]:
        """Return what has happened since the last time."""
        self._calls.before("reports", "")
        found = self.exchange.poll(self._timeline.now_ns)
        self._calls.after("reports", "")
        for lots in self.exchange.held.values():
            self.most_lots = max(self.most_lots, abs(lots))
        return found
