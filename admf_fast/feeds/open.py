"""From the words of a command line to a feed, and to the guard for it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from admf_fast.calendars import load_calendar
from admf_fast.config.feed import FeedSpec
from admf_fast.data import BarSpec
from admf_fast.errors import ConfigError
from admf_fast.feeds.feed import Feed
from admf_fast.feeds.files import DescriptorFeed, FollowFeed
from admf_fast.feeds.guard import FeedGuard
from admf_fast.feeds.replay_feed import open_replay
from admf_fast.feeds.sockets import Address, SocketFeed

FORMS = "replay:PATH, stdin, follow:FILE, unix:PATH or tcp:127.0.0.1:PORT"
LOOPBACK = ("127.0.0.1", "localhost")


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
        One of `FORMS`; ``replay:`` alone for the paths of the instruments, from `base_dir` on.
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
        return open_replay(*_replayed(place, specs, base_dir))
    if kind == "stdin":
        return DescriptorFeed(specs, sys.stdin.fileno())
    if kind == "follow":
        return FollowFeed(specs, Path(place))
    return SocketFeed(specs, place if kind == "unix" else _address(place))


def guard_of(feed: Feed, spec: FeedSpec) -> FeedGuard:
    """Return the guard for a feed, with the calendars that its bars declare."""
    named = (bars.calendar for bars in feed.instruments)
    clocks = [load_calendar(name).clock if name else None for name in named]
    return FeedGuard(feed.instruments, spec, clocks, realtime=feed.realtime)


def _replayed(
    place: str, specs: tuple[BarSpec, ...], base_dir: Path | None
) -> tuple[tuple[BarSpec, ...], Path | None]:
    """Return what is replayed, and where its paths start."""
    if not place:
        return specs, base_dir
    if len(specs) > 1:
        raise ConfigError(
            f"--feed: expected replay: alone, found replay:{place[:200]}: the bars of several "
            "instruments are those of the configuration"
        )
    # A path of the command line starts where the user stands.
    return (replace(specs[0], path=place),), None


def _address(place: str) -> Address:
    host, _, port = place.rpartition(":")
    if host not in LOOPBACK or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ConfigError(
            f"--feed: expected tcp:127.0.0.1:PORT, found tcp:{place[:200]}: only this machine is "
            "connected to; use a tunnel for another one"
        )
    return ("127.0.0.1", int(port))
