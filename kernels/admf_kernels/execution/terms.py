"""The constants of a run's execution: account, instrument, entry, exits, limits.

All are read at run time: one compiled engine serves every run of its edition. What a run pays on
every bar is decided by its `Uses`, which are literals in its driver.
"""

from typing import Any, NamedTuple

FIXED, PERCENT, ALL_IN, RISK, VOLATILITY, KELLY, CUSTOM = range(7)
NEXT_OPEN, SAME_CLOSE = range(2)
STOP_FIRST, TARGET_FIRST, NEAREST_OPEN = range(3)
PESSIMISTIC, NEXT_BAR, NO_EXITS = range(3)
# Fills that slippage moves.
EVERY_FILL, NO_BRACKETS, ENTRIES = range(3)
# Units of a distance: none, fraction of the price, price units, multiples of the ATR.
NO_DISTANCE, FRACTION, AMOUNT, ATR = range(4)
# Bits of `Uses.following`.
FOLLOWS_TRAIL, FOLLOWS_EVEN = 1, 2
TARGETS_MAX = 3
REQUESTS_MAX = 4
# 2**48: sums of whole lots below it are exact, and a quotient is never off by a whole lot.
LOTS_MAX = 281474976710656.0
NS_PER_YEAR = 31_557_600_000_000_000.0  # 365.25 days


class Uses(NamedTuple):
    """Which parts of the engine a run needs; on the others its driver spends nothing."""

    resting: bool = False  # orders that can wait for a price or for the close
    leaving: bool = False  # exits after a number of bars, at the session's end, by a halt
    brackets: bool = False  # a stop or targets placed with every position
    targets: int = 0  # of a bracket, at most TARGETS_MAX
    following: int = 0  # how a protective stop moves: FOLLOWS_TRAIL, FOLLOWS_EVEN or both
    requests: int = 0  # places for orders that the strategy makes itself
    sessions: bool = False  # the session of every bar matters
    clock: bool = False  # sessions come from a calendar; without one they are UTC days
    atr: bool = False  # distances in ATR
    deviation: bool = False  # sizing by volatility
    volume: bool = False  # fills are limited, or made dearer, by the bar's volume
    limits: bool = False  # risk limits
    margin: bool = False  # buying power by leverage instead of cash; liquidation
    financing: bool = False  # interest, borrowing and funding accrue
    actions: bool = False  # splits and dividends
    same_close: bool = False  # market orders fill at the close that made them
    session_end: bool = False  # positions are closed at the end of the session
    max_bars: bool = False  # positions are closed after some bars
    venue: bool = False  # a venue fills, and says so in reports


class Account(NamedTuple):
    """Money and rules that all instruments of a run share."""

    cash: float = 100_000.0  # account currency at the start
    fill: int = NEXT_OPEN
    sizing: int = ALL_IN
    sizing_value: float = 1.0  # lots, fraction of equity, fraction at risk, annual volatility, ...
    sizing_most: float = 1.0  # of the equity, for RISK, VOLATILITY, KELLY and CUSTOM
    sizing_trades: float = 30.0  # KELLY: closed trades before the record is believed
    sizing_before: float = 0.1  # KELLY: fraction of equity until then
    sizing_periods: float = 0.0  # VOLATILITY: bars per year
    long_allowed: bool = True
    short_allowed: bool = True
    both_hit: int = STOP_FIRST
    entry_bar: int = PESSIMISTIC
    touch: bool = False  # limit orders fill where the price is touched
    participation: float = 0.0  # most of a bar's volume; 0 for no limit
    leverage: float = 1.0
    maintenance: float = 0.0  # equity over gross exposure below which everything is closed
    interest_rate: float = 0.0  # a year, on negative cash
    reject: bool = False  # what cannot be paid whole is not filled at all
    exit_first: bool = False  # turning takes two orders: one that leaves, one that enters
    size_at_fill: bool = False  # PERCENT and ALL_IN: sized by the price of the fill


