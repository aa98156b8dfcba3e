"""Orders that a strategy makes itself: what to return from one declared with ``orders=n``.

Such a strategy has `n` places for orders and returns `n` requests on every bar, one for each
place. `keep` leaves a place alone, `cancel` empties it, any other request puts an order
there; where one is working, it is replaced. Quantities are signed units, made whole lots
towards zero; prices of 0 mean none. An impossible order is rejected with its reason.
"""

from admf_kernels.execution.reasons import (
    DAY,
    FOK,
    GTC,
    GTD,
    IOC,
    LIMIT,
    MARKET,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
)
from admf_kernels.execution.records import Request
from admf_kernels.execution.requests import CANCEL, KEEP, MOVE_STOP, PUT

__all__ = [
    "DAY", "FOK", "GTC", "GTD", "IOC", "Request", "cancel", "keep", "limit", "market",
    "move_stop", "stop", "stop_limit", "trailing_stop",
]  # fmt: skip


def keep() -> Request:
    """Leave the place as it is."""
    return Request(KEEP, MARKET, 0.0, 0.0, 0.0, 0.0, 0.0, GTC, 0, False, 0.0, 0.0)


def cancel() -> Request:
    """Cancel the order at the place, if one is working."""
    return Request(CANCEL, MARKET, 0.0, 0.0, 0.0, 0.0, 0.0, GTC, 0, False, 0.0, 0.0)


def move_stop(price: float) -> Request:
    """Move the protective stop of the open position to `price`; the place stays as it is."""
    return Request(MOVE_STOP, MARKET, 0.0, 0.0, price, 0.0, 0.0, GTC, 0, False, 0.0, 0.0)


def market(
    quantity: float, stop_loss: float = 0.0, take_profit: float = 0.0, reduce_only: bool = False
) -> Request:
    """Buy (positive) or sell at the next open, with a bracket where prices are given."""
    return Request(
        PUT, MARKET, quantity, 0.0, 0.0, 0.0, 0.0, GTC, 0, reduce_only, stop_loss, take_profit
    )


def limit(
    quantity: float, price: float, stop_loss: float = 0.0, take_profit: float = 0.0,
    tif: int = GTC, until_ns: int = 0, reduce_only: bool = False,
) -> Request:  # fmt: skip
    """Buy at `price` or lower, or sell at `price` or higher."""
    return Request(
        PUT, LIMIT, quantity, price, 0.0, 0.0, 0.0, tif, until_ns, reduce_only, stop_loss,
        take_profit,
    )  # fmt: skip


def stop(
    quantity: float, price: float, stop_loss: float = 0.0, take_profit: float = 0.0,
    tif: int = GTC, until_ns: int = 0, reduce_only: bool = False,
) -> Request:  # fmt: skip
    """Buy once the price has risen to `price`, or sell once it has fallen to it."""
    return Request(
        PUT, STOP, quantity, 0.0, price, 0.0, 0.0, tif, until_ns, reduce_only, stop_loss,
        take_profit,
    )  # fmt: skip


def stop_limit(
    quantity: float, price: float, limit_price: float, tif: int = GTC, until_ns: int = 0,
    reduce_only: bool = False, stop_loss: float = 0.0, take_profit: float = 0.0,
) -> Request:  # fmt: skip
    """Become a limit order at `limit_price` once the price has reached `price`."""
    return Request(
        PUT, STOP_LIMIT, quantity, limit_price, price, 0.0, 0.0, tif, until_ns, reduce_only,
        stop_loss, take_profit,
    )  # fmt: skip


def trailing_stop(
    quantity: float, distance: float, rate: float = 0.0, reduce_only: bool = True
) -> Request:
    """Sell (or buy) once the price turns by `distance`, or by the fraction `rate`."""
    return Request(
        PUT, TRAILING_STOP, quantity, 0.0, 0.0, distance, rate, GTC, 0, reduce_only, 0.0, 0.0
    )
