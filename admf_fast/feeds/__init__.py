"""Live feeds: what a feed delivers, what a guard lets through, replays, and JSON lines as a source.

Of several instruments, the bars of one moment at a time.
"""

from admf_fast.feeds.as_events import bar_events, block_events
from admf_fast.feeds.feed import Feed, lines_of
from admf_fast.feeds.guard import FeedGuard
from admf_fast.feeds.json_lines import LineParser, bar_line
from admf_fast.feeds.line_source import LineSource
from admf_fast.feeds.open import guard_of, open_feed, parse_feed
from admf_fast.feeds.panel_lines import PanelLines
from admf_fast.feeds.replay import Bar, Moment, Values, replay, replay_panel
from admf_fast.feeds.replay_feed import ReplayFeed, open_replay
from admf_fast.feeds.rulings import Delivered, Heartbeat, Item, Link, MarketState, Ruling
from admf_fast.feeds.warmup import warmup_moments

__all__ = [
    "Bar",
    "Delivered",
    "Feed",
    "FeedGuard",
    "Heartbeat",
    "Item",
    "LineParser",
    "LineSource",
    "Link",
    "MarketState",
    "Moment",
    "PanelLines",
    "ReplayFeed",
    "Ruling",
    "Values",
    "bar_events",
    "bar_line",
    "block_events",
    "guard_of",
    "lines_of",
    "open_feed",
    "open_replay",
    "parse_feed",
    "replay",
    "replay_panel",
    "warmup_moments",
]
