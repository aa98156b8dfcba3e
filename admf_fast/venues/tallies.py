"""What limits count over time, made of journaled messages alone: the same after a restart."""

import msgspec

from admf_fast.journal.messages import (
    Command,
    DayBegan,
    Message,
    Note,
    Report,
    Sent,
)
from admf_fast.runners.between import FILLS
from admf_fast.venues.book import is_own, is_refusal
from admf_fast.venues.limits import GatewayLimits, Pace

DAY_NS = 86_400_000_000_000
DAY_LOSS = "day_loss"


class Tallies:
    """Prices, the day's loss, rejects in a row, orders of the minute.

    Attributes
    ----------
    close : float
        The last price; 0 before the first.
    bar_ns : int
        Its time.
    rejects : int
        Orders in a row that the venue did not take.
    last_report : str
        Id of the last report of the venue that is journaled.
    pace : Pace
    """

    def __init__(self, limits: GatewayLimits) -> None:
        self._limits = limits
        self.pace = Pace(limits)
        self.close = 0.0
        self.bar_ns = 0
        self.rejects = 0
        self.last_report = ""
        self._day, self._day_equity, self._stopped_day = -1, 0.0, -1

    def note(self, message: Message) -> None:
        """Learn from a journaled message other than a bar, see `price`."""
        if isinstance(message, DayBegan):
            self._day, self._day_equity = message.ts_ns // DAY_NS, message.equity
        elif isinstance(message, Command) and message.limit == DAY_LOSS:
            self._stopped_day = message.ts_ns // DAY_NS
        elif isinstance(message, Sent):
            self.pace.take(message.ts_ns, order=message.action != "cancel")
        elif isinstance(message, Note) and message.report_id:
            self.last_report = message.report_id
        elif isinstance(message, Report):
            self._report(message)

    def price(self, ts_ns: int, close: float) -> None:
        """Take the last price."""
        self.close, self.bar_ns = close, max(ts_ns, self.bar_ns)

    def begins_day(self, ts_ns: int) -> bool:
        """Return whether a bar is the first of its UTC day."""
        return ts_ns // DAY_NS != self._day

    def lost(self, ts_ns: int, equity: float) -> float:
        """Return what was lost since the day began, if that is too much for the first time."""
        most, lost = self._limits.day_loss, self._day_equity - equity
        new = self._stopped_day != ts_ns // DAY_NS
        return lost if most > 0.0 and lost > most and new else 0.0

    def _report(self, report: Report) -> None:
        if not is_own(report):
            self.last_report = report.report_id
        elif not is_refusal(report):
            return
        if report.order_id == 0:
            return  # not ours
        if report.status == "rejected":
            self.rejects += 1
        elif report.status in ("accepted", *FILLS):
            self.rejects = 0

    def save(self) -> "SavedTallies":
        """Return what they remember."""
        return SavedTallies(
            close=self.close, bar_ns=self.bar_ns, rejects=self.rejects,
            last_report=self.last_report, orders=list(self.pace.orders),
            day=(self._day, self._day_equity, self._stopped_day),
        )  # fmt: skip

    def restore(self, saved: "SavedTallies") -> None:
        """Take what `save` returned."""
        self.close, self.bar_ns = saved.close, saved.bar_ns
        self.rejects, self.last_report = saved.rejects, saved.last_report
        for at_ns in saved.orders:
            self.pace.take(at_ns, order=True)
        self._day, self._day_equity, self._stopped_day = saved.day


class SavedTallies(msgspec.Struct, frozen=True):
    """What tallies remember, for a snapshot; `day` is the day, its equity, the last stopped."""

    close: float
    bar_ns: int
    rejects: int
    last_report: str
    orders: list[int]
    day: tuple[int, float, int]
