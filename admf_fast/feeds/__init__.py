"""Live feeds: closed bars one at a time, from a replayed file or from JSON lines."""

from admf_fast.feeds.as_events import bar_events, block_events
from admf_fast.feeds.json_lines import read_json_lines
from admf_fast.feeds.line_source import LineSource
from admf_fast.feeds.replay import Bar, replay

__all__ = ["Bar", "LineSource", "bar_events", "block_events", "read_json_lines", "replay"]
