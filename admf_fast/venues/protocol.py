"""What the gateway needs of a venue: few calls, all of which return at once.

A venue answers through `poll`. A call that returns means *handed over*, not accepted. What
cannot be known is said as `UnsureError`, never guessed: an order whose fate is unsure is asked for
by its client id before anything else is done about it.
"""

from typing import NamedTuple, Protocol

from admf_fast.errors import VenueError
from admf_fast.journal.messages import Intent, Report


class RefusedError(VenueError):
    """The venue surely did not take the order, and says why."""


class UnsureError(VenueError):
    """Nobody knows whether the venue has it: a timeout, a broken connection, a 5xx."""


class SilentError(UnsureError):
    """It was sent, and no answer came in time or at all: nobody may be listening any more."""


class DownError(VenueError):
    """There is no connection; nothing was sent, and it may be tried again."""


class OrderView(NamedTuple):
    """What a venue says of one order when it is asked.

    `status` is a name of `reasons.STATUSES`; lots are signed, `filled` is the sum of fills.
    """

    client_id: str
    status: str
    lots: int = 0
    filled: int = 0
    symbol: str = ""


class Venue(Protocol):
    """Where orders go.

    Orders are known by the client id of their intent. `now_ns` is the time that the gateway
    was told; a venue that has a clock of its own may leave it alone.

    Raises
    ------
    RefusedError, UnsureError, SilentError, DownError
        By every call; no other error of a connection may pass. After the last two the gateway
        leaves the venue alone for a while.
    """

    def account(self) -> str:
        """Return the id of the account that orders go to."""
        ...

    def submit(self, intent: Intent, now_ns: int) -> None:
        """Hand a new order over."""
        ...

    def replace(self, intent: Intent, now_ns: int) -> None:
        """Give the working order of the intent's client id other lots and prices."""
        ...

    def cancel(self, intent: Intent, now_ns: int) -> None:
        """Cancel the working order of the intent's client id."""
        ...

    def query(self, client_id: str) -> OrderView | None:
        """Return what is known of an order, final ones included; None if it is not known."""
        ...

    def open_orders(self) -> list[OrderView]:
        """Return the working orders of the account; one may be missing for a moment."""
        ...

    def positions(self) -> dict[str, int]:
        """Return the signed lots held, by symbol; none for what is flat."""
        ...

    def resume(self, report_id: str) -> None:
        """Have `poll` go on after the report of this id, the last that was written down.

        What an earlier process was told and did not live to journal is told again. An id that
        is not known, or none, has all reports told that the venue has.
        """
        ...

    def poll(self, now_ns: int) -> list[Report]:
        """Return what has happened since the last poll, oldest first; `order_id` is 0."""
        ...
