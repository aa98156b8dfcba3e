"""How a live run is operated; no part of what it decides."""

from typing import Annotated, Literal

from msgspec import Meta

from admf_fast.config.section import Count, Section

Milliseconds = Annotated[
    int, Meta(ge=0, le=3_600_000, extra={"expected": "a whole number from 0 to 3600000"})
]


Amount = Annotated[float, Meta(ge=0.0)]
Number = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Waiting = Annotated[float, Meta(gt=0.0, le=3600.0)]


class LimitsSpec(Section, frozen=True, kw_only=True):
    """What leaves the process for a venue at most, whatever the strategy wants; 0 is no limit."""

    orders_per_minute: Annotated[Number, Meta(description="Orders and changes of orders.")] = 60
    order_value: Annotated[Amount, Meta(description="Of one order, account currency.")] = 0.0
    position_lots: Annotated[Number, Meta(description="Held, all orders at work filled.")] = 0
    day_loss: Annotated[
        Amount, Meta(description="Since the first bar of the UTC day, account currency.")
    ] = 0.0
    on_day_loss: Annotated[
        Literal["freeze", "flatten"], Meta(description="What follows a broken day_loss.")
    ] = "flatten"
    price_percent: Annotated[
        Amount, Meta(description="How far the price of an order may lie from the last close.")
    ] = 20.0
    rejects_in_row: Annotated[Number, Meta(description="Rejected orders that freeze.")] = 3
    messages_per_second: Annotated[Amount, Meta(description="Of any kind, to the venue.")] = 5.0
    answer_s: Annotated[
        Waiting, Meta(description="After which an order without an answer is asked for.")
    ] = 5.0
    grace_s: Annotated[
        Waiting, Meta(description="Between two looks that both miss an order, before it is lost.")
    ] = 10.0
    reconcile_s: Annotated[
        Waiting, Meta(description="From one comparison of orders and positions to the next.")
    ] = 60.0


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
    venue: Annotated[
        str, Meta(description="Address of the venue's adapter: unix:PATH or tcp:127.0.0.1:PORT.")
    ] = ""
    account: Annotated[
        str, Meta(description="Id of the account that the venue must name; needed with live.")
    ] = ""
    max_intent_age_bars: Annotated[
        Number, Meta(description="Bars after which an order that was not sent never is; 0: never.")
    ] = 1
    limits: Annotated[LimitsSpec, Meta(description="Hard limits of what is sent.")] = LimitsSpec()
