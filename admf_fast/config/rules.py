"""Rules between the keys of a configuration; each error prints the relation with its numbers."""

import zoneinfo
from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal, localcontext

from admf_fast.config.model import ConfigContent, FixedSizing
from admf_fast.config.source import Problems, quoted
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
    *("session", "minute_of_day", "minute_of_session", "minutes_left", "weekday"),
)


def check_rules(config: ConfigContent, problems: Problems) -> None:
    """Note every rule that the configuration breaks."""
    if isinstance(config.sizing, FixedSizing):
        _check_whole_lots(config.sizing.quantity, config.account.lot_size, problems)
    _check_feature_names(config, problems)
    _check_timeframes(config, problems)
    _check_bars(config.bars, problems)


def _check_whole_lots(quantity: float, lot_size: float, problems: Problems) -> None:
    if is_multiple(quantity, lot_size):
        return
    nearby = " or ".join(_nearby_multiples(quantity, lot_size))
    text = (
        "expected a whole multiple of account.lot_size; "
        f"found {quantity!r}, with a lot size of {lot_size!r}; nearest: {nearby}"
    )
    problems.add(("sizing", "quantity"), text)


def is_multiple(value: float, step: float) -> bool:
    """Whether a value is a whole multiple of a step, both taken as the decimals they are read as.

    In binary 0.07 is no multiple of 0.01; in the shop it is.
    """
    value_top, value_bottom = Decimal(repr(value)).as_integer_ratio()
    step_top, step_bottom = Decimal(repr(step)).as_integer_ratio()
    return value_top * step_bottom % (step_top * value_bottom) == 0


def _nearby_multiples(value: float, step: float) -> list[str]:
    with localcontext() as context:
        context.prec = 700  # more than the digits between the largest and the smallest float64
        count = (Decimal(repr(value)) / Decimal(repr(step))).to_integral_value(ROUND_FLOOR)
        near = [float(count * Decimal(repr(step))), float((count + 1) * Decimal(repr(step)))]
    return [repr(multiple) for multiple in near if multiple > 0.0]


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
    base = config.bars.timeframe
    for index, feature in enumerate(config.features):
        if not feature.timeframe:
            continue
        try:
            check_longer(feature.timeframe, base)
        except ConfigError as error:
            problems.add(("features", index, "timeframe"), str(error))


def _check_bars(bars: BarSpec, problems: Problems) -> None:
    """The rules of the data package, told with the line; what a file's metadata may add is open."""
    if bars.timeframe:
        _relay(lambda: parse_timeframe(bars.timeframe), problems)
    if bars.stamp:
        _relay(lambda: check_stamp(bars.stamp), problems)
    if bars.symbol:
        _relay(lambda: check_symbol(bars.symbol), problems)
    if bars.timezone:
        _check_timezone(bars.timezone, problems)
    _relay(lambda: parse_range(bars), problems)


def _relay(check: Callable[[], object], problems: Problems) -> None:
    try:
        check()
    except ConfigError as error:
        key, _, text = str(error).partition(":")
        problems.add(tuple(key.split(".")), text.strip())


def _check_timezone(timezone: str, problems: Problems) -> None:
    try:
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        text = f"expected a time zone such as UTC or America/New_York; found {quoted(timezone)}"
        problems.add(("bars", "timezone"), text)
