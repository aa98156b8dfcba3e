"""The connection to a venue: one that does not answer is left alone for longer and longer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from admf_fast.errors import VenueError
from admf_fast.venues.protocol import DownError, RefusedError, SilentError, Venue

FIRST_NS = 500_000_000
LONGEST_NS = 30_000_000_000
MINUTE_NS = 60_000_000_000
NOTES_PER_MINUTE = 5  # of one call
READS = ("query", "open_orders", "positions")


@dataclass(slots=True)
class Call:
    """What is known of one call of a venue."""

    failures: int = 0  # in a row
    refusals: int = 0  # ever
    why: str = ""
    begins: bool = False  # whether the delay begins with the next time that is told
    until_ns: int = 0
    notes: int = 0  # since
    since_ns: int = 0

    @property
    def delay_ns(self) -> int:
        """How long it is not made after the last failure."""
        return min(FIRST_NS << min(self.failures - 1, 30), LONGEST_NS)

    def may_say(self, now_ns: int) -> bool:
        """Return whether there may be another note about it, and count that."""
        if now_ns - self.since_ns >= MINUTE_NS:
            self.since_ns, self.notes = now_ns, 0
        self.notes += 1
        return self.notes <= NOTES_PER_MINUTE


class Circuit:
    """Hands calls on to a venue, and says O14 when it stops answering and when it does again.

    A call that waits in vain stops the whole process for its time. So it is not made again
    before a delay has passed, which doubles with every failure in a row, up to half a minute;
    and until a poll is answered nothing else is asked or sent. Nobody here has a clock: a
    delay begins with the first time that `tell` is given after the failure, when the waiting
    was over.

    Attributes
    ----------
    down : bool
        From a failure until a poll is answered.
    """

    def __init__(self, venue: Venue, say: Callable[[str, str], None]) -> None:
        self.venue = venue
        self.down = False
        self._say = say
        self._calls: dict[str, Call] = {}
        self._now_ns = 0

    def tell(self, now_ns: int) -> None:
        """Take the time."""
        self._now_ns = now_ns
        for call in self._calls.values():
            if call.begins:
                call.begins, call.until_ns = False, now_ns + call.delay_ns

    def ask(self, op: str, *arguments: Any) -> Any:
        """Return what a call of the venue returns; raises what it raises, or DownError."""
        call = self._calls.setdefault(op, Call())
        if call.failures and (call.begins or self._now_ns < call.until_ns):
            raise DownError(f"{op}: not asked again yet: {call.why}")
        if self.down and op != "poll":
            raise DownError(f"{op}: not asked before a poll is answered")
        try:
            found = getattr(self.venue, op)(*arguments)
        except VenueError as error:
            self._heed(op, call, error)
            raise
        if op == "poll":
            self._answers(call)
        call.failures = 0
        return found

    @property
    def was_out(self) -> bool:
        """Whether the last polls were in vain: nobody knows what happened meanwhile."""
        return "poll" in self._calls and self._calls["poll"].failures > 0

    def _answers(self, poll: Call) -> None:
        self.down = False
        if poll.failures and poll.may_say(self._now_ns):
            count = f" after {poll.failures} polls in vain" if poll.failures > 1 else ""
            self._say("O14", f"the venue answers again{count}; all orders are asked for")

    def _heed(self, op: str, call: Call, error: VenueError) -> None:
        """Break after a call that nobody answered; note a question that is refused."""
        if isinstance(error, RefusedError) and op != "poll":
            if op in READS:
                call.refusals += 1
                if is_told(call.refusals):
                    self._say("O14", f"{op} refused, {call.refusals} so far: {error}")
            return
        if op not in ("poll", *READS) and not isinstance(error, DownError | SilentError):
            return  # it did answer: that it does not know
        self.down = call.begins = True
        call.why = str(error)
        call.failures += 1
        if is_told(call.failures) and call.may_say(self._now_ns):
            times = f", {call.failures} times" if call.failures > 1 else ""
            text = f"the venue does not answer ({op}{times}): {error}"
            self._say("O14", f"{text}; it is asked again after {call.delay_ns / 1e9:g} s")


def is_told(count: int) -> bool:
    """Return whether the n-th of the same is worth a note: the 1st, 2nd, 4th, 8th and so on."""
    return count & (count - 1) == 0
