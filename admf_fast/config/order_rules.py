"""Rules of the entry order and of how orders fill."""

from msgspec import UNSET

from admf_fast.config.distance_rules import check_one_unit, checked
from admf_fast.config.markets import check_has_ticks, without_calendar
from admf_fast.config.model import ConfigContent
from admf_fast.config.source import Problems

_DISTANCE_TEXT = "a distance such as {percent: 0.5}, or in amount, ticks or atr"
WITH_LIMIT = ("limit", "stop_limit")
WITH_STOP = ("stop", "stop_limit")


def check_orders(config: ConfigContent, problems: Problems) -> None:
    """Note every rule of the entry order and of fills that is broken."""
    _check_prices(config, problems)
    _check_time(config, problems)
    execution = config.execution
    if execution.cross_ticks != 1:
        path = ("execution", "cross_ticks")
        if execution.limit_fill == "touch":
            text = "expected only with execution.limit_fill cross"
            problems.add(path, f"{text}; found {execution.cross_ticks}, with touch")
        else:
            check_has_ticks(config, path, problems)


def _check_prices(config: ConfigContent, problems: Problems) -> None:
    entry = config.entry
    for key, orders in (("limit", WITH_LIMIT), ("stop", WITH_STOP)):
        value = getattr(entry, key)
        if entry.order in orders and value is UNSET:
            text = f"{_DISTANCE_TEXT}, for order {entry.order}"
            problems.missing(("entry", key), text)
        elif entry.order not in orders and value is not UNSET:
            text = f"expected only with order {' or '.join(orders)}; found order {entry.order}"
            problems.add(("entry", key), text)
    limit = checked(config, ("entry", "limit"), entry.limit, problems, below="a limit")
    stop = checked(config, ("entry", "stop"), entry.stop, problems, below="a stop")
    if limit and limit.unit == "percent" and limit.value <= -100.0:
        text = "expected more than -100 per cent for a limit below the price"
        problems.add(("entry", "limit", "percent"), f"{text}; found {limit.value!r}")
    if not limit or not stop:
        return
    same = check_one_unit(("entry", "limit"), limit, stop, "entry.stop", problems)
    beyond = stop.value + limit.value
    if same and limit.unit == "percent" and beyond >= 100.0:
        text = "expected entry.stop + entry.limit < 100 per cent"
        found = f"{stop.value!r} + {limit.value!r} = {beyond!r}"
        problems.add(("entry", "limit", "percent"), f"{text}; found {found}")


def _check_time(config: ConfigContent, problems: Problems) -> None:
    entry = config.entry
    if entry.time_in_force == "GTD" and entry.bars is UNSET:
        problems.missing(("entry", "bars"), "a whole number >= 1, for time_in_force GTD")
    if entry.time_in_force != "GTD" and entry.bars is not UNSET:
        text = f"expected only with time_in_force GTD; found {entry.bars}"
        problems.add(("entry", "bars"), f"{text}, with {entry.time_in_force}")
    if entry.order in WITH_STOP and entry.time_in_force in ("IOC", "FOK"):
        text = f"expected GTC, DAY or GTD for order {entry.order}, which waits for its stop"
        problems.add(("entry", "time_in_force"), f"{text}; found {entry.time_in_force}")
    _check_sessions(config, problems)


def _check_sessions(config: ConfigContent, problems: Problems) -> None:
    """Note orders that end with a session where nothing says when intraday sessions end."""
    entry = config.entry
    missing = without_calendar(config, intraday=True)
    for key, value in (("order", "market_on_close"), ("time_in_force", "DAY")):
        if missing and getattr(entry, key) == value:
            text = "expected a calendar that says when sessions end, for bars shorter than a day"
            add = f"add {missing}: that of the market, or 24/7, whose sessions are days in UTC"
            problems.add(("entry", key), f"{text}; found {value} and no calendar; {add}")
