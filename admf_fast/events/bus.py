"""The event bus of one container: subscribers observe, in order, and may fail the run."""

from collections.abc import Callable

from admf_fast.events.types import Event

Subscriber = Callable[[Event], None]


class EventBus:
    """Hands every published event to its subscribers, in the order they subscribed.

    A subscriber's exception is not caught: it is an error of the run.
    """

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._subscribers: list[tuple[type[Event], Subscriber]] = []

    def subscribe(self, event_type: type[Event], subscriber: Subscriber) -> None:
        """Call `subscriber` with every event of a type."""
        self._subscribers.append((event_type, subscriber))

    def subscribe_all(self, subscriber: Subscriber) -> None:
        """Call `subscriber` with every event."""
        self.subscribe(Event, subscriber)

    @property
    def silent(self) -> bool:
        """Whether nobody listens, so that no event objects need to be made."""
        return not self._subscribers

    def publish(self, event: Event) -> None:
        """Hand an event to the subscribers of its type."""
        for event_type, subscriber in self._subscribers:
            if isinstance(event, event_type):
                subscriber(event)

    def clear(self) -> None:
        """Forget all subscribers."""
        self._subscribers.clear()
