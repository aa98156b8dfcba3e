"""Live feeds: closed bars one at a time, from a replayed file or from JSON lines.

Of several instruments, the bars of one moment at a time.
"""

from admf_fast.feeds.as_events import bar_events, block_events
from admf_fast.feeds.json_lines import read_json_lines
from admf_fast.feeds.line_source import LineSource
from admf_fast.feeds.panel_lines import PanelLines
from admf_fast.feeds.replay import Bar, Moment, Values, replay, replay_panel

__all__ = [
    "Bar",
    "LineSource",
    "Moment",
    "PanelLines",
    "Values",
    "bar_events",
    "block_events",
    "read_json_lines",
    "replay",
    "replay_panel",
]
