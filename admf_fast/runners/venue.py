"""The set-up of a run whose orders a venue fills."""

from dataclasses import replace

from admf_fast.errors import ConfigError
from admf_fast.runners.setup import Setup


def with_venue(setup: Setup) -> Setup:
    """Return a set-up in which a venue's reports fill instead of the engine.

    Raises ConfigError for what no venue can do: the size by the price of the fill, and
    splits and dividends, which a venue books itself.
    """
    config, terms = setup.config, setup.terms
    if terms.a.size_at_fill:
        raise ConfigError(
            f"{config.where('sizing')}: sizing.at: expected close with a venue, which must know "
            "the size before the fill; found fill"
        )
    if terms.uses.actions:
        raise ConfigError(
            f"{config.where('instrument', 'actions')}: instrument.actions: expected none with a "
            "venue, which adjusts positions and orders itself; leave it out"
        )
    return replace(setup, terms=terms._replace(uses=terms.uses._replace(venue=True)))
