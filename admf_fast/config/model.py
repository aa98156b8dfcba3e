"""The typed model of a configuration: its sections, their units, limits and defaults."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from admf_fast.config.account import AccountSpec
from admf_fast.config.costs import CostsSpec
from admf_fast.config.exits import ExitsSpec
from admf_fast.config.feed import FeedSpec
from admf_fast.config.instrument import InstrumentSpec, MarketSpec
from admf_fast.config.monitor import MonitorSpec
from admf_fast.config.orders import EntrySpec, ExecutionSpec
from admf_fast.config.risk import RiskSpec
from admf_fast.config.rotation import RotationSpec
from admf_fast.config.section import Identifier, Name, OutputName, Params, Positive, Section, given
from admf_fast.config.sizing import AllInSizing, Sizing
from admf_fast.config.source import Source
from admf_fast.config.strategy import StrategySpec
from admf_fast.config.sweep import SweepSpec
from admf_fast.data.spec import BarSpec


class FeatureSpec(Section, frozen=True, kw_only=True):
    """An indicator to compute and record besides those that the strategy reads."""

    name: Annotated[Identifier, Meta(description="Column name of the feature; unique.")]
    kernel: Annotated[
        OutputName, Meta(description="Registered name, or module:name of a kernel of your own.")
    ]
    params: Annotated[
        Params, Meta(description="Parameters by name; those left out keep the kernel's defaults.")
    ] = msgspec.field(default_factory=dict)
    inputs: Annotated[
        tuple[Identifier, ...],
        Meta(description="Columns the kernel reads, in its order; none: those it declares."),
    ] = ()
    timeframe: Annotated[
        str,
        Meta(description="Of longer bars that it is computed on, such as 1h; none: the bars'."),
    ] = ""


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
    bars: Annotated[BarSpec, Meta(description="The bars to run on; or else instruments.")] = (
        BarSpec()
    )
    instrument: Annotated[
        MarketSpec, Meta(description="What the bars are of: its units and its own costs.")
    ] = MarketSpec()
    instruments: Annotated[
        tuple[InstrumentSpec, ...],
        Meta(description="Several instruments with one account, in place of bars and instrument."),
    ] = ()
    strategy: Annotated[
        StrategySpec, Meta(description="The strategy to run: a kernel, or expressions.")
    ]
    features: Annotated[
        tuple[FeatureSpec, ...], Meta(description="More indicators to compute and record.")
    ] = ()
    account: Annotated[AccountSpec, Meta(description="Cash, currency and leverage.")] = (
        AccountSpec()
    )
    entry: Annotated[EntrySpec, Meta(description="The order that a signal becomes.")] = EntrySpec()
    rotation: (
        Annotated[RotationSpec, Meta(description="Rank the instruments by the strategy's value.")]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    exits: Annotated[ExitsSpec, Meta(description="When a position is left besides by signal.")] = (
        ExitsSpec()
    )
    sizing: Annotated[Sizing, Meta(description="How a signal becomes a quantity.")] = AllInSizing()
    risk: Annotated[RiskSpec, Meta(description="Limits, and when trading stops.")] = RiskSpec()
    execution: Annotated[ExecutionSpec, Meta(description="When orders fill.")] = ExecutionSpec()
    costs: Annotated[CostsSpec, Meta(description="What a fill costs.")] = CostsSpec()
    direction: Annotated[
        Literal["long_short", "long_only", "short_only"],
        Meta(description="Signals of a side that is not traded count as 0."),
    ] = "long_short"
    metrics: Annotated[MetricsSpec, Meta(description="Conventions of the figures.")] = MetricsSpec()
    sweep: (
        Annotated[SweepSpec, Meta(description="Many parameter sets of this configuration.")]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    monitor: Annotated[MonitorSpec, Meta(description="How a live run is watched.")] = MonitorSpec()
    feed: Annotated[FeedSpec, Meta(description="How a live feed is guarded.")] = FeedSpec()


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


def instruments_of(config: ConfigContent) -> tuple[InstrumentSpec, ...]:
    """What is traded, one or several alike, with the symbol of the bars and a currency.

    The symbol of a single instrument is that of its bars, empty if only their file knows it.
    `costs_of` has the costs.
    """
    listed = config.instruments or (_only(config),)
    return tuple(_filled(config, instrument) for instrument in listed)


def costs_of(config: ConfigContent, instrument: MarketSpec) -> CostsSpec:
    """The costs of an instrument: its own, and for the other keys those of the run."""
    return config.costs.changed(instrument.costs)


def _only(config: ConfigContent) -> InstrumentSpec:
    market, bars = config.instrument, config.bars
    own = {key: getattr(market, key) for key in market.__struct_fields__}
    return InstrumentSpec(symbol=bars.symbol, bars=bars, **own)


def _filled(config: ConfigContent, instrument: InstrumentSpec) -> InstrumentSpec:
    bars = msgspec.structs.replace(instrument.bars, symbol=instrument.symbol)
    currency = given(instrument.currency, config.account.currency)
    return msgspec.structs.replace(instrument, bars=bars, currency=currency)
