"""The order that a signal becomes, and when orders fill."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from admf_fast.config.distance import DistanceSpec, OffsetSpec
from admf_fast.config.section import Count, Section, Share


class EntrySpec(Section, frozen=True, kw_only=True):
    """The order that a signal becomes."""

    order: Annotated[
        Literal["market", "limit", "stop", "stop_limit", "market_on_open", "market_on_close"],
        Meta(description="Kind of the order; exits are market orders."),
    ] = "market"
    limit: (
        Annotated[
            OffsetSpec,
            Meta(
                description="How far the limit of a limit order is below the close (buying) or "
                "above it (selling), that of a stop_limit order beyond its stop; may be negative."
            ),
        ]
        | UnsetType
    ) = UNSET
    stop: (
        Annotated[
            DistanceSpec,
            Meta(
                description="How far the stop of a stop or stop_limit order is above the close "
                "(buying) or below it (selling)."
            ),
        ]
        | UnsetType
    ) = UNSET
    time_in_force: Annotated[
        Literal["GTC", "DAY", "GTD", "IOC", "FOK"],
        Meta(
            description="How long it may wait: until canceled, to the session's end, for a number "
            "of bars; IOC: what does not fill at once is canceled; FOK: all at once or nothing."
        ),
    ] = "GTC"
    bars: (
        Annotated[Count, Meta(description="For GTD: the number of bars it may wait.")] | UnsetType
    ) = UNSET


class ExecutionSpec(Section, frozen=True, kw_only=True):
    """When orders fill, and at which prices."""

    fill: Annotated[
        Literal["next_open", "same_close"],
        Meta(
            description="next_open: at the open of the bar after the signal. "
            "same_close: at the close that made the signal; for research only."
        ),
    ] = "next_open"
    limit_fill: Annotated[
        Literal["cross", "touch"],
        Meta(
            description="cross: a limit order fills when the price goes through its limit. "
            "touch: when the price reaches it, which is too kind."
        ),
    ] = "cross"
    cross_ticks: Annotated[
        int,
        Meta(ge=1, le=1_000_000, description="For cross: how many ticks beyond the limit."),
    ] = 1
    both_hit: Annotated[
        Literal["stop_first", "target_first", "nearest_open"],
        Meta(description="What comes first when a bar reaches both the stop and a target."),
    ] = "stop_first"
    entry_bar: Annotated[
        Literal["pessimistic", "next_bar", "none"],
        Meta(
            description="Exits on the bar of an entry inside it. pessimistic: stops fill, targets "
            "do not. next_bar: neither does. none: neither does, not even after an entry at the "
            "open, which otherwise sees its whole bar."
        ),
    ] = "pessimistic"
    reversal: Annotated[
        Literal["one_order", "two_orders"],
        Meta(
            description="How a position is turned. one_order: through zero, one fee. two_orders: "
            "the first leaves, the second enters with what is there after it."
        ),
    ] = "one_order"
    unaffordable: Annotated[
        Literal["reduce", "reject"],
        Meta(
            description="An order that there is not enough money for. reduce: it is filled as far "
            "as the money goes. reject: it is canceled whole."
        ),
    ] = "reduce"
    max_volume_percent: (
        Annotated[Share, Meta(description="Most of a bar's volume that our fills may take.")]
        | UnsetType
    ) = UNSET
