"""The one way to a venue."""

from admf_fast.journal.messages import Intent, Message
from admf_fast.venues.limits import GatewayLimits
from admf_fast.venues.protocol import Venue


class Gateway:
    """SKELETON; what `live` and `simulator` code against.

    Every call returns messages to journal, in order; inputs among them (Report, Command) are
    then applied to the runner as every input is. It never touches the runner, has no clock,
    writes nothing. What it knows after a restart it is told by `replay`.
    """

    def __init__(
        self, venue: Venue, limits: GatewayLimits, *, account: str = "", lot_value: float = 1.0
    ) -> None:
        raise NotImplementedError

    def replay(self, message: Message) -> None:
        """Learn from a journaled message (all kinds, oldest first) before `start`."""
        raise NotImplementedError

    def start(self, now_ns: int) -> list[Message]:
        """Check the account, ask for every order not known to be over, compare positions."""
        raise NotImplementedError

    def bar(self, ts_ns: int, close: float, equity: float) -> list[Message]:
        """Tell the last price and equity; expires stale intents, may give a Command."""
        raise NotImplementedError

    def send(self, intents: list[Intent], now_ns: int) -> list[Message]:
        """Take journaled intents; sends what limits and rate allow, queues the rest."""
        raise NotImplementedError

    def poll(self, now_ns: int) -> list[Message]:
        """Reports of the venue, once each; also what timeouts, queue and reconciling gave."""
        raise NotImplementedError

    @property
    def settled(self) -> bool:
        """Whether nothing is queued, unsure or held back."""
        raise NotImplementedError
