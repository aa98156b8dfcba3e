"""What a feed delivers, and what is ruled about it."""

from typing import Literal, NamedTuple

from admf_fast.feeds.replay import Bar

Action = Literal[
    "process",  # the bar goes to the runner; those of one moment come together, by instrument
    "drop",  # a line or bar is passed over
    "note",  # something a reader should know; nothing changes
    "hold",  # from now on no new entries, until `resume`
    "resume",  # the last reason to hold is gone
    "stale",  # the feed is silent; what follows from it is ruled besides
    "ask",  # bars in (after_ns, before_ns) are missing: a feed that can should deliver them again
    "refuse",  # the run stops; nothing is processed any more
]
Counter = Literal[
    "", "bar", "gap", "missing", "duplicate", "conflict", "reordered", "late", "in_progress",
    "unclosed", "disconnect", "connect", "stale", "clock_jump", "skew", "future", "off_session",
    "off_grid", "malformed", "invalid", "implausible", "unconfirmed", "repeated", "halt",
    "overlap_old", "overlap_conflict",
]  # fmt: skip


class Delivered(NamedTuple):
    """A bar as a feed delivers it; `closed` is false while it is in progress."""

    symbol: str
    bar: Bar
    closed: bool = True


class Heartbeat(NamedTuple):
    """The feed's own time, UTC nanoseconds; it says nothing of any bar."""

    ts_ns: int


class MarketState(NamedTuple):
    """What state an instrument is in: trading, halted, auction, renamed or delisted."""

    symbol: str
    state: str


class Link(NamedTuple):
    """The connection was made or lost."""

    up: bool
    text: str


Item = bytes | Delivered | Heartbeat | MarketState | Link


class Ruling(NamedTuple):
    """One ruling; `rule` is the id of the fault (L01 and so on), empty for an ordinary bar.

    `counter` is the one of `FeedGuard.counts` that it raised, empty if none.
    """

    action: Action
    rule: str = ""
    text: str = ""
    counter: Counter = ""
    symbol: str = ""
    bar: Bar | None = None
    after_ns: int = 0
    before_ns: int = 0
