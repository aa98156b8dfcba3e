"""How a signal becomes a quantity."""

from typing import Annotated, Literal

from msgspec import Meta

from admf_fast.config.section import Count, OwnFunction, Percent, Positive, Section, Share

At = Annotated[
    Literal["close", "fill"],
    Meta(
        description="Price and equity that the quantity is computed from. close: those of the bar "
        "that made the order. fill: those where it fills, as with an order for an amount of money."
    ),
]
Most = Annotated[Percent, Meta(description="Most per cent of equity in a position.")]


class FixedSizing(Section, frozen=True, kw_only=True, tag_field="kind", tag="fixed"):
    """The same quantity in every position."""

    quantity: Annotated[
        Positive, Meta(description="Quantity at full signal, a whole multiple of the lot size.")
    ]


class PercentSizing(Section, frozen=True, kw_only=True, tag_field="kind", tag="percent"):
    """A part of the equity in every position."""

    percent: Annotated[Percent, Meta(description="Per cent of equity at full signal.")]
    at: At = "close"


class AllInSizing(Section, frozen=True, kw_only=True, tag_field="kind", tag="all_in"):
    """The whole equity in every position."""

    at: At = "close"


class RiskSizing(Section, frozen=True, kw_only=True, tag_field="kind", tag="risk"):
    """As much as loses a part of the equity at the stop loss."""

    percent: Annotated[
        Share, Meta(description="Per cent of equity lost when exits.stop_loss is reached.")
    ]
    most_percent: Most = 100.0


class VolatilitySizing(Section, frozen=True, kw_only=True, tag_field="kind", tag="volatility"):
    """As much as makes the position's volatility a target."""

    percent: Annotated[
        Percent, Meta(description="Target of the annual volatility, in per cent of equity.")
    ]
    bars: Annotated[
        int, Meta(ge=2, le=100_000, description="Bars that the volatility is measured over.")
    ] = 20
    most_percent: Most = 100.0


class KellySizing(Section, frozen=True, kw_only=True, tag_field="kind", tag="kelly"):
    """A fraction of Kelly's share, by the run's own record of trades."""

    fraction: Annotated[
        float, Meta(gt=0.0, le=1.0, description="Fraction of Kelly's share; 0.5 is half Kelly.")
    ] = 0.5
    trades: Annotated[Count, Meta(description="Closed trades before the record is believed.")] = 30
    before_percent: Annotated[Percent, Meta(description="Per cent of equity until then.")] = 10.0
    most_percent: Most = 100.0


class KernelSizing(Section, frozen=True, kw_only=True, tag_field="kind", tag="kernel"):
    """A function of your own says how much."""

    kernel: Annotated[OwnFunction, Meta(description="module:name of the function.")]
    most_percent: Most = 100.0


Sizing = (
    FixedSizing
    | PercentSizing
    | AllInSizing
    | RiskSizing
    | VolatilitySizing
    | KellySizing
    | KernelSizing
)
