"""The memory of a gateway as bytes, for a snapshot: what a replay of the journal comes to."""

import msgspec

from admf_fast.errors import StateError
from admf_fast.journal.messages import Intent
from admf_fast.venues.book import Book, Tracked
from admf_fast.venues.floor import Floor
from admf_fast.venues.tallies import SavedTallies

VERSION = 1


class SavedOrder(msgspec.Struct, frozen=True, array_like=True):
    """An order, less what belongs to a connection: when it was asked for, and what was withheld."""

    intent: Intent
    left: int
    status: str
    stage: str
    filled: int
    attempts: int
    change: Intent | None
    changing: bool
    changes: int
    cancels: Intent | None
    cancel_sent: bool
    reports: list[str]
    last_ns: int


class SavedGateway(msgspec.Struct, frozen=True, kw_only=True):
    """Book and tallies."""

    version: int
    orders: list[SavedOrder]
    over: list[str]
    strangers: dict[str, int]
    forgotten_ns: int
    held: dict[str, int]
    external: dict[str, int]
    holds: tuple[str, ...]
    tallies: SavedTallies


FIELDS = SavedOrder.__struct_fields__


def save(floor: Floor) -> bytes:
    """Return what a gateway remembers."""
    book = floor.book
    orders = [SavedOrder(*(getattr(o, n) for n in FIELDS)) for o in book.orders.values()]
    saved = SavedGateway(
        version=VERSION, orders=orders, over=list(book.over), strangers=book.strangers,
        forgotten_ns=book.forgotten_ns, held=book.held, external=book.external, holds=book.holds,
        tallies=floor.tallies.save(),
    )  # fmt: skip
    return msgspec.msgpack.encode(saved)


def restore(floor: Floor, saved: bytes) -> None:
    """Put a fresh gateway into a saved state; raises StateError for bytes that are none."""
    try:
        state = msgspec.msgpack.decode(saved, type=SavedGateway)
    except msgspec.MsgspecError as error:
        raise StateError(f"the saved state of the gateway is damaged: {error}") from None
    if state.version != VERSION:
        raise StateError(
            f"expected the state of a gateway of version {VERSION}, found {state.version}"
        )
    book = floor.book = Book(
        held=state.held, external=state.external, holds=state.holds,
        over=dict.fromkeys(state.over), strangers=state.strangers,
        seen=dict.fromkeys(state.strangers), forgotten_ns=state.forgotten_ns,
    )  # fmt: skip
    for order in state.orders:
        book.adopt(Tracked(**{name: getattr(order, name) for name in FIELDS}))
    floor.tallies.restore(state.tallies)
