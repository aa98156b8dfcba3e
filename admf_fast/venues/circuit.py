"""The connection to a venue: one that does not answer is left alone for longer and longer."""

from collections.abc import Callable
from typing import Any

from admf_fast.errors import VenueError
from admf_fast.venues.protocol import DownError, RefusedError, SilentError, Venue

FIRST_NS = 500_000_000
LONGEST_NS = 30_000_000_000
READS = ("poll", "query", "open_orders", "positions")


class Circuit:
    """Hands calls on to a venue, and says O14 when it stops answering and when it does again.

    A call that waits in vain stops the whole process for its time. So after the first one all
    others fail at once, as DownError, until a delay has passed; it doubles with every failure
    in a row, up to half a minute. Nobody here has a clock: the delay begins with the first
    time that `tell` is given after the failure, when the waiting was over.

    Attributes
    ----------
    down : bool
        From the first failure until a poll is answered.
    failures : int
        In a row.
    """

    def __init__(self, venue: Venue, say: Callable[[str, str], None]) -> None:
        self.venue = venue
        self.down = False
        self.failures = 0
        self._say = say
        self._refusals = 0
        self._why = ""
        self._begins = False  # whether the delay begins with the next time
        self._now_ns = self._until_ns = 0

    def tell(self, now_ns: int) -> None:
        """Take the time."""
        if self._begins:
            self._begins, self._until_ns = False, now_ns + self._delay_ns
        self._now_ns = now_ns

    def ask(self, op: str, *arguments: Any) -> Any:
        """Return what a call of the venue returns; raises what it raises, or DownError."""
        if self.failures and (self._begins or self._now_ns < self._until_ns):
            raise DownError(f"not asked again yet: {self._why}")
        try:
            found = getattr(self.venue, op)(*arguments)
        except VenueError as error:
            self._heed(op, error)
            raise
        if self.down and op == "poll":
            count = f"after {self.failures} calls in vain" if self.failures > 1 else ""
            text = f"the venue answers again {count}".rstrip()
            self._say("O14", f"{text}; all orders are asked for")
            self.down = False
        self.failures = 0
        return found

    @property
    def _delay_ns(self) -> int:
        doublings = min(self.failures - 1, 30)
        return int(min(FIRST_NS << doublings, LONGEST_NS))

    def _heed(self, op: str, error: VenueError) -> None:
        """Break after a call that nobody answered; note a question that is refused."""
        if isinstance(error, RefusedError) and op != "poll":
            if op in READS:
                self._refusals += 1
                if is_told(self._refusals):
                    self._say("O14", f"{op} refused, {self._refusals} so far: {error}")
            return
        if op not in READS and not isinstance(error, DownError | SilentError):
            return  # it did answer: that it does not know
        self.down, self._begins, self._why = True, True, str(error)
        self.failures += 1
        if is_told(self.failures):
            in_vain = f" to {self.failures} calls" if self.failures > 1 else ""
            wait_s = self._delay_ns / 1e9
            text = f"the venue does not answer{in_vain}: {error}"
            self._say("O14", f"{text}; it is asked again after {wait_s:g} s")


def is_told(count: int) -> bool:
    """Return whether the n-th of the same is worth a note: the 1st, 2nd, 4th, 8th and so on."""
    return count & (count - 1) == 0
