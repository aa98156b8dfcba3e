"""The instruments of a configuration, each with the key path of its section."""

from msgspec import UNSET

from admf_fast.config.instrument import MarketSpec
from admf_fast.config.model import ConfigContent, instruments_of
from admf_fast.config.source import KeyPath, Problems, key_text
from admf_kernels.timeframe import NS_PER_DAY, TIMEFRAMES, timeframe_ns


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


def without_calendar(config: ConfigContent, *, intraday: bool = False) -> str:
    """The paths of the calendars that are not given: `instruments[1].bars.calendar`.

    With `intraday`, those of bars that are declared to be shorter than a day.
    """
    paths = [
        ("instruments", k, "bars") if config.instruments else ("bars",)
        for k in range(max(1, len(config.instruments)))
    ]
    return ", ".join(
        key_text((*path, "calendar"))
        for path, instrument in zip(paths, instruments_of(config), strict=True)
        if not instrument.bars.calendar and not (intraday and _is_a_day(instrument.bars.timeframe))
    )


def _is_a_day(timeframe: str) -> bool:
    """Whether bars are a day long or more, or are not declared."""
    return timeframe not in TIMEFRAMES or timeframe_ns(timeframe) >= NS_PER_DAY


def check_has_ticks(
    config: ConfigContent, path: KeyPath, problems: Problems, but_with_own: str = ""
) -> None:
    """Note a key that counts in ticks while an instrument does not say what a tick is."""
    missing = lacking(config, "tick_size", but_with_own)
    if missing:
        problems.add(path, f"expected a tick size to count in; found none; add {missing}")
