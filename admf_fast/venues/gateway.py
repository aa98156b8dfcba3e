"""The one way to a venue: limits, rates, the fate of every order, the state of the account.

The gateway is told the time and returns messages. It keeps no file, has no clock and never
touches the runner, so a simulator and a live process drive the same code.
"""

from admf_fast.errors import VenueError
from admf_fast.journal.messages import DayBegan, Intent, Message
from admf_fast.venues import saving
from admf_fast.venues.asking import Inquirer
from admf_fast.venues.book import IDLE, SENT, UNSURE, Book
from admf_fast.venues.floor import Floor
from admf_fast.venues.hearing import Listener
from admf_fast.venues.limits import GatewayLimits
from admf_fast.venues.protocol import Venue
from admf_fast.venues.reconcile import Reconciler
from admf_fast.venues.sending import Sender
from admf_fast.venues.tallies import DAY_LOSS


class Gateway:
    """Takes journaled intents to a venue, and brings back what is to be journaled.

    Every call returns messages in order. Inputs among them (Report, Command) are journaled
    and then applied to the runner, as every input is; the gateway has counted them already.
    All that it counts is made of journaled messages, so it is the same after a restart.

    Parameters
    ----------
    venue : Venue
    limits : GatewayLimits
    account : str
        The only account it may be; empty for any.
    lot_value : float
        Account currency of one lot at price 1.
    """

    def __init__(
        self, venue: Venue, limits: GatewayLimits, *, account: str = "", lot_value: float = 1.0
    ) -> None:
        self.limits = limits
        self._account = account
        self._floor = floor = Floor(venue, limits, lot_value)
        self._listener = Listener(floor)
        self._inquirer = Inquirer(floor)
        self._reconciler = Reconciler(floor)
        self._sender = Sender(floor, self._reconciler)

    @property
    def book(self) -> Book:
        """All orders by client id, and what they filled."""
        return self._floor.book

    def replay(self, message: Message) -> None:
        """Learn from a journaled message; after a restart all of them, oldest first.

        While running, only from commands that did not come from the gateway.
        """
        self._floor.learn(message)

    def save(self) -> bytes:
        """Return what it remembers; all that it said must be journaled by then."""
        return saving.save(self._floor)

    def restore(self, saved: bytes) -> None:
        """Put a fresh gateway into a saved state, in place of replaying what came before.

        Raises StateError for bytes that are damaged or of another version.
        """
        saving.restore(self._floor, saved)

    def start(self, now_ns: int) -> list[Message]:
        """Check the account, and ask for every order that is not known to be over.

        Raises VenueError where the account is not the one that was configured, or nobody
        answers; nothing was sent then.
        """
        floor = self._floor
        floor.circuit.tell(now_ns)
        found = floor.circuit.ask("account")
        if self._account and found != self._account:
            raise VenueError(
                f"account: expected {self._account!r}, the venue says {found!r}; nothing was "
                "sent. Set the account of the configuration, or the venue's address, right"
            )
        floor.circuit.ask("resume", floor.tallies.last_report)
        floor.tallies.pace.start(now_ns)
        for order in self.book.working():
            order.move(UNSURE, 0)
            order.cancel_sent = False
        self._reconciler.due_ns = now_ns
        return self.poll(now_ns)

    def bar(self, ts_ns: int, close: float, equity: float) -> list[Message]:
        """Take the last price and the equity at it; a broken day's limit gives a command.

        The last bar may be told again after a restart: what was said of it is not repeated.
        """
        floor = self._floor
        floor.tallies.price(ts_ns, close)
        if floor.tallies.begins_day(ts_ns):
            floor.say(DayBegan(ts_ns=ts_ns, equity=equity))
        if lost := floor.tallies.lost(ts_ns, equity):
            reason = f"{DAY_LOSS}: lost {lost!r}"
            floor.command(self.limits.on_day_loss, reason, ts_ns, DAY_LOSS)
        return floor.taken()

    def send(self, intents: list[Intent], now_ns: int) -> list[Message]:
        """Take journaled intents, and send what limits, rate and connection allow now."""
        self._floor.circuit.tell(now_ns)
        for intent in intents:
            self.book.want(intent)
        self._sender.pump(now_ns)
        return self._floor.taken()

    def poll(self, now_ns: int) -> list[Message]:
        """Take what the venue reports, look after unsure orders, send what waited.

        At most one fill is returned at once, for the runner's answer to it may change what
        the next one means: poll until nothing is returned.
        """
        floor = self._floor
        floor.circuit.tell(now_ns)
        if not self._listener.waits:
            self._hear(now_ns)
        if self._listener.listen(now_ns):
            return floor.taken()
        self._inquirer.look(now_ns)
        if not floor.circuit.down:
            self._reconciler.look(now_ns)
        self._sender.pump(now_ns)  # orders grow too old during an outage as well
        return floor.taken()

    def _hear(self, now_ns: int) -> None:
        was_out = self._floor.circuit.was_out
        try:
            self._listener.add(self._floor.circuit.ask("poll", now_ns))
        except VenueError:
            return  # the circuit has said so
        if was_out:  # O14: whatever happened meanwhile is asked for
            self._inquirer.all_unsure(now_ns)
            self._reconciler.due_ns = now_ns

    @property
    def settled(self) -> bool:
        """Whether nothing waits: to be sent, to be answered, or to be made sure of."""
        done = (o.stage == IDLE and not o.change and not o.withheld for o in self.book.working())
        return all(done) and not self._floor.circuit.down and not self._listener.waits

    @property
    def awaits(self) -> bool:
        """Whether the venue may have an answer any moment: something was just sent to it."""
        sent = any(o.stage == SENT for o in self.book.working())
        return sent and not self._floor.circuit.down

    @property
    def frozen(self) -> bool:
        """Whether nothing but what ends orders or reduces positions goes out."""
        return self.book.frozen
