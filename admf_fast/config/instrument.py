"""What is traded: one instrument, or several with one account."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from admf_fast.config.costs import OwnCostsSpec
from admf_fast.config.section import Currency, Name, Rate, Scale, Section, Symbol
from admf_fast.data.spec import BarSpec


class ActionsSpec(Section, frozen=True, kw_only=True):
    """A file of splits and dividends."""

    path: Annotated[
        str, Meta(min_length=1, description="Path of the file, from the configuration's folder.")
    ]
    format: Annotated[
        Literal["auto", "parquet", "ipc", "csv", "lean"],
        Meta(
            description="Of the file; auto goes by the suffix. lean: a factor file without header."
        ),
    ] = "auto"


class MarketSpec(Section, frozen=True, kw_only=True):
    """The units an instrument is traded in, and what is its own about money."""

    lot_size: Annotated[
        Scale, Meta(description="Smallest quantity; every order is a whole multiple.")
    ] = 1.0
    tick_size: (
        Annotated[
            Scale,
            Meta(description="Smallest price step; if given, order prices are rounded to it."),
        ]
        | UnsetType
    ) = UNSET
    multiplier: Annotated[
        Scale, Meta(description="Units of currency that a price of 1 means for a quantity of 1.")
    ] = 1.0
    currency: (
        Annotated[Currency, Meta(description="Currency of the prices; the account's if left out.")]
        | UnsetType
    ) = UNSET
    fx: (
        Annotated[
            Symbol,
            Meta(description="Instrument of this run whose price converts it, such as EURUSD."),
        ]
        | UnsetType
    ) = UNSET
    fx_rate: (
        Annotated[
            Scale, Meta(description="Account currency for one unit of the currency, constant.")
        ]
        | UnsetType
    ) = UNSET
    sector: Annotated[Name, Meta(description="Group for risk.max_sector_percent.")] | UnsetType = (
        UNSET
    )
    borrow_percent: Annotated[
        Rate, Meta(description="Fee on the value of short positions, in per cent a year.")
    ] = 0.0
    funding_percent: Annotated[
        float,
        Meta(
            gt=-1000.0,
            lt=1000.0,
            description="Funding in per cent a year: long positions pay it to short ones.",
        ),
    ] = 0.0
    actions: Annotated[ActionsSpec, Meta(description="Splits and dividends.")] | UnsetType = UNSET
    costs: Annotated[OwnCostsSpec, Meta(description="Costs that differ from the run's.")] = (
        OwnCostsSpec()
    )


class InstrumentSpec(MarketSpec, frozen=True, kw_only=True):
    """One of several instruments: its bars, the units it is traded in, its costs."""

    symbol: Annotated[Symbol, Meta(description="Symbol of the instrument; unique.")]
    bars: Annotated[BarSpec, Meta(description="The bars of the instrument.")]
