"""Rules between the keys of a configuration; each error prints the relation with its numbers."""

import zoneinfo
from collections.abc import Callable

from admf_fast.config.exit_rules import check_exits
from admf_fast.config.market_rules import check_markets
from admf_fast.config.model import ConfigContent, instruments_of
from admf_fast.config.order_rules import check_orders
from admf_fast.config.risk_rules import check_risk
from admf_fast.config.source import KeyPath, Problems, quoted
from admf_fast.config.strategy import check_strategy
from admf_fast.config.sweep import SweepSpec, check_sweep
from admf_fast.data.spec import (
    BarSpec,
    check_longer,
    check_stamp,
    check_symbol,
    parse_range,
    parse_timeframe,
)
from admf_fast.errors import ConfigError

# Columns of the bars, of features.parquet and of the log: a feature beside them is none of these.
TAKEN_NAMES = (
    *("ts", "ts_ns", "timestamp", "sequence", "open", "high", "low", "close", "volume"),
    *("session", "minute_of_day", "minute_of_session", "minutes_left", "weekday", "adjustment"),
)


def check_rules(config: ConfigContent, problems: Problems) -> None:
    """Note every rule that the configuration breaks."""
    check_strategy(config.strategy, ("strategy",), problems)
    _check_feature_names(config, problems)
    _check_timeframes(config, problems)
    if config.instruments:
        for index, instrument in enumerate(config.instruments):
            _check_bars(instrument.bars, ("instruments", index), problems)
    else:
        _check_bars(config.bars, (), problems)
    for check in (check_markets, check_orders, check_exits, check_risk):
        check(config, problems)
    if isinstance(config.sweep, SweepSpec):
        check_sweep(config.sweep, problems)


def _check_feature_names(config: ConfigContent, problems: Problems) -> None:
    first: dict[str, int] = {}
    for index, feature in enumerate(config.features):
        if feature.name in TAKEN_NAMES:
            text = f"expected a name other than {', '.join(TAKEN_NAMES)}; found {feature.name}"
            problems.add(("features", index, "name"), text)
        if feature.name in first:
            other = f"features[{first[feature.name]}] has the same name {feature.name}"
            problems.add(("features", index, "name"), f"expected a name used once; {other}")
        first.setdefault(feature.name, index)


def _check_timeframes(config: ConfigContent, problems: Problems) -> None:
    """Longer bars must be whole numbers of the bars, where the length of those is declared."""
    for index, feature in enumerate(config.features):
        if not feature.timeframe:
            continue
        for instrument in instruments_of(config):
            try:
                check_longer(feature.timeframe, instrument.bars.timeframe)
            except ConfigError as error:
                of = f", for {instrument.symbol}" if config.instruments else ""
                problems.add(("features", index, "timeframe"), f"{error}{of}")
                break


def _check_bars(bars: BarSpec, section: KeyPath, problems: Problems) -> None:
    """The rules of the data package, told with the line; what a file's metadata may add is open."""
    if bars.timeframe:
        _relay(lambda: parse_timeframe(bars.timeframe), section, problems)
    if bars.stamp:
        _relay(lambda: check_stamp(bars.stamp), section, problems)
    if bars.symbol:
        _relay(lambda: check_symbol(bars.symbol), section, problems)
    if bars.timezone:
        _check_timezone(bars.timezone, section, problems)
    _relay(lambda: parse_range(bars), section, problems)


def _relay(check: Callable[[], object], section: KeyPath, problems: Problems) -> None:
    try:
        check()
    except ConfigError as error:
        key, _, text = str(error).partition(":")
        problems.add((*section, *key.split(".")), text.strip())


def _check_timezone(timezone: str, section: KeyPath, problems: Problems) -> None:
    try:
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        text = f"expected a time zone such as UTC or America/New_York; found {quoted(timezone)}"
        problems.add((*section, "bars", "timezone"), text)
