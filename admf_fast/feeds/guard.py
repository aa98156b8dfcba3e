"""The guard between a feed and a run: what it lets through is closed, in order and trusted."""

from collections.abc import Sequence

from admf_fast.config.feed import FeedSpec
from admf_fast.data.spec import BarSpec
from admf_fast.feeds.replay import Bar
from admf_fast.feeds.rulings import Item, Ruling
from admf_kernels.clock import Clock


class FeedGuard:
    """Rules on everything that a feed delivers, by the policies of `spec`; pure: times are given.

    Parameters
    ----------
    instruments
        What is declared of the bars of each, in order; several need symbols.
    spec
        The section `feed` of the configuration.
    clocks
        The sessions of each instrument; None where no calendar is declared.
    realtime
        False for a replay of the past: the rules of clocks (L09, L11) do not apply.
    """

    def __init__(
        self,
        instruments: Sequence[BarSpec],
        spec: FeedSpec,
        clocks: Sequence[Clock | None] = (),
        *,
        realtime: bool = True,
    ) -> None:
        self.counts: dict[str, int] = {}

    def seed(self, symbol: str, bar: Bar, *, history: bool = False) -> None:
        """Take a bar as processed: of the journal after a restart, or of a warm-up (`history`).

        Bars of history that the feed delivers too must be equal to the bit (L19).
        """
        raise NotImplementedError

    def take(self, item: Item, now_ns: int, monotonic_ns: int) -> list[Ruling]:
        """Return what is ruled about one line, bar, heartbeat, state or change of the link."""
        raise NotImplementedError

    def tick(self, now_ns: int, monotonic_ns: int) -> list[Ruling]:
        """Return what is ruled because time has passed; to be called about every 100 ms."""
        raise NotImplementedError

    def finish(self, now_ns: int, monotonic_ns: int) -> list[Ruling]:
        """Return what is ruled at the end of a feed: what waited is released."""
        raise NotImplementedError

    def last_ts_ns(self) -> dict[str, int]:
        """Return the close of the last bar of each instrument, for a feed to resume after."""
        raise NotImplementedError
