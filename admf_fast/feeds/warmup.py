"""History before the first live bar, for a run to be warm when the feed takes over (L19).

The run takes these bars with orders off, and the guard is told of them: the bars that the feed
delivers as well must be equal to the bit, and the first one after them is the first live bar.
"""

from collections import deque
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from msgspec.structs import replace

from admf_fast.config.feed import FeedSpec
from admf_fast.errors import ConfigError
from admf_fast.feeds.feed import Feed
from admf_fast.feeds.replay_feed import ReplayFeed, open_replay
from admf_fast.feeds.rulings import Delivered

Moments = Iterator[list[Delivered]]


def warmup_moments(
    feed: Feed, spec: FeedSpec, *, required_bars: int, base_dir: Path | None = None
) -> Moments:
    """Yield the bars of history, those of one moment together; none for a replay.

    Parameters
    ----------
    feed
        Whose bars are continued: `feed.instruments` say where their history is.
    spec
        The section `feed`; `warmup` says how much, `warmup_path` where.
    required_bars
        How many bars, or moments of several instruments, the kernels need to be ready.
    base_dir
        Where relative paths start.

    Raises
    ------
    ConfigError
        Where history is wanted and no path says where it is.
    DataError
        For history that cannot be used.
    """
    if spec.warmup == "none" or isinstance(feed, ReplayFeed):
        return
    instruments = feed.instruments
    if spec.warmup_path:
        instruments = tuple(replace(bars, path=spec.warmup_path) for bars in instruments)
    if not all(bars.path for bars in instruments):
        raise ConfigError(
            f"feed.warmup: {spec.warmup} needs history; set feed.warmup_path or bars.path, or "
            "warmup: none"
        )
    moments = _moments(open_replay(instruments, base_dir))
    if spec.warmup == "all":
        yield from moments
    else:
        # The bars to be compared with the feed's come on top.
        yield from deque(moments, maxlen=required_bars + spec.overlap_bars)


def _moments(history: ReplayFeed) -> Moments:
    for _, moment in groupby(history.deliver(), lambda item: item.bar[0]):
        yield list(moment)
