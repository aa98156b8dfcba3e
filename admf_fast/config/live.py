"""How a live run is operated; no part of what it decides."""

from typing import Annotated, Literal

from msgspec import Meta

from admf_fast.config.section import Count, Section

Milliseconds = Annotated[
    int, Meta(ge=0, le=3_600_000, extra={"expected": "a whole number from 0 to 3600000"})
]


class LiveSpec(Section, frozen=True, kw_only=True):
    """How `admf live --run` keeps its journal, and where its orders go."""

    mode: Annotated[
        Literal["paper", "shadow", "live"],
        Meta(
            description="paper: orders are matched by the engine itself. shadow: as paper, beside "
            "a live run, with no way to a venue. live: orders are sent to a venue."
        ),
    ] = "paper"
    shadow: Annotated[
        bool,
        Meta(
            description="Run a shadow beside the run, of its configuration and its state bytes; "
            "the first bit that differs seals the run, before an order of that bar is sent."
        ),
    ] = False
    snapshot_every_bars: Annotated[
        Count, Meta(description="Bars from one snapshot to the next: what a restart replays.")
    ] = 1000
    sync_ms: Annotated[
        Milliseconds,
        Meta(
            description="The longest that a bar without orders may wait to be durable; orders are "
            "always durable before they are sent. 0 syncs every bar."
        ),
    ] = 1000
    status_ms: Annotated[
        Milliseconds, Meta(description="From one status.json, the heartbeat, to the next.")
    ] = 1000
    kill_file: Annotated[
        str,
        Meta(
            description="A file that freezes entries while it is there, or with the word flatten "
            "in it closes everything as well; none: the file kill in the run folder."
        ),
    ] = ""
