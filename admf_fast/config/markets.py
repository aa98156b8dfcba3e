"""The instruments of a configuration, each with the key path of its section."""

from msgspec import UNSET

from admf_fast.config.instrument import MarketSpec
from admf_fast.config.model import ConfigContent
from admf_fast.config.source import KeyPath, Problems, key_text


def markets(config: ConfigContent) -> list[tuple[KeyPath, MarketSpec]]:
    """Every instrument with the path of its section."""
    if config.instruments:
        return [(("instruments", k), market) for k, market in enumerate(config.instruments)]
    return [(("instrument",), config.instrument)]


def lacking(config: ConfigContent, key: str, but_with_own: str = "") -> str:
    """The paths of a key that instruments could have and do not: `instruments[1].tick_size`.

    Those with a cost of their own named by `but_with_own` are left out.
    """
    return ", ".join(
        key_text((*path, key))
        for path, market in markets(config)
        if not getattr(market, key) and getattr(market.costs, but_with_own, UNSET) is UNSET
    )


def check_has_ticks(
    config: ConfigContent, path: KeyPath, problems: Problems, but_with_own: str = ""
) -> None:
    """Note a key that counts in ticks while an instrument does not say what a tick is."""
    missing = lacking(config, "tick_size", but_with_own)
    if missing:
        problems.add(path, f"expected a tick size to count in; found none; add {missing}")
