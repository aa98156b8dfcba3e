"""A feed that replays files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from admf_fast.data import BarSource, BarSpec, PanelSource, blocks_of_some, open_bars
from admf_fast.feeds.feed import Feed
from admf_fast.feeds.replay import replay, replay_panel
from admf_fast.feeds.rulings import Delivered, Item

REPLAYED = 256  # bars that a poll returns at most


class ReplayFeed(Feed):
    """The bars of files, those of one moment after each other."""

    realtime: ClassVar[bool] = False

    def __init__(self, sources: Sequence[BarSource]) -> None:
        super().__init__(tuple(source.spec for source in sources))
        self._sources = tuple(sources)
        self._items = self.deliver()

    def poll(self, timeout_s: float) -> list[Item] | None:
        """Return the next bars; None at the end."""
        items: list[Item] = []
        for item in self._items:
            items.append(item)
            if len(items) == REPLAYED:
                break
        return items or None

    def deliver(self) -> Iterator[Delivered]:
        """Yield every bar, from the start."""
        sources = self._sources
        if len(sources) == 1:
            for bar in replay(blocks_of_some(sources[0])):
                yield Delivered(sources[0].symbol, bar)
            return
        for ts_ns, values in replay_panel(PanelSource(sources).blocks()):
            for k, prices in values.items():
                yield Delivered(sources[k].symbol, (ts_ns, *prices))


def open_replay(instruments: Sequence[BarSpec], base_dir: Path | None = None) -> ReplayFeed:
    """Return a replay of the bars of each instrument; relative paths start at `base_dir`.

    Raises ConfigError, DataFileError and SchemaError as `open_bars` does.
    """
    return ReplayFeed([open_bars(spec, base_dir=base_dir) for spec in instruments])
