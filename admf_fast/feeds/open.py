"""From the words of a command line to a feed, and to the guard for it."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from admf_fast.calendars import load_calendar
from admf_fast.config.feed import FeedSpec
from admf_fast.data import BarSource, BarSpec, PanelSource, blocks_of_some, open_bars
from admf_fast.errors import ConfigError
from admf_fast.feeds.feed import Feed
from admf_fast.feeds.files import DescriptorFeed, FollowFeed
from admf_fast.feeds.guard import FeedGuard
from admf_fast.feeds.replay import replay, replay_panel
from admf_fast.feeds.rulings import Delivered, Item
from admf_fast.feeds.sockets import Address, SocketFeed

FORMS = "replay:PATH, stdin, follow:FILE, unix:PATH or tcp:127.0.0.1:PORT"
LOOPBACK = ("127.0.0.1", "localhost")
REPLAYED = 256  # bars that a poll of a replay returns at most


class FeedName(NamedTuple):
    """What a feed is of, and where it is."""

    kind: str
    place: str


def parse_feed(text: str) -> FeedName:
    """Return what kind of feed is meant; raises ConfigError for none of them."""
    kind, colon, place = text.partition(":")
    valid = {
        "replay": bool(colon),
        "stdin": not colon,
        "follow": bool(place),
        "unix": bool(place),
        "tcp": bool(place),
    }
    if not valid.get(kind, False):
        raise ConfigError(f"--feed: expected {FORMS}, found {text[:200]!r}")
    if kind == "tcp":
        _address(place)
    return FeedName(kind, place)


def open_feed(text: str, instruments: Sequence[BarSpec], *, base_dir: Path | None = None) -> Feed:
    """Return the feed that is meant, not started.

    Parameters
    ----------
    text
        `FORMS`; ``replay:`` alone for the paths of the instruments, which start at `base_dir`.
    instruments
        What is declared of the bars of each.

    Raises
    ------
    ConfigError
        For another text, and for one path for several instruments.
    DataFileError
        For a replay of files that cannot be read.
    """
    kind, place = parse_feed(text)
    specs = tuple(instruments)
    if kind == "replay":
        return ReplayFeed(_sources(place, specs, base_dir))
    if kind == "stdin":
        return DescriptorFeed(specs, sys.stdin.fileno())
    if kind == "follow":
        return FollowFeed(specs, Path(place))
    return SocketFeed(specs, os.fspath(place) if kind == "unix" else _address(place))


def open_replay(instruments: Sequence[BarSpec], base_dir: Path | None = None) -> ReplayFeed:
    """Return a replay of the bars of each instrument."""
    return ReplayFeed(_sources("", tuple(instruments), base_dir))


def guard_of(feed: Feed, spec: FeedSpec) -> FeedGuard:
    """Return the guard for a feed, with the calendars that its bars declare."""
    named = (bars.calendar for bars in feed.instruments)
    clocks = [load_calendar(name).clock if name else None for name in named]
    return FeedGuard(feed.instruments, spec, clocks, realtime=feed.realtime)


class ReplayFeed(Feed):
    """The bars of files, those of one moment together."""

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


def _sources(
    place: str, specs: tuple[BarSpec, ...], base_dir: Path | None
) -> tuple[BarSource, ...]:
    from msgspec.structs import replace

    if not place:
        return tuple(open_bars(spec, base_dir=base_dir) for spec in specs)
    if len(specs) > 1:
        raise ConfigError(
            f"--feed: expected replay: alone, found replay:{place[:200]}: the bars of several "
            "instruments are those of the configuration"
        )
    return (open_bars(replace(specs[0], path=place)),)


def _address(place: str) -> Address:
    host, _, port = place.rpartition(":")
    if host not in LOOPBACK or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ConfigError(
            f"--feed: expected tcp:127.0.0.1:PORT, found tcp:{place[:200]}: only this machine is "
            "connected to; use a tunnel for another one"
        )
    return ("127.0.0.1", int(port))
