"""Strategies of ours that do what they are told: the instructions reach them as columns."""

import math
from typing import NamedTuple

from admf_kernels import orders
from admf_kernels.execution.reasons import LIMIT, MARKET, STOP, STOP_LIMIT
from admf_kernels.execution.records import Request
from admf_kernels.execution.requests import PUT
from admf_kernels.registry import indicator, strategy

INSTRUCTIONS = ("size", "limit", "stop", "sl", "tp", "part", "move_sl", "cancel")
SIGNALS = ("long_entry", "long_exit", "short_entry", "short_exit")


@indicator(inputs={"price": "close"}, warmup_bars=1, outputs=INSTRUCTIONS)
def instructions(price: float) -> tuple[float, ...]:
    """Stand for columns that are given, not computed (`tests.peers.ours.Given`)."""
    return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0


@indicator(inputs={"price": "close"}, warmup_bars=1, outputs=SIGNALS)
def signals(price: float) -> tuple[float, ...]:
    """Stand for columns that are given, not computed."""
    return 0.0, 0.0, 0.0, 0.0


@indicator(inputs={"price": "close"}, warmup_bars=1)
def target(price: float) -> float:
    """Stand for a column that is given, not computed."""
    return 0.0


class OrderParams(NamedTuple):
    """Whether a new order closes the position and takes the place of the one that waits."""

    exclusive: bool = True


@strategy(
    params=OrderParams,
    features=lambda p: {name: getattr(instructions(), name) for name in INSTRUCTIONS},
    orders=3,
)
def told_orders(
    c: OrderParams, position: float, size: float, limit: float, stop: float, sl: float,
    tp: float, part: float, move_sl: float, cancel: float,
) -> tuple[Request, Request, Request]:  # fmt: skip
    """Close, order and move the stop as instructed; 0 is nothing."""
    closing = orders.keep()
    if position != 0.0 and c.exclusive and size != 0.0:
        closing = orders.market(-position, 0.0, 0.0, True)
    elif position != 0.0 and part > 0.0:
        units = share_of(abs(position), part)
        closing = orders.market(-units if position > 0.0 else units, 0.0, 0.0, True)
    new = orders.keep()
    if size != 0.0:
        kind = LIMIT if limit > 0.0 else MARKET
        if stop > 0.0:
            kind = STOP_LIMIT if limit > 0.0 else STOP
        new = Request(PUT, kind, size, limit, stop, 0.0, 0.0, orders.GTC, 0, False, sl, tp)
    elif cancel > 0.0:
        new = orders.cancel()
    moved = orders.move_stop(move_sl) if move_sl > 0.0 else orders.keep()
    return closing, new, moved


def share_of(units: float, part: float) -> float:
    """Return that part of whole units, a half rounded to even, at least 1."""
    exact = units * part
    whole = math.floor(exact) * 1.0
    over = exact - whole
    odd = whole - 2.0 * math.floor(whole / 2.0) == 1.0
    if over > 0.5 or (over == 0.5 and odd):
        whole += 1.0
    return whole if whole > 1.0 else 1.0


class SignalParams(NamedTuple):
    """What an entry against the position means, and whether stops eat the signals of their bar."""

    close_only: bool = False
    stops: bool = False


class Wanted(NamedTuple):
    """What was last wanted."""

    signal: float = 0.0


@strategy(
    params=SignalParams,
    state=Wanted,
    features=lambda p: {name: getattr(signals(), name) for name in SIGNALS},
)
def told_signals(
    c: SignalParams, s: Wanted, position: float, long_entry: float, long_exit: float,
    short_entry: float, short_exit: float,
) -> tuple[Wanted, float]:  # fmt: skip
    """Turn entries and exits into a position as `vectorbt` does without accumulation."""
    buy, leave_long = long_entry > long_exit, long_exit > long_entry
    short, leave_short = short_entry > short_exit, short_exit > short_entry
    held = 0.0 if abs(position) < 1e-8 else position
    if buy and short:
        buy, short = False, False
    if c.stops and s.signal != 0.0 and held == 0.0:  # a stop was hit on this bar
        return Wanted(0.0), 0.0
    if held == 0.0:
        signal = 1.0 if buy else (-1.0 if short else 0.0)
    elif held > 0.0:
        signal = 0.0 if leave_long else 1.0
        if short:
            signal = 0.0 if c.close_only else -1.0
    else:
        signal = 0.0 if leave_short else -1.0
        if buy:
            signal = 0.0 if c.close_only else 1.0
    return Wanted(signal), signal


@strategy(state=Wanted, features=lambda p: {"target": target()})
def told_target(s: Wanted, target: float) -> tuple[Wanted, float]:
    """Want the share of equity that was last given; above 9 is nothing given."""
    signal = s.signal if target > 9.0 else target
    return Wanted(signal), signal


class AmountParams(NamedTuple):
    """Whether sizes are positions, and the one side that may be held; 0 for both."""

    target: bool = False
    side: int = 0


@strategy(
    params=AmountParams,
    features=lambda p: {"size": instructions().size, "given": instructions().part},
    orders=1,
)
def told_amounts(c: AmountParams, position: float, size: float, given: float) -> tuple[Request]:
    """Buy or sell an amount, or what is missing to it."""
    quantity = size - position if c.target else size
    if given == 0.0 or quantity == 0.0:
        return (orders.keep(),)
    return (orders.market(quantity, 0.0, 0.0, c.side * quantity < 0.0),)


class AddingParams(NamedTuple):
    """The units that an entry adds and an exit takes away."""

    size: float = 5.0


@strategy(
    params=AddingParams,
    features=lambda p: {name: getattr(signals(), name) for name in SIGNALS},
    orders=1,
)
def told_adding(
    c: AddingParams, position: float, long_entry: float, long_exit: float, short_entry: float,
    short_exit: float,
) -> tuple[Request]:  # fmt: skip
    """Add to the position with every entry, and take away with every exit."""
    buy, leave_long = long_entry > long_exit, long_exit > long_entry
    short, leave_short = short_entry > short_exit, short_exit > short_entry
    if buy and short:
        buy, short = False, False
    if short and position >= 0.0:
        return (orders.market(-c.size),)
    if buy and position <= 0.0:
        return (orders.market(c.size),)
    if position > 0.0 and leave_long:
        return (orders.market(-c.size, 0.0, 0.0, True),)
    if position < 0.0 and leave_short:
        return (orders.market(c.size, 0.0, 0.0, True),)
    if buy and position > 0.0:
        return (orders.market(c.size),)
    if short and position < 0.0:
        return (orders.market(-c.size),)
    return (orders.keep(),)


def lots_for_2000(
    signal: float, equity: float, close: float, worth: float, atr: float, deviation: float
) -> float:
    """Size a position by an amount of money."""
    return 2_000.0 / (close * worth)


class ShareParams(NamedTuple):
    """What buying costs, to spend a share of the cash including it."""

    fees: float = 0.0
    fixed: float = 0.0
    slippage: float = 0.0


@strategy(params=ShareParams, features=lambda p: {"size": instructions().size}, orders=1)
def told_shares(
    c: ShareParams, cash: float, position: float, close: float, size: float
) -> tuple[Request]:
    """Buy for a share of the cash, or sell a share of the position; never short."""
    if size > 0.0:
        paid = (cash * size - c.fixed) / (1.0 + c.fees)
        return (orders.market(paid / (close * (1.0 + c.slippage))),)
    if size < 0.0 and position > 0.0:
        return (orders.market(size * position, 0.0, 0.0, True),)
    return (orders.keep(),)
