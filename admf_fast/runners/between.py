"""What comes between two bars: a venue's reports, an operator's commands, the end of warming up."""

import math
from typing import Any, NamedTuple, Protocol

from admf_fast.data.spec import TS_NS_MAX
from admf_fast.errors import StateError, VenueError
from admf_kernels.execution import news
from admf_kernels.execution.reasons import STATUSES
from admf_kernels.execution.records import FLAT, FROZEN, WARMING, News
from admf_kernels.execution.terms import LOTS_MAX

ACTIONS = {"freeze": news.FREEZE, "flatten": news.FLATTEN, "resume": news.RESUME}
# What warm bars begin and end with; the last follows a signal that is on already.
WARM, ARM, FOLLOW = (News(action=k) for k in (news.WARM, news.ARM, news.FOLLOW))
HOLDS = {"frozen": FROZEN, "flat": FLAT, "warming": WARMING}
REPORTED = (
    "submitted", "accepted", "partially_filled", "filled", "canceled", "expired", "rejected",
    "replaced",
)  # fmt: skip
FILLS = ("partially_filled", "filled")
REFUSALS = {
    news.UNKNOWN: "expected a working order; no order of this id is working",
    news.NOT_NEXT: "expected a state that may follow the order's own",
    news.TOO_MUCH: "expected a fill of the order's side and of no more lots than are left",
    news.NO_NUMBER: "expected lots, a price above 0 and a finite fee",
    news.NO_VENUE: "expected a run whose orders a venue fills",
}


class Step(NamedTuple):
    """What one closed bar, or what came between two, led to.

    ``events`` are (table, values) in the order they happened, the first value being the
    bar's row in the program; ``checksum`` covers the whole state afterwards.
    """

    events: list[tuple[str, tuple[Any, ...]]]
    checksum: int


class AnyReport(Protocol):
    """A report as it is journaled, see `journal.messages.Report`."""

    @property
    def order_id(self) -> int:
        """Id of the engine's order; 0 for one that is not ours."""

    @property
    def ts_ns(self) -> int:
        """When it happened."""

    @property
    def status(self) -> str:
        """The state that the order came into."""

    @property
    def lots(self) -> int:
        """Signed lots filled."""

    @property
    def price(self) -> float:
        """Price of the fill."""

    @property
    def fee(self) -> float:
        """Fee of the fill, account currency."""

    @property
    def maker(self) -> bool:
        """Whether the order waited in the book."""

    @property
    def adopted(self) -> bool:
        """Whether a fill is booked though it fits no working order."""


def command_news(action: str) -> News:
    """Return a command as the engine takes it; raises StateError for one that is none."""
    if action not in ACTIONS:
        raise StateError(f"command: expected {', '.join(ACTIONS)}; found {action!r}")
    return News(action=ACTIONS[action])


def is_usable(report: AnyReport) -> bool:
    """Return whether the numbers of a report can be booked: only fills have lots."""
    if not 0 < report.ts_ns <= TS_NS_MAX or (report.lots != 0) != (report.status in FILLS):
        return False
    money = report.price > 0.0 and report.price < math.inf and abs(report.fee) < math.inf
    return report.lots == 0 or (money and abs(report.lots) < LOTS_MAX)


def report_news(report: AnyReport) -> News:
    """Return a report as the engine takes it; raises VenueError for numbers out of range."""
    known = report.status in REPORTED and 0 < report.ts_ns <= TS_NS_MAX
    if not known or abs(report.lots) >= LOTS_MAX:
        raise VenueError(
            f"report on order {report.order_id}: expected a state ({', '.join(REPORTED)}), a time "
            f"before 2262 and fewer than 2**48 lots; found {report.status!r}, ts_ns "
            f"{report.ts_ns}, {report.lots} lots; it was not applied"
        )
    return News(
        action=news.ADOPT if report.adopted else news.REPORT,
        order_id=report.order_id,
        status=STATUSES.index(report.status),
        ts_ns=report.ts_ns,
        lots=float(report.lots),
        price=float(report.price),
        fee=float(report.fee),
        maker=report.maker,
    )


def refusal(answer: int, report: AnyReport | None) -> str:
    """Return why the engine did not take a report."""
    if report is None:
        return REFUSALS[answer]
    return (
        f"report on order {report.order_id}: {REFUSALS[answer]}; found {report.status}, "
        f"{report.lots} lots at {report.price!r}, fee {report.fee!r}; nothing was changed"
    )