class Instrument(NamedTuple):
    """What one instrument is, and what it costs to trade it."""

    lot_size: float = 1.0  # units in one lot
    lot_value: float = 1.0  # account currency for one lot at price 1: lot_size * multiplier
    ticks: float = 0.0  # ticks in a price of 1, for rounding order prices; 0 for no rounding
    cross: float = 0.0  # price units by which a limit must be crossed, less half a tick
    fee_rate: float = 0.0  # of the notional, a fraction
    fee_rate_maker: float = 0.0  # of the notional, for orders that waited in the book
    fee_per_unit: float = 0.0  # account currency per unit
    fee_fixed: float = 0.0  # account currency per fill
    fee_minimum: float = 0.0  # of a fill's whole fee
    fee_tiers: int = 0  # how many of the following steps of the month's turnover are in use
    fee_from_1: float = 0.0
    fee_rate_1: float = 0.0
    fee_from_2: float = 0.0
    fee_rate_2: float = 0.0
    fee_from_3: float = 0.0
    fee_rate_3: float = 0.0
    slippage_rate: float = 0.0  # of the price, against us, a fraction
    slippage_amount: float = 0.0  # price units, against us
    slippage_impact: float = 0.0  # of the price at a full bar's volume, by the square of the share
    slippage_on: int = EVERY_FILL
    borrow_rate: float = 0.0  # a year, on the value of shorts
    funding_rate: float = 0.0  # a year, longs pay it to shorts


class Entry(NamedTuple):
    """The order that a signal becomes."""

    kind: int = 0  # of `reasons.KINDS`
    tif: int = 0
    unit: int = NO_DISTANCE  # of both distances
    limit: float = 0.0  # distance of the limit below (buying) the close; negative: above
    stop: float = 0.0  # distance of the stop above (buying) the close
    bars: float = 0.0  # bars it may wait; 0 for as long as its time in force says


class Exits(NamedTuple):
    """When a position is left besides by signal."""

    stop: int = NO_DISTANCE
    stop_value: float = 0.0
    target: int = NO_DISTANCE
    target_1: float = 0.0
    target_2: float = 0.0
    target_3: float = 0.0
    part_1: float = 1.0  # of the position at entry
    part_2: float = 0.0
    part_3: float = 0.0
    trail: int = NO_DISTANCE
    trail_value: float = 0.0
    trail_start: float = 0.0  # gain from which on it follows, in the same unit
    trail_close: bool = False  # follows the close instead of high and low
    even: int = NO_DISTANCE  # move the stop to break even
    even_value: float = 0.0  # gain that moves it
    even_offset: float = 0.0  # beyond the entry price, same unit
    max_bars: float = 0.0
    session_end: bool = False
    session_minutes: float = 0.0  # before the session's close
    from_close: bool = False  # distances count from the close of the entry's bar
    memory: int = -1  # bits of `reasons.ROLES`: exits after which the same signal is not followed


class Limits(NamedTuple):
    """What is denied, and when trading stops; 0 for no limit."""

    position: float = 0.0  # value of one instrument's position over equity
    position_lots: float = 0.0
    gross: float = 0.0  # sum of absolute values over equity
    net: float = 0.0  # absolute sum of values over equity
    sector: float = 0.0  # gross of one sector over equity
    day_loss: float = 0.0  # fraction of the equity at the last session's end
    drawdown: float = 0.0  # fraction of the peak
    day_orders: float = 0.0
    day_trades: float = 0.0
    flatten: bool = True  # a halt closes what is open


class Terms(NamedTuple):
    """All constants of one instrument in one run; `fee_of` and `size_of` are functions."""

    uses: Uses
    a: Any
    n: Any
    e: Any
    x: Any
    r: Any
    fee_of: Any
    size_of: Any


CONSTANTS: dict[str, type] = {
    "uses": Uses,
    "a": Account,
    "n": Instrument,
    "e": Entry,
    "x": Exits,
    "r": Limits,
}
