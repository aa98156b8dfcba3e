"""Distances from a price: exactly one of per cent, amount, ticks and multiples of the ATR."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from admf_fast.config.section import Positive, Section

UNITS = ("percent", "amount", "ticks", "atr")


class AnyDistance(Section, frozen=True, kw_only=True):
    """Base of the distances: which unit was given."""

    @property
    def units(self) -> dict[str, float]:
        """The units that are given, with their values; one, once the rules are checked."""
        found = {unit: getattr(self, unit) for unit in UNITS}
        return {unit: value for unit, value in found.items() if value is not UNSET}

    @property
    def unit(self) -> str:
        """The unit that is given."""
        return next(iter(self.units))

    @property
    def value(self) -> float:
        """The distance in its unit."""
        return next(iter(self.units.values()))

    @classmethod
    def remedy(cls, found: object) -> str:
        """How to write a bare number."""
        if isinstance(found, bool) or not isinstance(found, int | float):
            return ""
        return f"; say in which unit: {{percent: {found}}}, or amount, ticks or atr for percent"


class DistanceSpec(AnyDistance, frozen=True, kw_only=True):
    """A distance from a price, in exactly one unit."""

    percent: Annotated[Positive, Meta(description="Per cent of the price.")] | UnsetType = UNSET
    amount: (
        Annotated[Positive, Meta(description="Price units, in the instrument's currency.")]
        | UnsetType
    ) = UNSET
    ticks: (
        Annotated[Positive, Meta(description="Ticks; the instrument needs its tick_size.")]
        | UnsetType
    ) = UNSET
    atr: (
        Annotated[
            Positive, Meta(description="Multiples of the average true range (exits.atr_period).")
        ]
        | UnsetType
    ) = UNSET


class OffsetSpec(AnyDistance, frozen=True, kw_only=True):
    """A distance from a price, in exactly one unit; below 0 it lies on the other side."""

    percent: Annotated[float, Meta(description="Per cent of the price.")] | UnsetType = UNSET
    amount: (
        Annotated[float, Meta(description="Price units, in the instrument's currency.")] | UnsetType
    ) = UNSET
    ticks: (
        Annotated[float, Meta(description="Ticks; the instrument needs its tick_size.")] | UnsetType
    ) = UNSET
    atr: (
        Annotated[
            float, Meta(description="Multiples of the average true range (exits.atr_period).")
        ]
        | UnsetType
    ) = UNSET
