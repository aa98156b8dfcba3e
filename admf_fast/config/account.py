"""The account of a run."""

from typing import Annotated

from msgspec import Meta

from admf_fast.config.section import Currency, Positive, Rate, Section


class AccountSpec(Section, frozen=True, kw_only=True):
    """The account at the first bar, and what it may borrow."""

    cash: Annotated[Positive, Meta(description="Cash at the start, in account currency.")] = (
        100_000.0
    )
    currency: Annotated[Currency, Meta(description="Currency that everything is counted in.")] = (
        "USD"
    )
    leverage: Annotated[
        float,
        Meta(ge=1.0, description="Most exposure over equity; 1 buys with cash only."),
    ] = 1.0
    maintenance_percent: Annotated[
        float,
        Meta(
            ge=0.0,
            lt=100.0,
            description="Equity in per cent of the exposure below which everything is closed.",
        ),
    ] = 0.0
    interest_percent: Annotated[Rate, Meta(description="Interest on debt, in per cent a year.")] = (
        0.0
    )
