"""What is denied, and when trading stops."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from admf_fast.config.section import Count, Percent, Positive, Section, Share


class RiskSpec(Section, frozen=True, kw_only=True):
    """Limits; one that is not given does not limit."""

    max_position_percent: (
        Annotated[Percent, Meta(description="Value of one position, in per cent of equity.")]
        | UnsetType
    ) = UNSET
    max_position: (
        Annotated[Positive, Meta(description="Quantity of one position, in units.")] | UnsetType
    ) = UNSET
    max_gross_percent: (
        Annotated[
            Percent,
            Meta(description="Sum of the positions' absolute values, in per cent of equity."),
        ]
        | UnsetType
    ) = UNSET
    max_net_percent: (
        Annotated[
            Percent, Meta(description="Long less short values, in per cent of equity, either sign.")
        ]
        | UnsetType
    ) = UNSET
    max_sector_percent: (
        Annotated[
            Percent,
            Meta(description="The same as max_gross_percent for the instruments of one sector."),
        ]
        | UnsetType
    ) = UNSET
    max_daily_loss_percent: (
        Annotated[
            Share,
            Meta(
                description="Loss since the last session's end, in per cent of the equity then, "
                "that halts trading for the session."
            ),
        ]
        | UnsetType
    ) = UNSET
    max_drawdown_percent: (
        Annotated[
            Share, Meta(description="Loss since the peak of equity, in per cent, that halts it.")
        ]
        | UnsetType
    ) = UNSET
    max_orders_per_day: Annotated[Count, Meta(description="Orders in one session.")] | UnsetType = (
        UNSET
    )
    max_trades_per_day: (
        Annotated[Count, Meta(description="Trades begun in one session.")] | UnsetType
    ) = UNSET
    on_halt: Annotated[
        Literal["flatten", "keep"],
        Meta(description="A halt closes what is open, or leaves it to its exits."),
    ] = "flatten"
