"""The typed model of a configuration: its sections, their units, limits and defaults."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from admf_fast.config.source import Source
from admf_fast.data.spec import BarSpec

# `(?!\n)`: Python's `$` also matches in front of a last newline, an editor's does not.
Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)",
        extra={"expected": "1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first"},
    ),
]
Identifier = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$(?!\n)",
        extra={"expected": "1 to 64 of A-Z a-z 0-9 _, no digit first"},
    ),
]
_KERNEL_PATTERN = (
    r"^(?:[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*:)?[A-Za-z_][A-Za-z0-9_]*$(?!\n)"
)
KernelName = Annotated[
    str,
    Meta(
        pattern=_KERNEL_PATTERN,
        max_length=200,
        extra={"expected": "a registered name like sma_cross, or module:name"},
    ),
]
ParamValue = bool | int | float
Params = dict[Identifier, ParamValue]

Positive = Annotated[float, Meta(gt=0.0)]
Cost = Annotated[float, Meta(ge=0.0)]
# At 10,000 bps a sale would bring nothing, and beyond that less than nothing.
CostBps = Annotated[float, Meta(ge=0.0, lt=10_000.0)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all sections: immutable, and closed to keys it does not name."""


class StrategySpec(Section, frozen=True, kw_only=True):
    """The strategy kernel and its parameters."""

    kernel: Annotated[
        KernelName, Meta(description="Registered name, or module:name of a kernel of your own.")
    ]
    params: Annotated[
        Params, Meta(description="Parameters by name; those left out keep the kernel's defaults.")
    ] = {}


class FeatureSpec(Section, frozen=True, kw_only=True):
    """An indicator to compute and record besides those that the strategy reads."""

    name: Annotated[Identifier, Meta(description="Column name of the feature; unique.")]
    kernel: Annotated[
        KernelName, Meta(description="Registered name, or module:name of a kernel of your own.")
    ]
    params: Annotated[
        Params, Meta(description="Parameters by name; those left out keep the kernel's defaults.")
    ] = {}
    inputs: Annotated[
        tuple[Identifier, ...],
        Meta(description="Columns the kernel reads, in its order; none: those it declares."),
    ] = ()
    timeframe: Annotated[
        str,
        Meta(description="Of longer bars that it is computed on, such as 1h; none: the bars'."),
    ] = ""


class AccountSpec(Section, frozen=True, kw_only=True):
    """The account at the first bar, and the units of the market it trades in."""

    cash: Annotated[Positive, Meta(description="Cash at the start, in account currency.")] = (
        100_000.0
    )
    lot_size: Annotated[
        Positive, Meta(description="Smallest quantity; every order is a whole multiple.")
    ] = 1.0
    tick_size: Annotated[Positive, Meta(description="Smallest price step.")] = 0.01


class ExecutionSpec(Section, frozen=True, kw_only=True):
    """When orders fill, and what a fill costs."""

    fill: Annotated[
        Literal["next_open", "same_close"],
        Meta(
            description="next_open: at the open of the bar after the signal. "
            "same_close: at the close that made the signal; for research only."
        ),
    ] = "next_open"
    fee_bps: Annotated[
        CostBps, Meta(description="Fee in basis points (1/10,000) of the traded value.")
    ] = 0.0
    fee_per_share: Annotated[
        Cost, Meta(description="Fee per unit of quantity, in account currency.")
    ] = 0.0
    fee_fixed: Annotated[Cost, Meta(description="Fee per fill, in account currency.")] = 0.0
    slippage_bps: Annotated[
        CostBps, Meta(description="Price moved against the order, in basis points of the price.")
    ] = 0.0
    slippage_ticks: Annotated[
        Cost, Meta(description="Price moved against the order, in ticks (account.tick_size).")
    ] = 0.0


class FixedSizing(Section, frozen=True, kw_only=True, tag_field="kind", tag="fixed"):
    """The same quantity in every position."""

    quantity: Annotated[
        Positive, Meta(description="Quantity at full signal, a whole multiple of the lot size.")
    ]


class PercentSizing(Section, frozen=True, kw_only=True, tag_field="kind", tag="percent"):
    """A part of the equity in every position."""

    percent: Annotated[
        float, Meta(gt=0.0, le=100.0, description="Per cent of equity at full signal.")
    ]


class AllInSizing(Section, frozen=True, kw_only=True, tag_field="kind", tag="all_in"):
    """The whole equity in every position."""


Sizing = FixedSizing | PercentSizing | AllInSizing


class MetricsSpec(Section, frozen=True, kw_only=True):
    """The conventions of the performance figures."""

    periods_per_year: Annotated[
        Literal["counted"] | Positive,
        Meta(
            description="Bars per year, for annual figures: a number such as 252, "
            "or counted from the bars."
        ),
    ] = "counted"
    risk_free: Annotated[
        float, Meta(gt=-1.0, description="Annual risk-free return as a fraction; 0.02 is 2 %.")
    ] = 0.0


class ConfigContent(Section, frozen=True, kw_only=True):
    """A run of admf-fast: which bars, which strategy, which account, which costs."""

    name: Annotated[
        Name, Meta(description="Name of the run; the file name without its suffix if left out.")
    ] = "unnamed"
    bars: Annotated[BarSpec, Meta(description="The bars to run on.")]
    strategy: Annotated[StrategySpec, Meta(description="The strategy kernel to run.")]
    features: Annotated[
        tuple[FeatureSpec, ...], Meta(description="More indicators to compute and record.")
    ] = ()
    account: Annotated[AccountSpec, Meta(description="Cash, lot size and tick size.")] = (
        AccountSpec()
    )
    execution: Annotated[ExecutionSpec, Meta(description="Fill rule and costs.")] = ExecutionSpec()
    sizing: Annotated[Sizing, Meta(description="How a signal becomes a quantity.")] = AllInSizing()
    direction: Annotated[
        Literal["long_short", "long_only", "short_only"],
        Meta(description="Signals of a side that is not traded count as 0."),
    ] = "long_short"
    metrics: Annotated[MetricsSpec, Meta(description="Conventions of the figures.")] = MetricsSpec()


class Config(ConfigContent, frozen=True, kw_only=True):
    """A checked configuration, and the text it came from.

    Everything but `source` is its meaning: the digest covers that and nothing else. One built in
    Python is checked by `validate`.
    """

    source: Source = msgspec.field(default_factory=Source)

    def where(self, *path: str | int) -> str:
        """`file:line` of a key, for errors found later than by the model."""
        return self.source.where(path)

    def resolve(self, path: str) -> str:
        """A path of the configuration as seen from the current directory."""
        return self.source.resolve(path)


__all__ = [
    "AccountSpec",
    "AllInSizing",
    "BarSpec",
    "Config",
    "ConfigContent",
    "ExecutionSpec",
    "FeatureSpec",
    "FixedSizing",
    "MetricsSpec",
    "PercentSizing",
    "Sizing",
    "StrategySpec",
]
