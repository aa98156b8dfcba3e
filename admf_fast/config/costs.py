"""What a fill costs: fees, slippage, spread and impact."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from admf_fast.config.section import Cost, CostBps, OwnFunction, Positive, Section

TIERS_MAX = 3


class TierSpec(Section, frozen=True, kw_only=True):
    """A step of the fee by turnover."""

    from_turnover: Annotated[
        Positive,
        Meta(description="Turnover of the month, in account currency, from which on it applies."),
    ] = msgspec.field(name="from")
    bps: Annotated[CostBps, Meta(description="Fee in basis points of the traded value.")]


FeeBps = Annotated[CostBps, Meta(description="Fee in basis points (1/10,000) of the traded value.")]
MakerBps = Annotated[
    CostBps,
    Meta(description="The same for orders that waited for their price; fee_bps if left out."),
]
FeePerShare = Annotated[Cost, Meta(description="Fee per unit of quantity, in account currency.")]
FeeFixed = Annotated[Cost, Meta(description="Fee per fill, in account currency.")]
FeeMinimum = Annotated[Cost, Meta(description="Least fee of a fill, in account currency.")]
Tiers = Annotated[
    tuple[TierSpec, ...],
    Meta(description="Up to 3 steps of the month's turnover at which fee_bps changes."),
]
FeeKernel = Annotated[
    OwnFunction, Meta(description="module:name of a function that says the fee of every fill.")
]
SlippageBps = Annotated[
    CostBps, Meta(description="Price moved against the order, in basis points of the price.")
]
SlippageTicks = Annotated[
    Cost, Meta(description="Price moved against the order, in ticks of the instrument.")
]
SpreadBps = Annotated[
    CostBps,
    Meta(description="Bid-ask spread in basis points of the price; every fill pays half of it."),
]
SpreadTicks = Annotated[
    Cost, Meta(description="Bid-ask spread in ticks; every fill pays half of it.")
]
SlippageOn = Annotated[
    Literal["every_fill", "no_brackets", "entries"],
    Meta(
        description="Fills that slippage, spread and impact move. no_brackets: all but those of "
        "stop losses and targets. entries: those that open or enlarge a position."
    ),
]
ImpactPercent = Annotated[
    float,
    Meta(
        ge=0.0,
        lt=100.0,
        description="Price move, in per cent, by an order as large as the bar's volume.",
    ),
]


class CostsSpec(Section, frozen=True, kw_only=True):
    """What fills cost, for every instrument that says nothing else."""

    fee_bps: FeeBps = 0.0
    maker_bps: MakerBps | UnsetType = UNSET
    fee_per_share: FeePerShare = 0.0
    fee_fixed: FeeFixed = 0.0
    fee_minimum: FeeMinimum = 0.0
    tiers: Tiers = ()
    fee_kernel: FeeKernel | UnsetType = UNSET
    slippage_bps: SlippageBps = 0.0
    slippage_ticks: SlippageTicks = 0.0
    spread_bps: SpreadBps = 0.0
    spread_ticks: SpreadTicks = 0.0
    impact_percent: ImpactPercent = 0.0
    slippage_on: SlippageOn = "every_fill"

    def changed(self, own: "OwnCostsSpec") -> "CostsSpec":
        """These costs with those of an instrument's own in their place, key by key."""
        keys = {key: getattr(own, key) for key in own.__struct_fields__}
        return msgspec.structs.replace(
            self, **{key: value for key, value in keys.items() if value is not UNSET}
        )


class OwnCostsSpec(Section, frozen=True, kw_only=True):
    """The costs of one instrument; a key left out is that of the run's costs."""

    fee_bps: FeeBps | UnsetType = UNSET
    maker_bps: MakerBps | UnsetType = UNSET
    fee_per_share: FeePerShare | UnsetType = UNSET
    fee_fixed: FeeFixed | UnsetType = UNSET
    fee_minimum: FeeMinimum | UnsetType = UNSET
    tiers: Tiers | UnsetType = UNSET
    fee_kernel: FeeKernel | UnsetType = UNSET
    slippage_bps: SlippageBps | UnsetType = UNSET
    slippage_ticks: SlippageTicks | UnsetType = UNSET
    spread_bps: SpreadBps | UnsetType = UNSET
    spread_ticks: SpreadTicks | UnsetType = UNSET
    impact_percent: ImpactPercent | UnsetType = UNSET
    slippage_on: SlippageOn | UnsetType = UNSET
