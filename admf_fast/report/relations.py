"""Why an order was not taken: the relation it broke, with its numbers."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from admf_kernels.execution.records import Exposure
from admf_kernels.execution.terms import Terms


class Around(NamedTuple):
    """What surrounded an order on its bar; NaN where it is not known."""

    close: float = math.nan
    equity: float = math.nan
    held: float = math.nan  # lots
    exposure: Exposure | None = None  # of an account that several instruments share
    worth: float = math.nan  # of a lot at price 1, there


def relation(order: Mapping[str, Any], terms: Terms, around: Around = Around()) -> str:  # noqa: B008
    """Return the relation that a denied or rejected order broke, or its reason as it is.

    `order` has the columns of an ORDER event. Without an `exposure`, gross and net exposure are
    those of an account with one instrument.
    """
    reason = str(order["reason"])
    if reason in ("wrong_side", "bad_price", "zero_size"):
        return _impossible(order, terms, around)
    return _halted(reason, terms) or _exceeded(reason, order, terms, around) or reason


def _impossible(order: Mapping[str, Any], terms: Terms, around: Around) -> str:
    if order["reason"] == "zero_size":
        return f"0 lots: the quantity is less than one lot of {terms.n.lot_size!r}"
    limit, stop, close = order["limit"], order["stop"], around.close
    if order["reason"] == "bad_price":
        return f"limit {limit!r}, stop {stop!r}: prices must be finite, and above 0 where needed"
    buying = order["lots"] > 0
    side, where = ("buy", "above") if buying else ("sell", "below")
    right = math.isnan(close) or ((stop > close) if buying else (stop < close))
    if stop > 0.0 and not right:
        return f"{side} stop {stop!r} must lie {where} the close {close!r}"
    if stop > 0.0 and math.isnan(close):
        return f"{side} stop {stop!r} must lie {where} the close, or its bracket is wrong"
    aim = limit if limit > 0.0 else (stop if stop > 0.0 else close)
    at = "the close" if math.isnan(aim) else repr(aim)
    other = "below" if buying else "above"
    return f"{side} at {at}: its stop loss must lie {other} that, its take profit {where} it"


def _halted(reason: str, terms: Terms) -> str:
    r = terms.r
    texts = {
        "daily_loss_halt": f"halted until the session ends: it lost more than {r.day_loss!r} "
        "of the equity it began with",
        "drawdown_halt": f"halted: the equity fell more than {r.drawdown!r} below its peak",
        "order_rate": f"at most {r.day_orders:.0f} orders in a session, all made",
        "trades_per_day": f"at most {r.day_trades:.0f} positions opened in a session, all opened",
        "session_ends": f"no position is opened in the last {terms.x.session_minutes!r} minutes "
        "of a session",
    }
    return texts.get(reason, "")


def _exceeded(reason: str, order: Mapping[str, Any], terms: Terms, around: Around) -> str:
    r = terms.r
    limits = {
        "max_position": r.position, "max_gross_exposure": r.gross, "max_net_exposure": r.net,
        "max_sector_exposure": r.sector, "max_leverage": terms.a.leverage,
    }  # fmt: skip
    if reason not in limits:
        return ""
    goal = around.held + order["lots"]
    if reason == "max_position" and r.position_lots > 0.0 and abs(goal) > r.position_lots:
        return f"position of {abs(goal):.0f} lots must be at most {r.position_lots:.0f}"
    share = limits[reason]
    if around.exposure is not None and reason != "max_position":
        return _account_exceeded(reason, goal, share, around, around.exposure)
    value = abs(goal) * terms.n.lot_value * around.close
    return (
        f"position of {abs(goal):.0f} lots, worth {value!r} at the close {around.close!r}, must be "
        f"at most {share!r} * equity {around.equity!r} = {share * around.equity!r}"
    )


def _account_exceeded(
    reason: str, goal: float, share: float, around: Around, exposure: Exposure
) -> str:
    """Return the relation of a limit of the whole account, as `execution.risk` has it."""
    before, after = (lots * around.worth * around.close for lots in (around.held, goal))
    grown = abs(after) - abs(before)
    found = {
        "max_net_exposure": ("net", abs(exposure.net - before + after)),
        "max_sector_exposure": ("the sector's gross", exposure.sector + grown),
    }
    what, value = found.get(reason, ("gross", exposure.gross + grown))
    most = share * exposure.equity
    return (
        f"{what} exposure {value!r} with {abs(goal):.0f} lots at the close {around.close!r}, the "
        f"other instruments and their orders counted, must be at most {share!r} * equity "
        f"{exposure.equity!r} = {most!r}"
    )
