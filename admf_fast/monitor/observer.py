"""What a live run tells whoever watches it: one small interface, called from its loop."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from admf_fast.events import Event


class LiveStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What held after a bar; times are UTC nanoseconds, money is in account currency.

    Attributes
    ----------
    ts_ns : int
        The close of the bar.
    symbol : str
        The instrument of the bar.
    warm : bool
        The bar was replayed history: it counts for nothing.
    lots : int
        Signed position in `symbol`.
    signal, equity : float
    received_ns : int
        When the bar came, by the wall clock; 0 where nobody looked.
    step_ns : int
        How long the run took over the bar; 0 where nobody looked.
    mode : str
        paper, shadow or live.
    state : str
        Of the process: recovering, warming, armed, held, frozen, stopped, ended, diverged, failed.
    feed : str
        Of the feed, in its own words, such as ok, stale or disconnected.
    journal_sequence : int
        Of the last record that is on disk.
    divergence : str
        The first logic divergence, named; empty while there is none.
    counts : mapping
        Counters by name, such as those of the feed guard; they only grow.
    """

    ts_ns: int
    symbol: str
    equity: float
    lots: int = 0
    signal: float = 0.0
    warm: bool = False
    received_ns: int = 0
    step_ns: int = 0
    mode: str = "paper"
    state: str = "armed"
    feed: str = "ok"
    journal_sequence: int = 0
    divergence: str = ""
    counts: Mapping[str, int] = {}


class LiveObserver(Protocol):
    """Watches a live run; every method returns at once, never raises and changes nothing."""

    def on_event(self, event: Event) -> None:
        """Take a SIGNAL, ORDER, FILL or TRADE of the bar under way, before its `on_bar`."""
        ...

    def on_bar(self, status: LiveStatus) -> None:
        """Take what held after a bar."""
        ...

    def on_status(self, status: LiveStatus) -> None:
        """Take what has changed since the last bar without a new one, such as the feed."""
        ...

    def on_note(self, rule: str, text: str, counts: Mapping[str, int]) -> None:
        """Take a note of the journal: a fault of the feed, a limit, a reconciliation."""
        ...

    def close(self) -> None:
        """The run has ended; waits at most some seconds."""
        ...
