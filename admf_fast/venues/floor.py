"""What the parts of a gateway share, and the one way in which they say something."""

from admf_fast.journal.messages import BarInput, Command, Message, Note
from admf_fast.venues.book import Book, Tracked, own_report
from admf_fast.venues.circuit import Circuit
from admf_fast.venues.limits import GatewayLimits
from admf_fast.venues.protocol import Venue
from admf_fast.venues.tallies import Tallies


class Floor:
    """The books of a gateway; what is said is counted in them as it is said.

    Attributes
    ----------
    limits : GatewayLimits
    lot_value : float
        Account currency of one lot at price 1.
    book : Book
    tallies : Tallies
    circuit : Circuit
        To the venue.
    """

    def __init__(self, venue: Venue, limits: GatewayLimits, lot_value: float) -> None:
        self.limits = limits
        self.lot_value = lot_value
        self.book = Book()
        self.tallies = Tallies(limits)
        self.circuit = Circuit(venue, self.note)
        self._out: list[Message] = []

    def learn(self, message: Message) -> None:
        """Count a message that is journaled, or will be."""
        if isinstance(message, BarInput):  # most of a journal
            self.tallies.price(message.ts_ns, message.close)
            return
        self.book.note(message)
        self.tallies.note(message)

    def say(self, message: Message) -> None:
        """Add a message, and count it."""
        if self.book.repeats(message):
            return
        self.learn(message)
        self._out.append(message)

    def note(self, rule: str, text: str, report_id: str = "") -> None:
        """Say something to a reader."""
        self.say(Note(rule=rule, text=text, report_id=report_id))

    def command(self, action: str, reason: str, now_ns: int, limit: str = "") -> None:
        """Freeze or flatten."""
        self.say(Command(action=action, origin="limit", reason=reason, ts_ns=now_ns, limit=limit))

    def end(
        self, order: Tracked, status: str, reason: str, now_ns: int, origin: str = "gateway"
    ) -> None:
        """Tell the runner that an order is over, where no venue does."""
        self.say(own_report(order, origin, status, now_ns, reason))

    def taken(self) -> list[Message]:
        """Return what was said since the last time."""
        out, self._out = self._out, []
        return out
